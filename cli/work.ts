/** What every verb does around its work: open the device, read a scene, write a file whole. */
import { constants } from 'node:fs'
import { access, readFile, stat } from 'node:fs/promises'
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

/** A JSON file. Throws, naming the file and the remedy, when it cannot be read or is none. */
export async function readJson(path: string, remedy: string): Promise<unknown> {
  const text = new TextDecoder().decode(await readBytes(path, remedy))
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`${path}: not JSON (${error instanceof Error ? error.message : error}); ${remedy}`)
  }
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
  if (await isFolder(path)) throw new Error(`${path}: there is a folder of that name; choose the name of a file`)
  const why = await whyNotWritable(dirname(resolve(path)))
  if (why !== undefined) throw new Error(`${path}: cannot be written (${why}); choose another path`)
}

/** Throws, before any work, unless files can be written to the folder; like those above it, it is made when they are. */
export async function requireFolder(path: string): Promise<void> {
  const why = (await isFolder(path)) === false ? 'there is a file of that name' : await whyNotWritable(resolve(path))
  if (why !== undefined) throw new Error(`${path}: cannot be the folder to write to (${why}); choose another with -o`)
}

/** Undefined where there is nothing. */
async function isFolder(path: string): Promise<boolean | undefined> {
  return (await stat(path).catch(() => undefined))?.isDirectory()
}

/** Why nothing can be made in a folder, or in the nearest one above it that is there. */
async function whyNotWritable(folder: string): Promise<string | undefined> {
  let place = folder
  while ((await isFolder(place)) === undefined && dirname(place) !== place) place = dirname(place)
  if (!(await isFolder(place))) return `${place} is a file, not a folder`
  return await access(place, constants.W_OK).then(
    () => undefined,
    () => `${place} is not writable`,
  )
}
