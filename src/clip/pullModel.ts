/** Downloading an encoder into the Hugging Face cache (Node only). */
import { download } from '../io/download.ts'
import { folder as openFolder, writeAtomic } from '../io/files.ts'
import { type Environment, HttpError, openFetch, PATIENCE, type Patience } from '../io/httpClient.ts'
import { parseClipConfig } from './clipConfig.ts'
import { encoderText } from './encoderFiles.ts'
import { explained, type HubAccess, type HubFile, hubModel } from './hub.ts'
import { cacheFolder, findSnapshot, hasHash, hubToken, isOffline, linkBlob, makeBlobFolder, modelFolder } from './modelCache.ts'
import { modelName } from './modelNames.ts'

export interface PullOptions {
  /** Branch, tag or commit; default main. A commit pins the very bytes. */
  readonly revision?: string
  /** Default process.env: HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, HF_HOME, HF_HUB_CACHE, HTTPS_PROXY, NO_PROXY. */
  readonly environment?: Environment
  readonly patience?: Patience
  readonly signal?: AbortSignal
}

/** How far a download is. */
export interface PullStep {
  readonly stage: 'download' | 'verify'
  readonly file: string
  /** Bytes of all files together. */
  readonly received: number
  readonly total: number
}

/** A downloaded and checked model. */
export interface PulledModel {
  readonly repository: string
  readonly commit: string
  /** The snapshot's folder, which `loadEncoder` takes too. */
  readonly path: string
  readonly bytes: number
}

/**
 * Downloads an encoder, going on where an earlier try stopped, and checks every file by its hash. Yields progress; returns where it lies.
 * Small files come first, so that a model that cannot run here is refused before its weights are fetched.
 * Throws, naming the model and what to do, when it cannot be had; what came stays for the next time.
 */
export async function* pullModel(text: string, options: PullOptions = {}): AsyncGenerator<PullStep, PulledModel> {
  const { revision, environment = process.env, patience = PATIENCE, signal } = options
  const name = modelName(text, revision)
  const { repository } = name
  const { join } = await import('node:path')
  const cache = await cacheFolder(environment)
  if (isOffline(environment)) {
    const there = (await findSnapshot(cache, name))
      ? 'it is in the cache already, nothing needs to be fetched'
      : 'unset it, or use faceclipnerf models import'
    throw new Error(`${repository}: HF_HUB_OFFLINE is set, so nothing is downloaded; ${there}`)
  }
  const access = await hubAccess(environment, patience, signal)
  const { commit, files } = await hubModel(name, access)
  const folder = join(cache, modelFolder(repository))
  await makeBlobFolder(folder)
  const total = files.reduce((sum, file) => sum + file.size, 0)
  let done = 0
  for (const file of [...files].sort((a, b) => a.size - b.size)) {
    const base = done
    for await (const step of fetchBlob(file, folder, `${access.endpoint}/${repository}/resolve/${commit}/${file.path}`, access, repository)) {
      yield { ...step, file: file.path, received: base + step.received, total }
    }
    await linkBlob(folder, commit, file.path, file.hash)
    done += file.size
    if (file.path === 'config.json') await checkConfig(join(folder, 'snapshots', commit))
  }
  // last: a ref that points at a whole snapshot
  if (name.revision !== commit) await writeAtomic(join(folder, 'refs', ...name.revision.split('/')), new TextEncoder().encode(commit))
  return { repository, commit, path: join(folder, 'snapshots', commit), bytes: total }
}

async function hubAccess(environment: Environment, patience: Patience, signal: AbortSignal | undefined): Promise<HubAccess> {
  const endpoint = (environment.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '')
  if (!/^https?:\/\/[^/]/.test(endpoint)) throw new Error(`HF_ENDPOINT is "${endpoint}"; give an address such as https://huggingface.co`)
  const token = await hubToken(environment)
  return { endpoint, fetch: await openFetch(environment), headers: token ? { authorization: `Bearer ${token}` } : {}, patience, signal }
}

/** Fetches one blob unless it is there and whole. The partial file has the name that huggingface_hub gives it, so each goes on with the other's. */
async function* fetchBlob(
  { path, size, hash }: HubFile,
  folder: string,
  url: string,
  { fetch, headers, patience, signal, endpoint }: HubAccess,
  repository: string,
): AsyncGenerator<{ stage: PullStep['stage']; received: number }> {
  const { join } = await import('node:path')
  const { rename, rm, stat, writeFile } = await import('node:fs/promises')
  const blob = join(folder, 'blobs', hash)
  if ((await stat(blob).catch(() => undefined))?.size === size) {
    yield { stage: 'verify', received: size }
    if (await hasHash(blob, hash)) return
    await rm(blob, { force: true })
  }
  const partial = `${blob}.incomplete`
  await requireSpace(folder, size)
  try {
    for await (const received of download(url, partial, { fetch, headers, size, patience, signal })) yield { stage: 'download', received }
  } catch (error) {
    throw error instanceof HttpError ? explained(error, { repository, revision: 'main' }, endpoint) : error
  }
  if (size === 0) await writeFile(partial, '')
  yield { stage: 'verify', received: size }
  if (!(await hasHash(partial, hash))) {
    await rm(partial, { force: true })
    throw new Error(`${url}: the bytes do not have the hash ${hash}: damaged on the way, or changed; "${path}" was removed, run the command again`)
  }
  await rename(partial, blob)
}

async function requireSpace(folder: string, size: number): Promise<void> {
  const { statfs } = await import('node:fs/promises')
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize < size) {
    const mb = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`
    throw new Error(`${folder}: ${mb(size)} are needed and ${mb(bavail * bsize)} free; free some disk space, or set HF_HOME to another disk`)
  }
}

/** Throws when the towers here cannot run the model. */
async function checkConfig(snapshot: string): Promise<void> {
  const source = await openFolder(snapshot)
  parseClipConfig(await encoderText(source, 'config.json', ''), source.describe('config.json'))
}
