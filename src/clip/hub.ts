/** What the Hugging Face hub says about a model: its commit, and the size and hash of each file that an encoder needs. */
import { type Fetch, HttpError, mayPass, networkReason, type Patience, pause } from '../io/httpClient.ts'
import { TORCH_FILE, WEIGHT_FILE, WEIGHT_INDEX } from '../io/weightFiles.ts'
import type { ModelName } from './modelNames.ts'

export interface HubFile {
  readonly path: string
  readonly size: number
  /** SHA-256 (64 digits) of large files, git's SHA-1 (40) of small ones. */
  readonly hash: string
}

export interface HubModel {
  readonly commit: string
  readonly files: readonly HubFile[]
}

export interface HubAccess {
  /** 'https://huggingface.co', or a mirror. */
  readonly endpoint: string
  readonly fetch: Fetch
  readonly headers: Readonly<Record<string, string>>
  readonly patience: Patience
  readonly signal?: AbortSignal
}

/** Asks for a model. Throws, naming the model and what to do, when it is not there, not open to the person, or holds no encoder. */
export async function hubModel(name: ModelName, access: HubAccess): Promise<HubModel> {
  const { repository, revision } = name
  const url = `${access.endpoint}/api/models/${repository}/revision/${encodeURIComponent(revision)}?blobs=true`
  const answer = await ask(url, name, access)
  const where = `${access.endpoint}: ${repository}`
  const { sha, siblings } = (typeof answer === 'object' && answer !== null ? answer : {}) as { sha?: unknown; siblings?: unknown }
  if (typeof sha !== 'string' || !/^[0-9a-f]{40}$/.test(sha) || !Array.isArray(siblings)) {
    throw new Error(`${where}: the answer has no commit and files; check HF_ENDPOINT`)
  }
  const files = siblings.map((one: unknown) => readFile(one, where)).filter(file => file !== undefined)
  return { commit: sha, files: encoderFiles(files, where) }
}

async function ask(url: string, name: ModelName, { endpoint, fetch, headers, patience, signal }: HubAccess): Promise<unknown> {
  for (let attempt = 1; ; attempt++) {
    const limit = AbortSignal.any([AbortSignal.timeout(patience.stallMs), ...(signal ? [signal] : [])])
    try {
      const response = await fetch(url, { headers: { ...headers, accept: 'application/json' }, signal: limit })
      if (!response.ok) {
        await response.body?.cancel()
        throw new HttpError(url, response)
      }
      return await hubJson(response)
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof NoHubError || !mayPass(error) || attempt >= patience.attempts) throw explained(error, name, endpoint)
      await pause(attempt, error, patience, signal)
    }
  }
}

/** Not what a hub says. Asking again brings the same. */
class NoHubError extends Error {}

/** A page in place of the answer comes from a hotel's network that wants a password, or from an address that is no hub. */
async function hubJson(response: Response): Promise<unknown> {
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch {
    throw new NoHubError(
      `answers "${text.slice(0, 40).replaceAll(/\s+/g, ' ')}", which no hub does; check HF_ENDPOINT, and log in to the network first where it asks for that`,
    )
  }
}

/** A failed request, with the model and what to do. */
export function explained(error: unknown, { repository, revision }: ModelName, endpoint: string): Error {
  const status = error instanceof HttpError ? error.status : undefined
  const where = `${endpoint}: ${repository}${revision === 'main' ? '' : ` at ${revision}`}`
  const say = (text: string): Error => new Error(`${where}: ${text}`, { cause: error })
  if (error instanceof NoHubError) return say(error.message)
  if (status === 401 || status === 403)
    return say(`not there or not open to you (${status}); check the name, accept the terms on its page, and set HF_TOKEN to your access token`)
  if (status === 404) return say('no such model or revision (404); check the name')
  if (status === 429) return say('too many requests (429); wait some minutes, or set HF_TOKEN, which has a higher limit')
  if (status !== undefined && status >= 500) return say(`the server fails (${status}); try again later, or set HF_ENDPOINT to a mirror`)
  if (status !== undefined) return say(`the server answered ${status}; check HF_ENDPOINT`)
  return say(
    `cannot be reached (${networkReason(error)}); check the connection, HTTPS_PROXY and HF_ENDPOINT; without internet use faceclipnerf models import`,
  )
}

/** Undefined for files in folders and odd names: nothing of an encoder has one, and a path from a server must not lead anywhere. */
function readFile(value: unknown, where: string): HubFile | undefined {
  const { rfilename: path, size, blobId, lfs } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  if (typeof path !== 'string' || !/^[\w][\w.-]*$/.test(path)) return undefined
  const hash = typeof lfs === 'object' && lfs !== null && 'sha256' in lfs ? lfs.sha256 : blobId
  const isHash = typeof hash === 'string' && /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hash)
  if (!isHash || typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw new Error(`${where}: the answer gives no size and hash for "${path}", so it could not be verified; check HF_ENDPOINT`)
  }
  return { path, size, hash }
}

const SHARD = /^model-\d+-of-\d+\.safetensors$/

/** The files that `loadEncoder` reads; safetensors before PyTorch's file. */
function encoderFiles(files: readonly HubFile[], where: string): HubFile[] {
  const has = (path: string): boolean => files.some(file => file.path === path)
  const pick = (...paths: string[]): string[] => (paths.every(has) ? paths : [])
  const weights = has(WEIGHT_FILE)
    ? [WEIGHT_FILE]
    : has(WEIGHT_INDEX)
      ? [WEIGHT_INDEX, ...files.filter(file => SHARD.test(file.path)).map(file => file.path)]
      : pick(TORCH_FILE)
  const tokens = [['tokenizer.json'], ['vocab.json', 'merges.txt'], ['spiece.model']].find(form => form.every(has)) ?? []
  const pictures = has('preprocessor_config.json') ? ['preprocessor_config.json'] : pick('processor_config.json')
  const parts: [string, string[]][] = [
    ['config.json', pick('config.json')],
    ['weights', weights],
    ['a tokeniser', tokens],
    ['preprocessor_config.json', pictures],
  ]
  const lacking = parts.filter(([, found]) => found.length === 0).map(([what]) => what)
  if (lacking.length > 0) {
    const there =
      files
        .map(file => file.path)
        .slice(0, 8)
        .join(', ') || 'nothing'
    throw new Error(
      `${where}: no ${lacking.join(', no ')} in Hugging Face layout (there are ${there}); use a CLIP such as openai/clip-vit-base-patch32`,
    )
  }
  const wanted = new Set(parts.flatMap(([, found]) => found))
  return files.filter(file => wanted.has(file.path))
}
