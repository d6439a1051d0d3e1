// The studio's engine without a page: frames per second of its viewport while the camera turns, at 512² and exact beside baked, an edit, and memory after
// both. Through Dawn onto textures in place of a canvas, from the root of the tree: npm run bench:studio [-- seconds device]
import type { AddressInfo } from 'node:net'
import { serve } from '../examples/browser/serve.ts'
import type { FromWorker, Pose, StartRequest, View } from '../studio/src/protocol/messages.ts'
import { OrbitControls } from '../studio/src/viewer/orbitControls.ts'
import { Engine } from '../studio/src/worker/engine.ts'
import { engineCanvas } from './engineCanvas.ts'

// The engine runs where workers do: what Node lacks of their world.
Object.assign(globalThis, { ImageData: class {} })
const [seconds = '10', device = 'gpu'] = process.argv.slice(2)
const SIDE = 512

let heard: (message: FromWorker) => void = () => undefined
const engine = new Engine(message => {
  if (message.kind === 'trouble') console.log(`trouble: ${message.message}`)
  heard(message)
})
const task = { signal: new AbortController().signal, say: (text: string) => console.log(`  ${text}`) }

/** Shows a view and waits for pictures until one is as wanted. */
function shown(view: View, wanted: (stats: Extract<FromWorker, { kind: 'frame' }>['stats']) => boolean): Promise<number> {
  return new Promise(resolve => {
    heard = message => {
      if (message.kind === 'frame' && wanted(message.stats)) resolve(message.stats.milliseconds)
    }
    engine.show(view)
  })
}

const server = await serve(process.cwd())
const { port } = server.address() as AddressInfo
const start: StartRequest = { canvas: engineCanvas(), device: device as StartRequest['device'], base: `http://localhost:${port}/` }
console.log((await engine.handlers.start(start, task)).description)
let began = performance.now()
const scene = await engine.handlers.demo({}, task)
console.log(`demo open in ${Math.round(performance.now() - began)} ms`)

const face = { edit: scene.edits[0].id }
const view = (pose: Pose, change: Partial<View> = {}): View => ({ pose, moving: true, mode: 'color', face, pixels: SIDE, ...change })
const home = scene.frames[0].pose
began = performance.now()
await shown(view(home), () => true)
console.log(`first picture after ${Math.round(performance.now() - began)} ms`)

/** Turns the camera for a while. */
async function turn(label: string, change: (i: number) => Partial<View> = () => ({})): Promise<void> {
  const controls = new OrbitControls(scene.up, home)
  controls.reducedMotion = true
  const times: number[] = []
  const sides = new Map<number, number>()
  const until = performance.now() + 1000 * Number(seconds)
  for (let i = 0; performance.now() < until; i++) {
    controls.rotate(0.3 * Math.cos(i / 20) * 0.05, 0)
    controls.advance(1)
    const before = performance.now()
    await shown(view(controls.pose, change(i)), stats => {
      sides.set(stats.width, (sides.get(stats.width) ?? 0) + 1)
      return true
    })
    times.push(performance.now() - before)
  }
  times.sort((a, b) => a - b)
  const at = (share: number): string => times[Math.floor(share * (times.length - 1))].toFixed(1)
  const of = [...sides].sort((a, b) => b[1] - a[1]).map(([side, n]) => `${side}² ${n}x`)
  console.log(`${label}: ${(1000 / Number(at(0.5))).toFixed(0)} pictures/s (median ${at(0.5)} ms, 95 % ${at(0.95)} ms); ${of.join(', ')}`)
}

if (device !== 'cpu') {
  await turn('exact, anchors in colours', () => ({ mode: 'acr' }))
  await turn('exact, strength changing', i => ({ face: { ...face, strengths: scene.edits[0].anchors.map(() => (i % 100) / 100) } }))
  began = performance.now()
  await shown(view(home, { moving: false }), stats => stats.baked && stats.width === SIDE)
  console.log(`baked and at ${SIDE}² after ${Math.round(performance.now() - began)} ms of standing still`)
}
await turn('turning')
if (device !== 'cpu') {
  await shown(view(home, { moving: false, compare: { face: {}, split: 0.5 } }), stats => stats.baked)
  await new Promise(resolve => setTimeout(resolve, 1500))
  await turn('turning, before and after', () => ({ compare: { face: {}, split: 0.5 } }))
}

if (device !== 'cpu') {
  // The unedited face beside five edits: copies of the demo's, since only their number matters.
  const { bytes } = await engine.handlers.saveEdit({ edit: face.edit, strength: 1, gains: [] }, task)
  const opened = await engine.handlers.open({ files: [1, 2, 3, 4, 5].map(i => ({ name: `${i}.edit`, bytes: bytes.slice() })) }, task)
  const copies = 'scene' in opened ? opened.scene.edits.slice(-5) : []
  const six: Partial<View> = { grid: { faces: [{}, ...copies.map(({ id }) => ({ edit: id }))], columns: 3 }, pixels: SIDE / 2 }
  await turn('six faces side by side, exact', () => six)
  began = performance.now()
  await shown(view(home, { ...six, moving: false }), stats => stats.baked && stats.width === SIDE / 2)
  console.log(`all baked and at ${SIDE / 2}² after ${Math.round(performance.now() - began)} ms of standing still`)
  await turn('six faces side by side, baked', () => six)
  const stroke = { path: [[0.4, 0.65] as const, [0.6, 0.65] as const], radius: 0.08 }
  began = performance.now()
  const { points } = await engine.handlers.paint({ pose: home, face, stroke }, task)
  console.log(`a stroke of the brush: ${points.length / 3} points in ${Math.round(performance.now() - began)} ms`)
}

began = performance.now()
heard = () => undefined
engine.show(view(home, { moving: false, face: { edit: 1 } }))
const steps = device === 'cpu' ? 2 : 60
await engine.handlers.edit({ id: 1, prompt: 'face with closed eyes and opened mouth', steps, seed: 0, quick: device === 'cpu' }, task)
console.log(`edit of ${steps} steps with the picture live: ${((performance.now() - began) / 1000).toFixed(1)} s`)
const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0)
const used: number[] = []
for (let round = 0; round < 3; round++) {
  await turn(`round ${round + 1}`)
  used.push(process.memoryUsage().rss)
}
console.log(`resident memory after each round: ${used.map(megabytes).join(', ')} MiB`)
server.close()
process.exit(0)
