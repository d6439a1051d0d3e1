/** A small Hugging Face hub on this machine, which can be told to misbehave. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export const COMMIT = '0123456789abcdef0123456789abcdef01234567'

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
export const gitHash = (bytes: Uint8Array): string => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')

/** Answers a request itself and returns true, or leaves it to the hub. */
export type Trick = (request: IncomingMessage, response: ServerResponse, count: number) => boolean

export interface HubServer extends AsyncDisposable {
  readonly url: string
  /** 'GET path range' of each request. */
  readonly log: string[]
  trick: Trick
}

/** Serves one model; files of more than `large` bytes are known by SHA-256, others by git's SHA-1, as the hub does it. */
export async function hubServer(
  files: ReadonlyMap<string, Uint8Array>,
  { large = 2000, repository = 'openai/clip-vit-base-patch32' } = {},
): Promise<HubServer> {
  const state = { log: [] as string[], trick: (() => false) as Trick }
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://hub').pathname
    state.log.push(`${request.method} ${path}${request.headers.range ? ` ${request.headers.range}` : ''}`)
    if (state.trick(request, response, state.log.length)) return
    if (path.startsWith(`/api/models/${repository}/revision/`)) {
      const siblings = [...files].map(([rfilename, bytes]) => ({
        rfilename,
        size: bytes.length,
        blobId: gitHash(bytes),
        ...(bytes.length > large && { lfs: { sha256: sha256(bytes), size: bytes.length } }),
      }))
      response.setHeader('content-type', 'application/json')
      return response.end(JSON.stringify({ sha: COMMIT, siblings }))
    }
    const resolve = `/${repository}/resolve/${COMMIT}/`
    if (path.startsWith(resolve)) {
      response.writeHead(302, { location: `/cdn/${path.slice(resolve.length)}?signature=secret` })
      return response.end()
    }
    const bytes = path.startsWith('/cdn/') ? files.get(path.slice(5)) : undefined
    if (!bytes) {
      response.writeHead(404)
      return response.end()
    }
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': bytes.length - start,
      ...(start > 0 && { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
    })
    response.end(bytes.subarray(start))
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(done => server.close(done))
    },
  })
}
