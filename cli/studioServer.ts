/** The studio over HTTP for one person on this machine: loopback only, behind a random path, to nobody who comes by another name. */
import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { basename, extname, join, normalize, sep } from 'node:path'

export interface StudioFolders {
  /** The built page. */
  readonly page: string
  /** The package's assets: `encoder` and `demo` of them are served. */
  readonly assets: string
  /** The script of pages that the studio packs. */
  readonly viewer: string
}

export interface StudioServer {
  /** With the token: who does not know it gets nothing. */
  readonly url: string
  close(): Promise<void>
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
}
const SERVED_ASSETS = ['encoder', 'demo']
const VIEWER = 'assets/viewer.js'

/** The first two isolate the page, without which browsers give no memory shared between threads. The policy lets the page speak to this server alone. */
const HEADERS: Readonly<Record<string, string>> = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Content-Security-Policy':
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; " +
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
}

/** Ports tried after the first where the port was not chosen by hand. */
const TRIES = 20

/** Serves the studio on this machine. Throws when the port, or every one tried, is taken. @param files what the studio opens at once */
export async function serveStudio(
  folders: StudioFolders,
  files: readonly string[],
  { port, tries = TRIES, token = randomBytes(16).toString('base64url') }: { port: number; tries?: number; token?: string },
): Promise<StudioServer> {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => refuse(response, 500, 'the file could not be read'))
  })
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // A page elsewhere may point a name of its own at this machine; it does not get past its name.
    if (!isLocal(request.headers.host)) return refuse(response, 403, 'this server answers to localhost alone')
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405, 'only GET and HEAD')
    const path = pathOf(request.url)
    if (path === undefined) return refuse(response, 400, 'not a path')
    if (path === `/${token}`) return void response.writeHead(308, { ...HEADERS, Location: `/${token}/` }).end()
    if (!path.startsWith(`/${token}/`)) return refuse(response, 403, 'open the address that faceclipnerf studio printed, all of it')
    const inside = path.slice(token.length + 2)
    if (inside === 'session.json')
      return sendJson(request, response, { files: files.map((file, i) => ({ name: basename(file), path: `files/${i}` })) })
    const file = fileOf(inside, folders, files)
    const found = file === undefined ? undefined : await stat(file).catch(() => undefined)
    if (!file || !found?.isFile()) return refuse(response, 404, 'no such file')
    response.writeHead(200, { ...HEADERS, 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream', 'Content-Length': found.size })
    if (request.method === 'HEAD') response.end()
    else
      createReadStream(file)
        .on('error', () => response.destroy())
        .pipe(response)
  }
  const bound = await listen(server, port, tries)
  return {
    url: `http://localhost:${bound}/${token}/`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const isLocal = (host = ''): boolean => /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host)

/** The decoded path of an address, or undefined when it is none or climbs out of its folder. */
function pathOf(url = '/'): string | undefined {
  try {
    const path = decodeURIComponent(new URL(url, 'http://localhost').pathname)
    return path.includes('\0') || path.split(/[/\\]/).includes('..') ? undefined : path
  } catch {
    return undefined
  }
}

function fileOf(inside: string, { page, assets, viewer }: StudioFolders, files: readonly string[]): string | undefined {
  const given = /^files\/(\d+)$/.exec(inside)
  if (given) return files[Number(given[1])]
  const [first, second] = inside.split('/')
  if (inside === VIEWER) return viewer
  if (first === 'assets') return SERVED_ASSETS.includes(second) ? within(assets, inside.slice('assets/'.length)) : undefined
  return within(page, inside === '' ? 'index.html' : inside)
}

function within(folder: string, path: string): string | undefined {
  const file = normalize(join(folder, path))
  return file.startsWith(normalize(folder + sep)) ? file : undefined
}

function refuse(response: ServerResponse, status: number, why: string): void {
  if (response.headersSent) return void response.destroy()
  response.writeHead(status, { ...HEADERS, 'Content-Type': 'text/plain; charset=utf-8' }).end(`faceclipnerf studio: ${why}\n`)
}

function sendJson({ method }: IncomingMessage, response: ServerResponse, value: object): void {
  response.writeHead(200, { ...HEADERS, 'Content-Type': TYPES['.json'] }).end(method === 'HEAD' ? undefined : JSON.stringify(value))
}

/** Listens on the first free port from `port` on. */
async function listen(server: Server, port: number, tries: number): Promise<number> {
  for (let tried = port; ; tried++) {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(tried, '127.0.0.1', () => {
          server.off('error', reject)
          resolve()
        })
      })
      const address = server.address()
      return typeof address === 'object' && address ? address.port : tried
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code === 'EADDRINUSE' && tried < port + tries) continue
      const range = tries > 0 ? `the ports ${port} to ${port + tries} are` : `port ${port} is`
      throw new Error(
        code === 'EADDRINUSE'
          ? `studio: ${range} in use; choose another with --port`
          : `studio: port ${tried}: ${message}; choose another with --port`,
      )
    }
  }
}
