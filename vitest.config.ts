import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Folders whose files share a process: starting one and loading the library anew takes longer than most of their tests. A test that changes the
 * environment, the working directory or a prototype is not for them.
 */
const TOGETHER = [
  'bench',
  'camera',
  'capture/*',
  'capture/import',
  'capture/video',
  'cpu',
  'edit',
  'io',
  'metrics',
  'nerf',
  'nn',
  'tensor/*',
  'tensor/ops',
]
const together = TOGETHER.map(folder => (folder.endsWith('*') ? `test/${folder}.test.ts` : `test/${folder}/**/*.test.ts`))

/** The longest files (from 15 s on 2 quiet cores), the longest first, so that no worker is left with one at the end; the rest by size. */
const LONGEST = [
  'cli/verbs',
  'studio/studio',
  'tensor/ops/fusedMlp',
  'examples/examples',
  'house/package',
  'edit/methods',
  'cli/importVideo',
  'tensor/ops/gemm',
  'gpu/wholePath',
  'capture/poses/colmapPoses',
  'tensor/ops/dense',
  'clip/clipGolden',
  'edit/editRenderGolden',
  'edit/edit',
  'cli/evaluateEdits',
  'nerf/coarseFine',
  'nerf/codeMixture',
].map(name => `/test/${name}.test.ts`)

/** Processes of their own first, then those that are shared: within each the longest files first. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = LONGEST.findIndex(end => moduleId.endsWith(end))
      return found < 0 ? LONGEST.length : found
    }
    const shared = ({ project }: TestSpecification): number => (project.config.isolate ? 0 : 1)
    return (await super.sort(files)).sort((a, b) => shared(a) - shared(b) || place(a) - place(b))
  }
}

export default defineConfig({
  // The CLI, the examples and their tests import the public name; in the tree that is the source.
  resolve: { alias: { faceclipnerf: fileURLToPath(new URL('src/node.ts', import.meta.url)) } },
  test: {
    testTimeout: 60_000,
    setupFiles: ['test/gpu/boundsSetup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      { extends: true, test: { name: 'alone', include: ['test/**/*.test.ts'], exclude: [...configDefaults.exclude, ...together] } },
      { extends: true, test: { name: 'together', include: together, isolate: false } },
    ],
  },
})
