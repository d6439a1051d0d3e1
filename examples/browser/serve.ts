// Serves the repository's files for the page: npx tsx examples/browser/serve.ts [port]. Build first: npm run build.
// The two headers isolate the page, without which browsers give no memory shared between threads (the CPU device then has one thread).
import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.png': 'image/png',
  '.webp': 'image/webp',
}
const HEADERS = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp', 'Cache-Control': 'no-store' }

/** Serves the files below `root`; `folders` maps first parts of an address to other folders. Returns the listening server. */
export async function serve(root: string, { port = 0, folders = {} }: { port?: number; folders?: Record<string, string> } = {}): Promise<Server> {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname))
    const [, first, ...rest] = path.split('/')
    const found = first in folders ? join(folders[first], ...rest) : join(root, path)
    const file = path.endsWith('/') ? join(found, 'index.html') : found
    if (path.includes('..') || !existsSync(file) || !statSync(file).isFile()) return response.writeHead(404, HEADERS).end()
    response.writeHead(200, { ...HEADERS, 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream' })
    if (request.method === 'HEAD') return response.end()
    createReadStream(file).pipe(response)
  })
  await new Promise<void>(done => server.listen(port, 'localhost', done))
  return server
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const port = Number(process.argv[2] ?? 8080)
  await serve(fileURLToPath(new URL('../..', import.meta.url)), { port })
  console.log(`http://localhost:${port}/examples/browser/`)
}
