/** The Hugging Face cache on disk (Node only): models--org--name/{blobs,refs,snapshots}, shared with transformers and everything else that uses it. */
import type { Environment } from '../io/httpClient.ts'
import type { ModelName } from './modelNames.ts'

/** Where models are kept: HF_HUB_CACHE, else HF_HOME/hub, else ~/.cache/huggingface/hub; '~' at the beginning of a path is the home folder. */
export async function cacheFolder(environment: Environment): Promise<string> {
  const { homedir } = await import('node:os')
  const { join } = await import('node:path')
  const direct = environment.HF_HUB_CACHE || environment.HUGGINGFACE_HUB_CACHE
  if (direct) return fromHome(direct, homedir())
  return join(await hubHome(environment, homedir(), join), 'hub')
}

async function hubHome(environment: Environment, home: string, join: (...parts: string[]) => string): Promise<string> {
  const given = environment.HF_HOME ? environment.HF_HOME : join(environment.XDG_CACHE_HOME || join(home, '.cache'), 'huggingface')
  return fromHome(given, home)
}

/** A variable set in quotes, or by a service, has its '~' still: huggingface_hub resolves it too. */
const fromHome = (path: string, home: string): string => path.replace(/^~(?=$|[\\/])/, () => home)

/** Makes the folder of a model's blobs. Throws, naming the cache and the remedy, when that cannot be. */
export async function makeBlobFolder(folder: string): Promise<void> {
  const { mkdir } = await import('node:fs/promises')
  const { join } = await import('node:path')
  await mkdir(join(folder, 'blobs'), { recursive: true }).catch((error: Error) => {
    throw new Error(`${folder}: cannot be made (${error.message}); set HF_HOME to a folder that can be written to`)
  })
}

/** The access token: HF_TOKEN, or the file that `hf auth login` writes. */
export async function hubToken(environment: Environment): Promise<string | undefined> {
  const direct = environment.HF_TOKEN || environment.HUGGING_FACE_HUB_TOKEN
  if (direct) return oneWord(direct, 'HF_TOKEN')
  const { readFile } = await import('node:fs/promises')
  const { homedir } = await import('node:os')
  const { join } = await import('node:path')
  const path = environment.HF_TOKEN_PATH || join(await hubHome(environment, homedir(), join), 'token')
  return oneWord(await readFile(path, 'utf8').catch(() => ''), path)
}

/** Throws when it is none, without showing it: it is a secret, and what sends it would print it. */
function oneWord(text: string, where: string): string | undefined {
  const token = text.trim()
  if (token !== '' && !/^[\x21-\x7e]+$/.test(token))
    throw new Error(`${where}: is no access token, which is one word of letters and digits; copy it again from your settings on the hub`)
  return token || undefined
}

/** Whether downloads are switched off. */
export function isOffline(environment: Environment): boolean {
  return ['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'].some(name => /^(1|true|yes|on)$/i.test(environment[name] ?? ''))
}

export const modelFolder = (repository: string): string => `models--${repository.replaceAll('/', '--')}`

const COMMIT = /^[0-9a-f]{40}$/

/** The snapshot of a model in the cache: of the commit that its revision names, or the commit itself. Undefined when there is none. */
export async function findSnapshot(cache: string, { repository, revision }: ModelName): Promise<string | undefined> {
  const { readFile, stat } = await import('node:fs/promises')
  const { join } = await import('node:path')
  const folder = join(cache, modelFolder(repository))
  const commit = COMMIT.test(revision) ? revision : (await readFile(join(folder, 'refs', ...revision.split('/')), 'utf8').catch(() => '')).trim()
  if (!COMMIT.test(commit)) return undefined
  const snapshot = join(folder, 'snapshots', commit)
  return (await stat(snapshot).catch(() => undefined))?.isDirectory() ? snapshot : undefined
}

/** A snapshot in the Hugging Face cache. */
export interface CachedModel {
  readonly repository: string
  readonly commit: string
  /** Branches and tags that point at it. */
  readonly revisions: readonly string[]
  readonly path: string
  readonly files: readonly string[]
  readonly bytes: number
}

