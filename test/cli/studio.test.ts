/** The verb around the studio's server; the server and the studio have tests of their own (test/studio). */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../../cli/run.ts'
import { scratchFolder } from '../house/scratchBuild.ts'
import { fakeTerminal } from './fakeTerminal.ts'

const folder = scratchFolder('studio-verb')
const at = (name: string): string => join(folder, name)
mkdirSync(at('me.capture'))
writeFileSync(at('me.mp4'), 'x')

test.each([
  [['nowhere.scene'], 'nowhere.scene: no such file; make a scene with faceclipnerf train'],
  [[at('me.capture')], `${at('me.capture')}: a folder, perhaps a capture; make a scene of it first: faceclipnerf train`],
  [[at('me.mp4')], `${at('me.mp4')}: the studio opens .scene, .edit, .zip; make a scene with faceclipnerf train`],
  [['a.scene', '--static', at('site')], 'studio: a.scene with --static; the written studio opens what is dropped on it, leave the file out'],
  [['--port', 'many'], 'Give a whole number from 0.'],
])('refuses %j', async (argv, message) => {
  const terminal = fakeTerminal()
  expect(await run(['studio', ...argv], terminal)).toBe(1)
  expect(terminal.stderr).toContain(message)
})
