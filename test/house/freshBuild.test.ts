import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { builtFresh } from './freshBuild.ts'
import { scratchFolder } from './scratchBuild.ts'

const SOURCES = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsdown.config.ts',
  'src/a/b.ts',
  'cli/c.ts',
  'viewer/d.ts',
  'studio/src/e.tsx',
]
const BUILT = ['index.js', 'node.js', 'cli.js', 'viewer.js', 'index.d.ts', 'node.d.ts', 'studio/index.html'].map(name => `dist/${name}`)
const folder = scratchFolder('fresh')

/** A tree whose sources are of second 1000, folders too, and whose dist/ is of second 2000. */
function tree(): string {
  const root = mkdtempSync(join(folder, 'tree-'))
  for (const path of [...SOURCES, ...BUILT]) {
    mkdirSync(join(root, dirname(path)), { recursive: true })
    writeFileSync(join(root, path), '')
    utimesSync(join(root, path), 1000, path.startsWith('dist') ? 2000 : 1000)
  }
  for (const folder of ['src/a', 'src', 'cli', 'viewer', 'studio/src', 'studio']) utimesSync(join(root, folder), 1000, 1000)
  return root
}

describe('builtFresh', () => {
  test('a build later than its sources, whatever else has changed', () => {
    const root = tree()
    writeFileSync(join(root, 'README.md'), '')
    expect(builtFresh(root)).toBe(true)
  })

  test.each([...SOURCES, 'src/a', 'studio'])('not after a change of %s', path => {
    const root = tree()
    utimesSync(join(root, path), 3000, 3000)
    expect(builtFresh(root)).toBe(false)
  })

  test.each(BUILT)('not where %s is missing, or older', path => {
    const root = tree()
    utimesSync(join(root, path), 500, 500)
    expect(builtFresh(root)).toBe(false)
    rmSync(join(root, path))
    expect(builtFresh(root)).toBe(false)
  })
})
