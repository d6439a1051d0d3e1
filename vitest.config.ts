import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  // The CLI, the examples and their tests import the public name; in the tree that is the source.
  resolve: { alias: { faceclipnerf: fileURLToPath(new URL('src/node.ts', import.meta.url)) } },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
})
