// Checks the import rule (CONTRIBUTING.md) on every source file; exit code 1 and one line per violation. Part of `npm run lint`.

import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { violations } from './importRules.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const FOLDERS = ['src', 'cli', 'studio', 'examples', 'bench', 'test']

const files = new Map()
for (const folder of FOLDERS) {
  const names = await readdir(`${root}/${folder}`, { recursive: true }).catch(() => [])
  for (const name of names) {
    const path = `${folder}/${name.replaceAll('\\', '/')}`
    if (/\.(ts|tsx|mts|js|mjs)$/.test(path) && !path.includes('node_modules/')) files.set(path, await readFile(`${root}/${path}`, 'utf8'))
  }
}

const found = violations(files)
for (const line of found) console.error(line)
console.log(`import rule: ${files.size} files, ${found.length === 0 ? 'no violation' : `${found.length} violations`}`)
if (found.length > 0) process.exitCode = 1
