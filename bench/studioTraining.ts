// Training in the studio's engine without a page: what it says a preset will take, and what it takes with the picture drawn meanwhile; copies and held-out views among it.
// Through Dawn onto textures in place of a canvas, from the root of the tree: npx tsx bench/studioTraining.ts [seconds=40] [device=gpu|cpu] [preset=fast]
import type { FromWorker, TrainProgress, TrainRequest } from '../studio/src/protocol/messages.ts'
import { Engine } from '../studio/src/worker/engine.ts'
import { zippedCapture } from '../test/studio/zippedCapture.ts'
import { engineCanvas } from './engineCanvas.ts'

// The engine runs where workers do: what Node lacks of their world.
Object.assign(globalThis, { ImageData: class {} })
const [seconds = '40', device = 'gpu', preset = 'fast'] = process.argv.slice(2)
const steps = { tiny: 2000, fast: 6000 }

const reports: { readonly at: number; readonly progress: TrainProgress }[] = []
let pictures = 0
let sized = ''
const engine = new Engine((message: FromWorker) => {
  if (message.kind === 'training') reports.push({ at: performance.now(), progress: message.progress })
  else if (message.kind === 'trouble') console.log(`trouble: ${message.message}`)
  else if (message.kind === 'frame') {
    pictures++
    sized = `${message.stats.width}²`
  } else if (message.kind === 'begun') engine.show({ pose: message.scene.frames[0].pose, moving: false, mode: 'color', face: {}, pixels: 512 })
})
const task = { signal: new AbortController().signal, say: () => undefined }
const start = { canvas: engineCanvas(), device: device as 'gpu' | 'cpu', base: 'http://localhost/' }
console.log((await engine.handlers.start(start, task)).description)
await engine.handlers.open({ files: [{ name: 'ada-mini.zip', bytes: Uint8Array.from(zippedCapture()) }] }, task)
for (const each of ['tiny', 'fast'] as const) {
  const began = performance.now()
  const step = await engine.handlers.estimate({ preset: each }, task)
  const took = (performance.now() - began) / 1000
  console.log(
    `${each}: ${(1000 * step).toFixed(2)} ms a step, so ${(steps[each] * step).toFixed(0)} s for ${steps[each]}; measured in ${took.toFixed(1)} s`,
  )
}
const request = { preset, steps: steps[preset as TrainRequest['preset']], seed: 0, leftOut: [] } as TrainRequest
setTimeout(() => engine.finish(), 1000 * Number(seconds))
const began = performance.now()
const { step } = await engine.handlers.train(request, task)
const [first, last] = [reports[0], reports[reports.length - 1]]
const pace = (last.at - first.at) / (last.progress.step - first.progress.step)
const { psnr, heldOut, kept } = last.progress
console.log(
  `${preset}: step ${step} after ${((performance.now() - began) / 1000).toFixed(1)} s, the first report after ${((first.at - began) / 1000).toFixed(1)} s`,
)
console.log(
  `  ${pace.toFixed(2)} ms a step with ${pictures} pictures, the last of ${sized}; PSNR ${psnr.toFixed(2)} dB, held out ${heldOut?.toFixed(2)} dB, copy of step ${kept}`,
)
const gaps = reports.slice(1).map(({ at }, i) => at - reports[i].at)
console.log(
  `  longest gap between two reports ${Math.max(...gaps).toFixed(0)} ms (a copy with a look at held-out views), median ${gaps.sort((a, b) => a - b)[gaps.length >> 1].toFixed(0)} ms`,
)
process.exit(0)
