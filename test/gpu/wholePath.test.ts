/**
 * The whole path on an adapter beside the CPU, from one seed: training, rendering, an edit. Tolerances: f32 sums in another order differ by 1e-6, the
 * steps feed on each other's roundings, and Adam's first steps turn a gradient's sign into a whole learning rate; what was measured is 100 times below.
 */
import { expect, test } from 'vitest'
import { AnchorCompositor } from '../../src/edit/anchorCompositor.ts'
import { edit } from '../../src/edit/edit.ts'
import type { Guidance } from '../../src/edit/guidance.ts'
import { createRenderer } from '../../src/nerf/render.ts'
import { train } from '../../src/nerf/train.ts'
import { type Device, tensor } from '../../src/tensor/device.ts'
import { square, sub } from '../../src/tensor/ops/elementwise.ts'
import { mean } from '../../src/tensor/ops/reduce.ts'
import { reshape } from '../../src/tensor/tensor.ts'
import { expressiveScene } from '../edit/expressiveScene.ts'
import { anchorsOf } from '../edit/smallAnchors.ts'
import { SIZE, smallCapture, smallScene } from '../nerf/smallScene.ts'
import { testDevices } from '../tensor/harness.ts'

const LOSS_TOLERANCE = 1e-3
/** sRGB 0..1 */
const COLOR_TOLERANCE = 2e-3
const PIXELS = SIZE * SIZE * 3

interface Path {
  readonly trained: readonly number[]
  readonly edited: readonly number[]
  readonly before: Float32Array
  readonly after: Float32Array
}

const devices = await testDevices()
const [, cpu] = devices
const adapter = devices.find(({ device, compileOnly }) => device.kind === 'gpu' && !compileOnly)

/** Three training steps; and two steps of an edit towards grey, with a picture before and after. */
async function wholePath(device: Device): Promise<Path> {
  const trained: number[] = []
  for await (const { loss } of train(smallScene(device, { seed: 7 }), smallCapture(), { until: 3, reportEvery: 1 })) trained.push(loss)
  const scene = await expressiveScene(device)
  const compositor = new AnchorCompositor(scene, await anchorsOf(scene, [0, 2]), { seed: 1 })
  using renderer = createRenderer(scene, compositor.codes, { rays: SIZE * SIZE, samples: 6 })
  const picture = async () => (await renderer.render(scene.trainingCameras[1])).rgb
  const before = await picture()
  const grey = tensor(device, new Float32Array(PIXELS).fill(0.5), [PIXELS])
  const guidance: Guidance = {
    name: 'grey',
    featureSize: PIXELS,
    describe: pictures => reshape(pictures, [1, PIXELS]),
    loss: pictures => mean(square(sub(reshape(pictures, [PIXELS]), grey))),
  }
  const edited: number[] = []
  const options = { steps: 2, samples: 4, search: false, reportEvery: 1, rates: [0.1, 0.1] } as const
  for await (const { loss } of edit(scene, compositor, guidance, scene.trainingCameras.slice(0, 2), options)) edited.push(loss)
  return { trained, edited, before, after: await picture() }
}

const largest = (a: readonly number[] | Float32Array, error: (value: number, i: number) => number): number => Math.max(...Array.from(a, error))

test.skipIf(!adapter)(`an adapter trains, renders and edits as the CPU does${adapter ? '' : ': no adapter that computes'}`, async () => {
  const expected = await wholePath(cpu.device)
  const actual = await wholePath((adapter ?? cpu).device)
  for (const key of ['trained', 'edited'] as const) {
    expect(actual[key]).toHaveLength(expected[key].length)
    expect(
      largest(actual[key], (loss, i) => Math.abs(loss / expected[key][i] - 1)),
      key,
    ).toBeLessThan(LOSS_TOLERANCE)
  }
  for (const key of ['before', 'after'] as const)
    expect(
      largest(actual[key], (v, i) => Math.abs(v - expected[key][i])),
      key,
    ).toBeLessThan(COLOR_TOLERANCE)
  expect(largest(expected.after, (v, i) => Math.abs(v - expected.before[i]))).toBeGreaterThan(COLOR_TOLERANCE)
})
