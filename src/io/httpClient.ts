/** Requests that honour the machine's proxy settings (Node only; Node's own fetch does not). */

export type Fetch = (url: string, options: { headers: Record<string, string>; signal: AbortSignal }) => Promise<Response>

/** Environment variables, as in process.env. */
export type Environment = Readonly<Record<string, string | undefined>>

/** A fetch that goes through HTTPS_PROXY or HTTP_PROXY (ALL_PROXY for both), but to the hosts of NO_PROXY directly. */
export async function openFetch(environment: Environment): Promise<Fetch> {
  const get = (name: string): string | undefined => environment[name.toLowerCase()] || environment[name] || undefined
  const [all, http, https] = ['ALL_PROXY', 'HTTP_PROXY', 'HTTPS_PROXY'].map(get)
  if (!all && !http && !https) return (url, options) => fetch(url, options)
  const { EnvHttpProxyAgent, fetch: proxied } = await import('undici')
  for (const [name, value] of Object.entries({ HTTP_PROXY: http ?? all, HTTPS_PROXY: https ?? all })) {
    if (value !== undefined && !/^https?:\/\/[^/]/.test(value)) throw new Error(`${name} is "${value}"; give the proxy as http://host:port`)
  }
  // '' stands for "none": undefined would make the agent look at the process's own variables
  const dispatcher = new EnvHttpProxyAgent({ httpProxy: http ?? all ?? '', httpsProxy: https ?? all ?? '', noProxy: get('NO_PROXY') ?? '' })
  return (url, options) => proxied(url, { ...options, dispatcher }) as unknown as Promise<Response>
}

/** An answer that is no success. */
export class HttpError extends Error {
  override name = 'HttpError'
  readonly status: number
  /** Milliseconds that the server asks to wait. */
  readonly retryAfter?: number

  constructor(url: string, response: Response) {
    super(`${hideQuery(url)}: the server answered ${response.status}${response.statusText ? ` ${response.statusText}` : ''}`)
    this.status = response.status
    this.retryAfter = retryAfter(response.headers.get('retry-after'))
  }
}

/** Signed addresses carry secrets in their query. */
export const hideQuery = (url: string): string => url.replace(/\?.*$/, '')

/** Seconds, or a date. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined
  const seconds = Number(value)
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - Date.now()
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined
}

/** Whether trying again may help: the network, a busy or failing server; not a refusal. */
export function mayPass(error: unknown): boolean {
  if (error instanceof HttpError) return error.status === 408 || error.status === 429 || error.status >= 500
  return error instanceof Error && !/redirect/.test(`${error.message} ${error.cause}`)
}

export interface Patience {
  /** Tries without any progress before giving up. */
  readonly attempts: number
  /** Waits this long, then twice as long, …; a server's Retry-After goes before it. Milliseconds. */
  readonly waitMs: number
  /** A connection that is silent for so long has broken off. Milliseconds. */
  readonly stallMs: number
}

export const PATIENCE: Patience = { attempts: 6, waitMs: 500, stallMs: 30_000 }
const LONGEST_WAIT_MS = 60_000

/** Waits before try `attempt` (from 1). Throws when the signal aborts. */
export async function pause(attempt: number, error: unknown, { waitMs }: Patience, signal: AbortSignal | undefined): Promise<void> {
  const asked = error instanceof HttpError ? error.retryAfter : undefined
  const wait = Math.min(LONGEST_WAIT_MS, asked ?? waitMs * 2 ** (attempt - 1))
  await new Promise<void>((done, fail) => {
    const stop = (): void => {
      clearTimeout(timer)
      fail(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      done()
    }, wait)
    if (signal?.aborted) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })
}

/** The innermost reason of a failed request: 'fetch failed' alone helps nobody. */
export function networkReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  if (cause instanceof Error) return networkReason(cause)
  return error.message || error.name
}
