/** A folder of files on disk, whole or not at all (Node only). */

export interface FolderFile {
  /** Relative, with '/'. */
  readonly path: string
  readonly bytes: Uint8Array
  /** How far the work is. */
  readonly step: number
  readonly steps: number
}

/** How far a folder is written. */
export interface FolderStep {
  readonly step: number
  readonly steps: number
  /** Bytes written so far. */
  readonly bytes: number
}

/** What may be replaced. */
export interface WriteFolderOptions {
  /** The file that says a folder there already is of the kind that is written: only such a one is ever replaced. */
  readonly mark: string
  readonly overwrite?: boolean
  readonly signal?: AbortSignal
}

/**
 * Writes the files to a temporary folder beside `out`, which takes the name by one rename at the end. After an error, an abort or a `return` of the generator
 * nothing is left, and an old folder stays as it was. Throws what the files throw, and where the disk refuses an error that names path and remedy.
 */
export async function* writeFolder(
  out: string,
  files: AsyncIterable<FolderFile>,
  { mark, overwrite = false, signal }: WriteFolderOptions,
): AsyncGenerator<FolderStep> {
  const fs = await import('node:fs/promises')
  const { basename, dirname, join, resolve } = await import('node:path')
  const target = resolve(out)
  const isThere = await occupied(target, mark, overwrite)
  const temporary = join(dirname(target), `.${basename(target)}.${crypto.randomUUID()}.tmp`)
  const folders = new Set<string>()
  let bytes = 0
  const disk = async (work: Promise<unknown>): Promise<void> => {
    await work.catch((error: NodeJS.ErrnoException) => {
      throw new Error(`${out}: could not be written after ${bytes} bytes (${error.message}); nothing was kept; ${remedy(error.code)}`)
    })
  }
  try {
    for await (const file of files) {
      const path = join(temporary, file.path)
      if (!folders.has(dirname(path))) await disk(fs.mkdir(dirname(path), { recursive: true }))
      folders.add(dirname(path))
      await disk(fs.writeFile(path, file.bytes))
      bytes += file.bytes.length
      yield { step: file.step, steps: file.steps, bytes }
      signal?.throwIfAborted()
    }
    await disk(isThere ? replaceFolder(target, temporary) : fs.rename(temporary, target))
  } finally {
    // its own failure (a file in place of the folder above) would hide the reason
    await fs.rm(temporary, { recursive: true, force: true }).catch(() => undefined)
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

/** Whether a folder is there to be replaced. Throws when something else is, or when it must not be. */
export async function occupied(out: string, mark: string, overwrite: boolean): Promise<boolean> {
  const fs = await import('node:fs/promises')
  const { join } = await import('node:path')
  const stat = await fs.lstat(out).catch(() => undefined)
  if (!stat) return false
  const names = stat.isDirectory() ? await fs.readdir(out) : undefined
  if (names?.length === 0) {
    await fs.rmdir(out)
    return false
  }
  const isOurs = names !== undefined && (await fs.stat(join(out, mark)).catch(() => undefined)) !== undefined
  if (!isOurs) throw new Error(`${out}: something else is there already (it has no ${mark}); choose another name`)
  if (!overwrite) throw new Error(`${out}: is there already; choose another name, or replace it with --force`)
  return true
}

function remedy(code: string | undefined): string {
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'free some disk space or choose another disk'
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return 'make the folder writable or choose another one'
  return 'choose another path'
}
