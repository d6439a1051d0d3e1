import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { zip } from '../cli/zipWriter.ts'
import { ROOT } from '../house/scratchBuild.ts'

/** The embedded capture as a zip of its folder. */
export function zippedCapture(): Buffer {
  const root = join(ROOT, 'assets/captures/ada-mini')
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  const paths = files.map(entry => relative(root, join(entry.parentPath, entry.name)))
  return Buffer.from(zip(paths.map(path => ({ name: `ada-mini/${path}`, bytes: readFileSync(join(root, path)) }))))
}
