/** Documentation that can rot: names and paths in it must exist. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from './scratchBuild.ts'

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const documents = [
  'README.md',
  'PAPER.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'NOTICE',
  'docs/filming.md',
  'docs/h200.md',
  'docs/import.md',
  'docs/recipe.md',
  'docs/share.md',
  'docs/studio.md',
  'bench/README.md',
  'assets/encoder/README.md',
  'assets/captures/ada-mini/README.md',
  'test/golden/README.md',
]

describe('PAPER.md', () => {
  const paper = read('PAPER.md')
  const references = [...paper.matchAll(/`(src\/[\w/.]+\.ts):(\w+)`/g)].map(([, file, name]) => ({ file, name }))

  it('has a row for every equation', () => {
    const rows = [...paper.matchAll(/^\| \(?(\d+)(?:–(\d+))?\)? \|/gm)].flatMap(([, from, to = from]) =>
      Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i),
    )
    expect(rows).toEqual(Array.from({ length: 17 }, (_, i) => i + 1))
  })

  it.each(references)('$file exports $name', ({ file, name }) => {
    expect(read(file)).toMatch(new RegExp(`^export (?:async )?(?:function\\*?|const|class|interface|type) ${name}\\b`, 'm'))
  })

  it('puts every path in a form that is checked', () => {
    for (const [, path] of paper.matchAll(/`((?:src|cli)\/[^`]*)`/g)) expect(path).toMatch(/^src\/[\w/.]+\.ts:\w+$/)
  })
})

/** What links call the headings of a document. */
const headings = (path: string): string[] =>
  [...read(path).matchAll(/^#+ (.*)$/gm)].map(([, text]) =>
    text
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )

describe('links and commands', () => {
  it.each(documents)('%s points at files that exist', document => {
    for (const [, target, heading] of read(document).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)) {
      const path = target === '' ? document : join(dirname(document), target)
      expect(existsSync(join(ROOT, path)), `${document} -> ${path}`).toBe(true)
      if (heading) expect(headings(path), `${document} -> ${path}`).toContain(heading)
    }
  })

  it('name npm scripts that exist', () => {
    const scriptsOf = (file: string): string[] => Object.keys(JSON.parse(read(file)).scripts)
    const [ours, studios] = [scriptsOf('package.json'), scriptsOf('studio/package.json')]
    for (const document of documents) {
      for (const [, name, studio] of read(document).matchAll(/npm run ([\w:]+)( --workspace studio)?/g))
        expect(studio ? studios : ours, document).toContain(name)
    }
    expect(read('README.md')).toContain('npm ci && npm run demo')
    expect(read('README.md')).toContain('npm ci && npm test')
  })

  it('say of every check and benchmark what it does', () => {
    const { scripts } = JSON.parse(read('package.json'))
    const told = read('CONTRIBUTING.md') + read('bench/README.md')
    for (const name of Object.keys(scripts).filter(name => /^(?:bench|check)/.test(name))) expect(told).toContain(`npm run ${name}`)
    for (const [, path] of told.matchAll(/npx tsx ([\w/]+\.ts)/g)) expect(existsSync(join(ROOT, path)), path).toBe(true)
  })

  it('carry the licence text of ICT-FaceKit', () => {
    expect(read('NOTICE')).toContain('Copyright (c) 2020 USC Institute for Creative Technologies')
    expect(read('NOTICE')).toContain('The above copyright notice and this permission notice shall be included in all')
  })
})
