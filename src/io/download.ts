/** One file over HTTP to disk, going on where it broke off (Node only). */
import { type Fetch, HttpError, hideQuery, mayPass, networkReason, PATIENCE, type Patience, pause } from './httpClient.ts'

export interface DownloadOptions {
  readonly fetch: Fetch
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes the file must have. */
  readonly size: number
  readonly patience?: Patience
  readonly signal?: AbortSignal
}

/**
 * Downloads to `path`; what is there already is taken for its beginning. Yields the bytes there are. Breaks, silence and busy servers are retried from where
 * they stopped; a server that does not know ranges, or refuses one, sends from the start. Throws, naming the address, when the server refuses, announces another size than
 * `size`, sends too much, or stops for good; `path` then keeps what came, for the next time. Whether the bytes are right, their hash must say.
 */
export async function* download(
  url: string,
  path: string,
  { fetch, headers = {}, size, patience = PATIENCE, signal }: DownloadOptions,
): AsyncGenerator<number> {
  const { open, stat, truncate } = await import('node:fs/promises')
  let received = (await stat(path).catch(() => undefined))?.size ?? 0
  if (received > size) {
    await truncate(path, 0)
    received = 0
  }
  yield received
  let isRangeRefused = false
  for (let attempt = 0; received < size; ) {
    signal?.throwIfAborted()
    const before = received
    const watch = stallWatch(patience.stallMs, signal)
    try {
      const response = await request(url, fetch, { ...headers, ...(received > 0 && { range: `bytes=${received}-` }) }, watch.signal)
      const start = startOf(response, url, size)
      if (start > received) throw new Error(`${hideQuery(url)}: the server sent bytes from ${start} when asked from ${received}`)
      const file = await open(path, start === 0 ? 'w' : 'r+')
      try {
        if (start > 0) await file.truncate(start)
        received = start
        for await (const chunk of response.body ?? []) {
          watch.touch()
          if (received + chunk.length > size)
            throw new TooMuch(`${hideQuery(url)}: sends more than the ${size} bytes of the file; try another HF_ENDPOINT`)
          await file.write(chunk, 0, chunk.length, received)
          received += chunk.length
          yield received
        }
        await file.sync()
      } finally {
        await file.close()
      }
      if (received < size) throw new Error(`broke off after ${received} of ${size} bytes`)
    } catch (error) {
      signal?.throwIfAborted()
      // the server cannot go on from there, as some caches in between cannot: from the start, once
      if (error instanceof HttpError && error.status === 416 && received > 0 && !isRangeRefused) {
        isRangeRefused = true
        await truncate(path, 0)
        received = 0
        continue
      }
      if (error instanceof TooMuch || !mayPass(error)) throw error
      // progress earns new patience: a bad line still gets there
      attempt = received > before ? 1 : attempt + 1
      if (attempt >= patience.attempts) {
        const why =
          error instanceof HttpError ? error.message : `${hideQuery(url)}: ${watch.stalled ? 'the connection fell silent' : networkReason(error)}`
        throw new Error(`${why}; ${received} of ${size} bytes are kept, run the command again to go on`, { cause: error })
      }
      await pause(attempt, error, patience, signal)
    } finally {
      watch.end()
    }
  }
}

/** Retrying would bring the same. */
class TooMuch extends Error {}

async function request(url: string, fetch: Fetch, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
  // packed bytes would have another length, and no ranges
  const response = await fetch(url, { headers: { ...headers, 'accept-encoding': 'identity' }, signal })
  if (response.ok) return response
  await response.body?.cancel()
  throw new HttpError(url, response)
}

/** Where the bytes of an answer begin. Throws when it announces another size than the file has. */
function startOf(response: Response, url: string, size: number): number {
  const range = /^bytes (\d+)-\d*\/(\d+|\*)/.exec(response.headers.get('content-range') ?? '')
  const start = response.status === 206 && range ? Number(range[1]) : 0
  const length = response.headers.get('content-length')
  const announced = range ? Number(range[2]) : Number(length ?? Number.NaN)
  if (Number.isFinite(announced) && announced !== size) {
    throw new TooMuch(`${hideQuery(url)}: announces ${announced} bytes for a file of ${size}; try again later, or another HF_ENDPOINT`)
  }
  return start
}

/** A signal that also fires when nothing was received for a while. */
function stallWatch(stallMs: number, signal: AbortSignal | undefined) {
  const controller = new AbortController()
  const state = { signal: controller.signal, stalled: false, touch, end }
  const stop = (): void => controller.abort(signal?.reason)
  let timer = setTimeout(stall, stallMs)
  signal?.addEventListener('abort', stop, { once: true })
  function stall(): void {
    state.stalled = true
    controller.abort(new Error('silent'))
  }
  function touch(): void {
    clearTimeout(timer)
    timer = setTimeout(stall, stallMs)
  }
  function end(): void {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
  return state
}
