import { createReadStream, existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vite'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** While one works on the studio: the package's assets where `faceclipnerf studio` serves them. */
const assets: Plugin = {
  name: 'assets of the package',
  configureServer({ middlewares }) {
    middlewares.use('/assets', (request, response, next) => {
      const path = new URL(request.url ?? '/', 'http://localhost').pathname
      const file = path === '/viewer.js' ? at('../dist/viewer.js') : at(`../assets${path}`)
      if (!/^\/(encoder|demo)\/[\w.]+$|^\/viewer\.js$/.test(path) || !existsSync(file)) next()
      else createReadStream(file).pipe(response)
    })
  },
}

/** Builds to dist/studio of the package, from the library's sources: the studio is there whichever was built first. */
export default defineConfig({
  // Relative addresses: the studio is served below a path that holds the token, and from any folder as static files.
  base: './',
  plugins: [assets],
  resolve: { alias: { faceclipnerf: at('../src/index.ts') } },
  server: { headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' } },
  build: {
    outDir: '../dist/studio',
    emptyOutDir: true,
    // assets/ beside it is the package's: encoder and demo.
    assetsDir: 'app',
    target: 'es2023',
    // The library's branches for Node stay as they are; no browser gets there.
    rolldownOptions: { external: ['sharp', 'undici', /^node:/] },
  },
  worker: { format: 'es', rolldownOptions: { external: ['sharp', 'undici', /^node:/] } },
})
