/**
 * Does a scene hold its expressions? `npm run check:expressions [-- SCENE CAPTURE]` (default: what the demo made) reads the capture's ground truth (which training and
 * editing never do) and checks two things:
 * - anchors, their number found: one each of the states the capture shows, each shown to at least 0.85 of its full amount;
 * - H carries the expression: T at rest, H given each anchor's code, seen from frame 0's camera. The expression head must read the anchor's true coefficients
 *   with at most half the squared error it makes when it takes the neutral render for them, at the capture's framing or in the close-up in which the product
 *   itself judges faces (the same camera with a lens of 1.4 times the length): at 64 px an eye is four pixels wide. The last column is the same ratio on the
 *   capture's own pictures: what the head can do at best.
 * Ends with exit code 1 when one of them fails.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Camera } from '../src/camera/camera.ts'
import { closeUp } from '../src/edit/editViews.ts'
import { constantCode, createRenderer, expressionEncoder, loadCapture, loadEncoder, loadScene, openDevice, selectAnchors } from '../src/node.ts'
import { Storage } from '../src/tensor/device.ts'
import { compile } from '../src/tensor/plan.ts'

const LEAST_AMOUNT = 0.85
const LARGEST_ERROR = 0.5

interface Truth {
  readonly state: string
  readonly amount: number
  readonly coefficients: Readonly<Record<string, number>>
}

const [scenePath = 'out/demo/face.scene', capturePath = 'assets/captures/ada-mini'] = process.argv.slice(2)
const truth = JSON.parse(await readFile(join(capturePath, 'expressions.json'), 'utf8')) as { frames: Record<string, Truth> }
using device = await openDevice()
const scene = await loadScene(device, await readFile(scenePath), scenePath)
const capture = await loadCapture(capturePath)
const encoder = await loadEncoder(device)
const head = encoder.expressionHead ?? fail('the encoder has no expression head')

const anchors = await selectAnchors(scene, expressionEncoder(encoder))
/** A face on the way into an expression or out of it counts as neutral while it shows less than this of it. */
const NEUTRAL = 0.1
function frameTruth(k: number): Truth {
  const frame = truth.frames[anchors.frames[k]]
  return frame.amount < NEUTRAL ? { ...frame, state: 'neutral' } : frame
}
const states = [...new Set(Object.values(truth.frames).map(f => f.state))].sort()
const found = anchors.frames.map((_, k) => frameTruth(k).state)
const oneEach = JSON.stringify([...found].sort()) === JSON.stringify(states)

const { names } = head
/** Squared error of what the head reads against the coefficients of anchor k. */
const error = (read: Float32Array, k: number): number =>
  names.reduce((sum, name, i) => sum + (read[i] - (frameTruth(k).coefficients[name] ?? 0)) ** 2, 0)
const pictureOf = (id: string): { rgb: Float32Array; width: number; height: number } => {
  const frame = capture.frames.find(f => f.id === id) ?? fail(`no frame ${id} in ${capturePath}`)
  return { rgb: frame.image, width: frame.camera.imageSize[0], height: frame.camera.imageSize[1] }
}
const camera = scene.trainingCameras[0]
const full = await readAnchors(camera)
const close = await readAnchors(closeUp(camera))
const real: Float32Array[] = []
for (const id of anchors.frames) real.push(await readHead(pictureOf(id)))

let holds = oneEach
const rows = anchors.frames.map((frame, k) => {
  const { state, amount } = frameTruth(k)
  const ratio = (read: readonly Float32Array[]): number => (k === 0 ? Number.NaN : error(read[k], k) / error(read[0], k))
  const [ofFull, ofClose, floor] = [full, close, real].map(ratio)
  const carried = k === 0 || Math.min(ofFull, ofClose) <= LARGEST_ERROR
  const shown = state === 'neutral' || amount >= LEAST_AMOUNT
  if (!carried || !shown) holds = false
  const figure = (x: number): string => (Number.isNaN(x) ? '-' : x.toFixed(2))
  return `| ${frame} | ${state} | ${amount.toFixed(2)} | ${figure(ofFull)} | ${figure(ofClose)} | ${figure(floor)} | ${carried && shown ? 'yes' : 'no'} |`
})
console.log(
  `${scenePath}: ${found.length} anchors found (${found.join(', ')}); the capture shows ${states.join(', ')}: ${oneEach ? 'one each' : 'NOT one each'}`,
)
console.log('| frame | state | amount | error ratio | close-up | true pictures | holds |\n|---|---|---|---|---|---|---|')
for (const row of rows) console.log(row)
console.log(holds ? 'holds' : 'does not hold')
process.exitCode = holds ? 0 : 1

/** What the head reads off every anchor's render from a camera (space units), T at the neutral anchor. */
async function readAnchors(from: Camera): Promise<Float32Array[]> {
  const code = new Storage(device, scene.config.codeSize)
  using renderer = createRenderer(scene, constantCode(code.tensor([code.length])))
  const read: Float32Array[] = []
  for (let k = 0; k < anchors.indices.length; k++) {
    code.write(anchors.codes.subarray(k * code.length, (k + 1) * code.length))
    read.push(await readHead(await renderer.render(from)))
  }
  code.release()
  return read
}

async function readHead(picture: { rgb: Float32Array; width: number; height: number }): Promise<Float32Array> {
  const pixels = new Storage(device, picture.rgb.length)
  pixels.write(picture.rgb)
  const coefficients = head.coefficients(encoder.encodeImage(pixels.tensor([1, picture.height, picture.width, 3])))
  using plan = compile(device, { outputs: [coefficients] })
  plan.run()
  const read = await plan.read(coefficients)
  pixels.release()
  return read
}

function fail(message: string): never {
  throw new Error(`check:expressions: ${message}`)
}
