/** Whether dist/ is of the sources as they are: then a test takes a copy of it instead of building for half a minute. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** What dist/ is made from. */
const SOURCES = ['src', 'cli', 'viewer', 'studio', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsdown.config.ts']
/** One file of each part of the build, the last parts among them. */
const BUILT = ['index.js', 'node.js', 'cli.js', 'viewer.js', 'index.d.ts', 'node.d.ts', 'studio/index.html'].map(name => `dist/${name}`)

/** Milliseconds of the last change in a folder, of a file, or of a name come or gone. */
function newest(path: string): number {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  const names = readdirSync(path).filter(name => name !== 'node_modules')
  return names.reduce((latest, name) => Math.max(latest, newest(join(path, name))), stat.mtimeMs)
}

/** True when every part of dist/ below `root` was written after the last change of the sources; false also where something of it is missing. */
export function builtFresh(root: string): boolean {
  try {
    const oldest = Math.min(...BUILT.map(path => statSync(join(root, path)).mtimeMs))
    return oldest > Math.max(...SOURCES.map(path => newest(join(root, path))))
  } catch {
    return false
  }
}
