/** What every verb does around its work: open the device, read a scene, write a file whole. */
import { constants } from 'node:fs'
import { access, mkdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { type Device, loadScene, openDevice, type SceneManipulator, writeAtomic } from 'faceclipnerf'
import type { DeviceChoice } from './options.ts'
import type { Reporter } from './progress.ts'

/** Opens the device that the options ask for and says which it is. */
export async function openChosen({ device: kind, precision, threads }: DeviceChoice, reporter: Reporter): Promise<Device> {
  // 'auto' leaves room for the environment variable FACECLIPNERF_DEVICE
  const device = await openDevice({ ...(kind === 'auto' ? {} : { kind }), precision, threads })
  reporter.note(`device: ${device.description}`)
  return device
}

export async function readScene(device: Device, path: string): Promise<SceneManipulator> {
  return await loadScene(device, await readBytes(path, 'make a scene with faceclipnerf train'), path)
}

/** A file's bytes. Throws, naming the file and the remedy, when it cannot be read. */
export async function readBytes(path: string, remedy: string): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${path}: ${error.code === 'ENOENT' ? 'no such file' : `cannot be read (${error.message})`}; ${remedy}`)
  })
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export async function writeJson(path: string, value: object): Promise<void> {
  await writeAtomic(path, new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`))
}

/** 'out/ada.png' + '.depth.png' -> 'out/ada.depth.png' */
export function beside(path: string, suffix: string): string {
  return join(dirname(path), basename(path, extname(path)) + suffix)
}

/** Throws unless the path ends as the verb writes it. */
export function requireExtension(path: string, extensions: readonly string[]): void {
  if (!extensions.includes(extname(path).toLowerCase()))
    throw new Error(`${path}: cannot write "${extname(path)}" here; choose a name that ends in ${extensions.filter(Boolean).join(' or ')}`)
}

/**
 * Throws, before any work, unless a file with one of these endings can be written: what takes minutes must not fail for its name at the end. Folders
 * that are missing are made when it is written.
 */
export async function requireFile(path: string, extensions: readonly string[]): Promise<void> {
  requireExtension(path, extensions)
  const isFolder = async (place: string): Promise<boolean | undefined> => (await stat(place).catch(() => undefined))?.isDirectory()
  if (await isFolder(path)) throw new Error(`${path}: there is a folder of that name; choose the name of a file`)
  let above = dirname(resolve(path))
  while ((await isFolder(above)) === undefined && dirname(above) !== above) above = dirname(above)
  if (!(await isFolder(above))) throw new Error(`${path}: ${above} is a file, not a folder; choose another path`)
  await access(above, constants.W_OK).catch(() => {
    throw new Error(`${path}: ${above} is not writable; make it writable or choose another folder`)
  })
}

/** Makes a folder to write to. Throws before any work when it cannot be. */
export async function requireFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true })
    await access(path, constants.W_OK)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why =
      code === 'EEXIST' || code === 'ENOTDIR' ? 'there is a file of that name' : code === 'EACCES' || code === 'EROFS' ? 'not writable' : message
    throw new Error(`${path}: cannot be the folder to write to (${why}); choose another with -o`)
  }
}
