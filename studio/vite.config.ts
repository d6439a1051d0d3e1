import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

/** Builds to dist/studio of the package, from the library's sources: the studio is there whichever was built first. */
export default defineConfig({
  // Relative addresses: the studio is served below a path that holds the token, and from any folder as static files.
  base: './',
  resolve: { alias: { faceclipnerf: fileURLToPath(new URL('../src/index.ts', import.meta.url)) } },
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
