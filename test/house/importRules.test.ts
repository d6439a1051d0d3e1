import { describe, expect, it } from 'vitest'
import { violations } from '../../scripts/importRules.ts'

const check = (files: Record<string, string>): string[] => violations(new Map(Object.entries(files)))

describe('import rule', () => {
  it('accepts imports from lower rows, from the own folder, and dynamic imports of Node', () => {
    const found = check({
      'src/index.ts': "export { train } from './nerf/train.ts'",
      'src/node.ts': "export * from './index.ts'\nawait import('webgpu')",
      'src/nerf/train.ts': "import { mlp } from '../nn/mlp.ts'\nimport { preset } from './presets.ts'\nawait import('node:fs/promises')",
      'cli/train.ts': "import { readFile } from 'node:fs/promises'\nimport { train } from 'faceclipnerf'\nimport { line } from './progress.ts'",
      'test/cli/train.test.ts': "import { run } from '../../cli/run.ts'\nimport 'webgpu'",
    })
    expect(found).toEqual([])
  })

  it.each([
    [
      'an upward import',
      'src/nn/a.ts',
      "import '../nerf/train.ts'",
      /^src\/nn\/a\.ts:1: imports '..\/nerf\/train.ts': nn \(row 2\) is below nerf \(row 3\)/,
    ],
    ['folders on one row', 'src/nerf/a.ts', "\nimport type { E } from '../clip/e.ts'", /:2: .*nerf and clip share row 3/],
    ['an upward import by re-export', 'src/io/a.ts', "export * from '../tensor/tensor.ts'", /io \(row 0\) is below tensor/],
    ['an upward import by import type', 'src/io/a.ts', "export type T = import('../tensor/tensor.ts').Tensor", /io \(row 0\) is below tensor/],
    ['a folder without a row', 'src/utils/a.ts', "import '../io/npy.ts'", /'utils' has no row/],
    ['the index from inside', 'src/edit/a.ts', "import '../index.ts'", /edit \(row 4\) is below index\.ts/],
    ['the library importing itself', 'src/edit/a.ts', "import 'faceclipnerf'", /does not import itself/],
    ['the library importing the CLI', 'src/edit/a.ts', "import '../../cli/progress.ts'", /only from src/],
    ['Dawn anywhere else', 'src/gpu/a.ts', "await import('webgpu')", /only src\/node\.ts opens Dawn/],
    ['an example reaching inside', 'examples/01-capture.ts', "import '../src/node.ts'", /import from 'faceclipnerf'/],
    ['the CLI reaching inside', 'cli/a.ts', "import { x } from '../src/io/files.ts'", /import from 'faceclipnerf'/],
    ['WGSL outside the kernels', 'src/nerf/a.ts', "const a = '@compute'", /contains '@compute'/],
    ['WebGPU memory outside the kernels', 'src/tensor/a.ts', 'let b: GPUBuffer', /contains 'GPUBuffer'/],
  ])('refuses %s', (_, path, text, message) => {
    const found = check({ [path]: text })
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(message)
  })

  it("refuses 'node:' in what a browser loads, naming the way there", () => {
    const found = check({
      'src/index.ts': "export * from './capture/capture.ts'",
      'src/capture/capture.ts': "import { a } from '../io/a.ts'",
      'src/io/a.ts': "import { readFile } from 'node:fs/promises'\nimport type { Stats } from 'node:fs'",
      'src/io/notReached.ts': "import 'node:fs'",
    })
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(/^src\/io\/a\.ts:1: imports 'node:fs\/promises'.*src\/index\.ts -> src\/capture\/capture\.ts -> src\/io\/a\.ts/)
  })

  it('is not fooled by comments and strings', () => {
    expect(check({ 'src/io/a.ts': "// import '../nerf/train.ts'\nconst text = \"import '../nerf/train.ts'\"" })).toEqual([])
  })
})
