import { fileURLToPath } from 'node:url'
import { defineConfig } from 'tsdown'

const shared = {
  format: 'esm' as const,
  target: 'es2023',
  dts: false,
  hash: false,
  outExtensions: () => ({ js: '.js', dts: '.d.ts' }),
}

const BROWSER_LIBRARY = fileURLToPath(new URL('src/index.ts', import.meta.url))

/** dist/index.js runs in a plain page, dist/node.js and dist/cli.js in Node; dist/viewer.js is one script to stand inside a shared page. */
export default defineConfig([
  {
    ...shared,
    name: 'browser',
    entry: ['src/index.ts'],
    platform: 'browser',
    // A page has no bundler to find packages for it. What only Node ever imports stays outside.
    deps: { alwaysBundle: [/^@huggingface\/tokenizers/, 'zod', 'mediabunny'], neverBundle: ['sharp', /^node:/] },
  },
  { ...shared, name: 'node', entry: ['src/node.ts'], platform: 'node' },
  // The CLI is a user of the package like any other: it finds the library by its public name.
  { ...shared, name: 'cli', entry: { cli: 'cli/main.ts' }, platform: 'node', deps: { neverBundle: ['faceclipnerf'] } },
  {
    ...shared,
    name: 'viewer',
    entry: { viewer: 'viewer/main.ts' },
    format: 'iife',
    platform: 'browser',
    minify: true,
    // tsconfig.json leads the public name to the library of Node
    plugins: [{ name: 'library of browsers', resolveId: (id: string) => (id === 'faceclipnerf' ? BROWSER_LIBRARY : undefined) }],
    define: { 'import.meta.url': 'undefined' }, // only encoders look for files beside themselves
    outputOptions: { entryFileNames: 'viewer.js' },
    deps: { alwaysBundle: [/^@huggingface\/tokenizers/, 'zod'], neverBundle: ['sharp', /^node:/] },
  },
  { ...shared, name: 'types', entry: ['src/index.ts', 'src/node.ts'], dts: { emitDtsOnly: true } },
])
