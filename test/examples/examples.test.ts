/** The examples, one after the other, on the CPU with few steps. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT, runProgram, scratchFolder } from '../house/scratchBuild.ts'

const out = scratchFolder('examples')

/** Arguments after the output folder, and the files that must then be there. */
const RUNS: Record<string, { args: string[]; files: string[] }> = {
  '01-capture.ts': { args: [], files: ['capture.png'] },
  '02-train.ts': { args: ['5'], files: ['face.scene'] },
  '03-anchors.ts': { args: ['2'], files: ['anchors.png', 'anchors.json'] },
  '04-edit.ts': { args: ['2'], files: ['face.edit'] },
  '05-render.ts': { args: ['2'], files: ['strength.png', 'orbit.webp'] },
  '06-evaluate.ts': { args: [], files: [] },
  '07-share.ts': { args: ['0.02'], files: ['face.glb', 'camera_path.json'] },
}
const examples = readdirSync(join(ROOT, 'examples')).filter(name => name.endsWith('.ts'))

test('every example is run here, and is under 60 lines', () => {
  expect(examples.sort()).toEqual(Object.keys(RUNS))
  for (const name of examples) expect(readFileSync(join(ROOT, 'examples', name), 'utf8').split('\n').length, name).toBeLessThan(60)
})

for (const [name, { args, files }] of Object.entries(RUNS)) {
  test(name, async () => {
    const printed = await runProgram(process.execPath, ['--import', 'tsx', `examples/${name}`, out, ...args], { env: { FACECLIPNERF_DEVICE: 'cpu' } })
    expect(printed).not.toBe('')
    for (const file of files) expect(existsSync(join(out, file)), file).toBe(true)
  }, 120_000)
}
