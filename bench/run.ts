/**
 * `npm run bench -- [names…] [--runs 5] [--out bench/results.md]`: measures on the device of this machine (FACECLIPNERF_DEVICE picks another) and writes
 * the results into that device's section of bench/results.md. Without names, everything.
 */
import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { openDevice } from '../src/node.ts'
import type { Device } from '../src/tensor/device.ts'
import { benchDense } from './dense.bench.ts'
import { benchEditing } from './edit.bench.ts'
import { benchEncoder } from './encoder.bench.ts'
import { type Bench, table } from './measure.ts'
import { benchRendering } from './render.bench.ts'
import { merge } from './results.ts'
import { benchTraining, profileTraining } from './train.bench.ts'

const BENCHES: Readonly<Record<string, Bench>> = {
  dense: benchDense,
  train: benchTraining,
  render: benchRendering,
  edit: benchEditing,
  encoder: benchEncoder,
  profile: profileTraining,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '5' }, out: { type: 'string', default: 'bench/results.md' } },
})
const runs = Number(values.runs)
if (!(Number.isInteger(runs) && runs >= 1)) throw new Error(`bench: --runs ${values.runs}; give a whole number of at least 1`)
for (const name of positionals)
  if (!Object.hasOwn(BENCHES, name)) throw new Error(`bench: no benchmark "${name}"; there are ${Object.keys(BENCHES).join(', ')}`)

const parts = new Map<string, string>()
let heading = ''
for (const name of positionals.length > 0 ? positionals : Object.keys(BENCHES)) {
  // a device of its own: what one benchmark holds does not crowd the next
  using device = await openDevice()
  heading = headingOf(device)
  const result = await BENCHES[name]({ device, runs })
  const body = typeof result === 'string' ? result : table(result)
  const note = `Median of ${runs}, Node ${process.version}, commit ${commit()}; device memory at most ${(device.memory.peak / 2 ** 20).toFixed(0)} MiB.`
  parts.set(name, typeof result === 'string' ? `${result}\n\nNode ${process.version}, commit ${commit()}.` : `${body}\n\n${note}`)
  console.log(`${heading}: ${name}\n${parts.get(name)}\n`)
}
const before = await readFile(values.out, 'utf8').catch(() => '')
await writeFile(values.out, merge(before, heading, parts))
console.log(`wrote ${values.out}`)

function headingOf(device: Device): string {
  const name = device.description.replace(/ \(openDevice:.*/, '')
  return device.kind === 'gpu' ? name : `${name}, ${cpus()[0]?.model ?? 'unknown processor'}`
}

/** The tree's commit; a + marks changes on top. */
function commit(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', 'src') ? '+' : '')
  } catch {
    return 'unknown'
  }
}