/** Every snapshot in the cache, by name. */
export async function listModels(cache: string): Promise<CachedModel[]> {
  const { readdir } = await import('node:fs/promises')
  const { join } = await import('node:path')
  const models: CachedModel[] = []
  for (const name of (await readdir(cache).catch(() => [])).sort()) {
    if (!name.startsWith('models--')) continue
    const folder = join(cache, name)
    const refs = await readRefs(join(folder, 'refs'))
    for (const commit of (await readdir(join(folder, 'snapshots')).catch(() => [])).sort()) {
      if (!COMMIT.test(commit)) continue // what file managers leave: .DS_Store, desktop.ini
      const path = join(folder, 'snapshots', commit)
      const { files, bytes } = await snapshotFiles(path)
      const revisions = [...refs].filter(([, target]) => target === commit).map(([ref]) => ref)
      models.push({ repository: name.slice('models--'.length).replaceAll('--', '/'), commit, revisions, path, files, bytes })
    }
  }
  return models
}

async function readRefs(folder: string): Promise<Map<string, string>> {
  const { readdir, readFile } = await import('node:fs/promises')
  const { join } = await import('node:path')
  const refs = new Map<string, string>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    refs.set(path.slice(folder.length + 1).replaceAll('\\', '/'), (await readFile(path, 'utf8')).trim())
  }
  return refs
}

async function snapshotFiles(folder: string): Promise<{ files: string[]; bytes: number }> {
  const { readdir, stat } = await import('node:fs/promises')
  const { join } = await import('node:path')
  const files: string[] = []
  let bytes = 0
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue
    const path = join(entry.parentPath, entry.name)
    files.push(path.slice(folder.length + 1))
    bytes += (await stat(path).catch(() => undefined))?.size ?? 0
  }
  return { files: files.sort(), bytes }
}

export interface FileCheck {
  readonly file: string
  /** 'unknown' where the cache does not say which hash the file should have (a copy instead of a link). */
  readonly state: 'good' | 'damaged' | 'missing' | 'unknown'
}

/** Compares every file of a snapshot with the hash that its blob is named by; yields as it goes. */
export async function* verifySnapshot(snapshot: string): AsyncGenerator<FileCheck> {
  const { readlink, realpath } = await import('node:fs/promises')
  const { basename, join } = await import('node:path')
  for (const file of (await snapshotFiles(snapshot)).files) {
    const path = join(snapshot, file)
    const link = await readlink(path).catch(() => undefined)
    const real = await realpath(path).catch(() => undefined)
    if (real === undefined) yield { file, state: 'missing' }
    else if (link === undefined) yield { file, state: 'unknown' }
    else yield { file, state: (await hasHash(real, basename(real))) ? 'good' : 'damaged' }
  }
}

/** Whether a file has the hash that names its blob: SHA-256, or git's SHA-1 of a blob for small files. */
export async function hasHash(path: string, hash: string): Promise<boolean> {
  const { createHash } = await import('node:crypto')
  const { createReadStream } = await import('node:fs')
  const { stat } = await import('node:fs/promises')
  const found = createHash(hash.length === 64 ? 'sha256' : 'sha1')
  if (hash.length !== 64) found.update(`blob ${(await stat(path)).size}\0`)
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) found.update(chunk)
  return found.digest('hex') === hash
}

/** Puts a blob under its name into a snapshot: a relative link, or a copy where the file system has no links. */
export async function linkBlob(folder: string, commit: string, file: string, hash: string): Promise<void> {
  const { copyFile, mkdir, rm, symlink } = await import('node:fs/promises')
  const { dirname, join, relative } = await import('node:path')
  const [blob, path] = [join(folder, 'blobs', hash), join(folder, 'snapshots', commit, file)]
  await mkdir(dirname(path), { recursive: true })
  await rm(path, { force: true })
  await symlink(relative(dirname(path), blob), path).catch(() => copyFile(blob, path))
}
