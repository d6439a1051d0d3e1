/** A `.capture` folder on disk, whole or not at all (Node only). */
import { CaptureError } from './capture.ts'
import { type CaptureFileOptions, captureFiles } from './captureFiles.ts'
import type { ImportedCapture } from './importedCapture.ts'

export interface WriteCaptureOptions extends CaptureFileOptions {
  /** Replace a capture that is there already. Only a capture is ever replaced, never another folder. */
  readonly overwrite?: boolean
}

export interface WriteStep {
  /** Frames written so far, of all. */
  readonly step: number
  readonly steps: number
  /** Bytes written so far. */
  readonly bytes: number
}

/**
 * Writes an import as a `.capture` folder, streaming one frame at a time. Everything goes to a temporary folder beside `outFolder`, which takes the name by
 * one rename at the end; after an error, an abort or a `return` of the generator nothing is left. Throws CaptureError for what the import holds, Error where
 * the disk refuses, each naming value and remedy.
 */
export async function* writeCapture(
  imported: ImportedCapture,
  outFolder: string,
  { overwrite = false, ...options }: WriteCaptureOptions = {},
): AsyncGenerator<WriteStep> {
  const fs = await import('node:fs/promises')
  const { basename, dirname, join, resolve } = await import('node:path')
  const out = resolve(outFolder)
  const isThere = await occupied(out, overwrite)
  const temporary = join(dirname(out), `.${basename(out)}.${crypto.randomUUID()}.tmp`)
  const folders = new Set<string>()
  let bytes = 0
  try {
    for await (const file of captureFiles(imported, options)) {
      const path = join(temporary, file.path)
      if (!folders.has(dirname(path))) await fs.mkdir(dirname(path), { recursive: true })
      folders.add(dirname(path))
      await fs.writeFile(path, file.bytes)
      bytes += file.bytes.length
      yield { step: file.step, steps: file.steps, bytes }
    }
    if (isThere) await replaceFolder(out, temporary)
    else await fs.rename(temporary, out)
  } catch (error) {
    if (options.signal?.aborted || error instanceof CaptureError || !(error instanceof Error && 'code' in error)) throw error
    throw new Error(
      `${outFolder}: could not write the capture after ${bytes} bytes (${error.message}); nothing was kept; ${remedy(String(error.code))}`,
    )
  } finally {
    await fs.rm(temporary, { recursive: true, force: true })
  }
}

/** The old folder steps aside and goes when the new one has its place; it comes back when that fails. */
async function replaceFolder(out: string, by: string): Promise<void> {
  const fs = await import('node:fs/promises')
  const aside = `${by}.old`
  await fs.rename(out, aside)
  await fs.rename(by, out).catch(async (error: unknown) => {
    await fs.rename(aside, out)
    throw error
  })
  await fs.rm(aside, { recursive: true, force: true })
}

/** Whether a capture is there to be replaced. Throws when something else is, or when it must not be. */
async function occupied(out: string, overwrite: boolean): Promise<boolean> {
  const fs = await import('node:fs/promises')
  const { join } = await import('node:path')
  const stat = await fs.lstat(out).catch(() => undefined)
  if (!stat) return false
  const names = stat.isDirectory() ? await fs.readdir(out) : undefined
  if (names?.length === 0) {
    await fs.rmdir(out)
    return false
  }
  const isCapture = names !== undefined && (await fs.stat(join(out, 'dataset.json')).catch(() => undefined)) !== undefined
  if (!isCapture) throw new Error(`${out}: something that is not a capture is there already; choose another name`)
  if (!overwrite) throw new Error(`${out}: a capture is there already; choose another name, or replace it with --force`)
  return true
}

function remedy(code: string): string {
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'free some disk space or choose another disk'
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return 'make the folder writable or choose another one'
  return 'choose another path'
}
