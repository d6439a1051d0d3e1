/** Read access to a tree of files by relative path ('rgb/1x/000000.png'), the same for a folder, a web address and picked files. */
export interface FileSource {
  /** What errors and captures call the source: the last part of its path. */
  name: string
  /** How errors name one of its files, so that a person finds it. */
  describe(path: string): string
  /** The file's bytes. Throws, naming the file, when it is missing or unreadable. */
  read(path: string): Promise<Uint8Array>
  /** Bytes [begin, end) of the file, or fewer where it ends before. Absent where that costs as much as reading it whole. */
  readRange?(path: string, begin: number, end: number): Promise<Uint8Array>
  /** Bytes of the file; goes with `readRange`. */
  size?(path: string): Promise<number>
  exists(path: string): Promise<boolean>
  /** Names in a folder, sorted; an empty list when there is no such folder. A web address cannot list: it throws. */
  list(path: string): Promise<string[]>
}

/** A file where a folder was wanted. */
export class NotAFolderError extends Error {
  override name = 'NotAFolderError'
}

/** A folder on disk (Node only). Throws when there is no such folder. */
export async function folder(path: string): Promise<FileSource> {
  const fs = await import('node:fs/promises')
  const { join, basename, resolve } = await import('node:path')
  const stat = await fs.stat(path).catch(() => undefined)
  const remedy = 'pass the path of an existing folder'
  if (!stat) throw new Error(`${path}: no such folder; ${remedy}`)
  if (!stat.isDirectory()) throw new NotAFolderError(`${path}: not a folder; ${remedy}`)
  return {
    name: basename(resolve(path)),
    describe: file => join(path, file),
    async read(file) {
      try {
        const bytes = await fs.readFile(join(path, file))
        return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      } catch (error) {
        if (codeOf(error) === 'ENOENT') throw new Error(`${join(path, file)}: no such file; restore it or correct what refers to it`)
        throw new Error(`${join(path, file)}: cannot be read (${reason(error)}); check its permissions`)
      }
    },
    async readRange(file, begin, end) {
      const handle = await fs.open(join(path, file)).catch((error: unknown) => {
        throw new Error(`${join(path, file)}: cannot be read (${reason(error)}); restore it or check its permissions`)
      })
      try {
        const bytes = new Uint8Array(end - begin)
        let got = 0
        while (got < bytes.length) {
          // one read call gives at most 2 GiB
          const { bytesRead } = await handle.read(bytes, got, Math.min(bytes.length - got, 2 ** 30), begin + got)
          if (bytesRead === 0) break
          got += bytesRead
        }
        return bytes.subarray(0, got)
      } finally {
        await handle.close()
      }
    },
    size: async file => (await fs.stat(join(path, file))).size,
    exists: file =>
      fs.access(join(path, file)).then(
        () => true,
        () => false,
      ),
    list: file =>
      fs.readdir(join(path, file)).then(
        names => names.sort(),
        () => [],
      ),
  }
}

/** Files below a web address, fetched one by one; `read` and `exists` are one request each. */
export function baseUrl(url: string): FileSource {
  const base = url.endsWith('/') ? url : `${url}/`
  const address = (path: string): string => base + path.split('/').map(encodeURIComponent).join('/')
  return {
    name: base.split('/').at(-2) ?? base,
    describe: address,
    async read(path) {
      const response = await fetch(address(path)).catch((error: unknown) => {
        throw new Error(`${address(path)}: cannot be fetched (${reason(error)}); check the address, the connection and the server's CORS rules`)
      })
      if (!response.ok) throw new Error(`${address(path)}: the server answered ${response.status}; check that the file is there`)
      return new Uint8Array(await response.arrayBuffer())
    },
    exists: path =>
      fetch(address(path), { method: 'HEAD' }).then(
        response => response.ok,
        () => false,
      ),
    async list(path) {
      throw new Error(`${address(path)}: a web address cannot list its files; name the files, or pass them as a Map`)
    },
  }
}

/** The source of a path or address: http(s) addresses, and in a browser every relative one, are fetched; anything else is a folder. */
export async function openSource(path: string): Promise<FileSource> {
  if (/^https?:\/\//.test(path)) return baseUrl(path)
  return typeof location === 'undefined' ? folder(path) : baseUrl(new URL(path, location.href).href)
}

/** Files in memory or picked by a person in the browser, by relative path (a `File` is a `Blob`). */
export function fileMap(files: Map<string, Blob | Uint8Array>, name: string): FileSource {
  return {
    name,
    describe: path => `${name}/${path}`,
    async read(path) {
      const file = files.get(path)
      if (file === undefined) throw new Error(`${name}/${path}: no such file among the ${files.size} given; add it or correct what refers to it`)
      return file instanceof Uint8Array ? file : new Uint8Array(await file.arrayBuffer())
    },
    async readRange(path, begin, end) {
      const file = files.get(path)
      if (file === undefined) throw new Error(`${name}/${path}: no such file among the ${files.size} given; add it or correct what refers to it`)
      return file instanceof Uint8Array ? file.subarray(begin, end) : new Uint8Array(await file.slice(begin, end).arrayBuffer())
    },
    async size(path) {
      const file = files.get(path)
      return file instanceof Uint8Array ? file.length : (file?.size ?? 0)
    },
    exists: async path => files.has(path),
    async list(path) {
      const prefix = path === '' || path === '.' ? '' : `${path}/`
      const names = [...files.keys()].filter(key => key.startsWith(prefix)).map(key => key.slice(prefix.length).split('/')[0])
      return [...new Set(names)].sort()
    },
  }
}

/** What `writeAtomic` writes to: a part of Node's FileHandle, so that a test can stand in for a full disk. */
export interface WritableHandle {
  writeFile(bytes: Uint8Array): Promise<void>
  sync(): Promise<void>
  close(): Promise<void>
}

/**
 * Write a file so that it is either the old one or the whole new one, whatever happens (Node only): the bytes go to a temporary file in
 * the same folder, are flushed, and take the name by one rename. Missing folders are made. When anything fails the temporary file is
 * removed, the old file stays, and the error names the path and the remedy. `open` is for tests.
 */
export async function writeAtomic(
  path: string,
  bytes: Uint8Array,
  { open }: { open?: (path: string) => Promise<WritableHandle> } = {},
): Promise<void> {
  const fs = await import('node:fs/promises')
  const { basename, dirname, join } = await import('node:path')
  const temporary = join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}.tmp`)
  try {
    await fs.mkdir(dirname(path), { recursive: true })
    const handle: WritableHandle = await (open ? open(temporary) : fs.open(temporary, 'wx'))
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await fs.rename(temporary, path)
  } catch (error) {
    await fs.rm(temporary, { force: true }).catch(() => undefined)
    const kept = (await fs.stat(path).then(
      old => old.isFile(),
      () => false,
    ))
      ? 'the old file is unchanged'
      : 'nothing was written'
    throw new Error(`${path}: could not write ${bytes.length} bytes (${reason(error)}); ${kept}; ${remedy(codeOf(error))}`)
  }
}

function remedy(code: string | undefined): string {
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'free some disk space or choose another disk'
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return 'make the folder writable or choose another one'
  if (code === 'EISDIR') return 'there is a folder of that name, choose another'
  return 'choose another path'
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
