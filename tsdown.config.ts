import { defineConfig } from 'tsdown'

const shared = {
  format: 'esm' as const,
  target: 'es2023',
  dts: false,
  hash: false,
  outExtensions: () => ({ js: '.js', dts: '.d.ts' }),
}

/** dist/index.js runs in a plain page, dist/node.js and dist/cli.js in Node. */
export default defineConfig([
  {
    ...shared,
    name: 'browser',
    entry: ['src/index.ts'],
    platform: 'browser',
    // A page has no bundler to find packages for it. What only Node ever imports stays outside.
    deps: { alwaysBundle: [/^@huggingface\/tokenizers/, 'zod'], neverBundle: ['sharp', /^node:/] },
  },
  { ...shared, name: 'node', entry: ['src/node.ts'], platform: 'node' },
  // The CLI is a user of the package like any other: it finds the library by its public name.
  { ...shared, name: 'cli', entry: { cli: 'cli/main.ts' }, platform: 'node', deps: { neverBundle: ['faceclipnerf'] } },
  { ...shared, name: 'types', entry: ['src/index.ts', 'src/node.ts'], dts: { emitDtsOnly: true } },
])
