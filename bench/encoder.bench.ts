/** The embedded encoder's image tower, without and with the gradient of the pixels. */
import { loadEncoder } from '../src/clip/clipModel.ts'
import { tensor } from '../src/tensor/device.ts'
import { grad } from '../src/tensor/grad.ts'
import { sum } from '../src/tensor/ops/reduce.ts'
import { compile } from '../src/tensor/plan.ts'
import { type Bench, measure, type Row } from './measure.ts'

/** px */
const SIZE = 128

export const benchEncoder: Bench = async ({ device, runs }) => {
  const encoder = await loadEncoder(device)
  const pictures = tensor(device, new Float32Array(SIZE * SIZE * 3).fill(0.5), [1, SIZE, SIZE, 3])
  const embedding = encoder.imageFeatures(pictures)
  const rows: Row[] = []
  for (const [what, outputs] of [
    ['forward', [embedding]],
    ['forward and gradient', grad(sum(embedding), [pictures])],
  ] as const) {
    using plan = compile(device, { outputs: [...outputs] })
    const ms = await measure(
      () => plan.run(),
      () => device.sync(),
      runs,
    )
    rows.push({ what: `${encoder.name}, ${what}`, sizes: `1 picture of ${SIZE}²`, ms, does: [[1, ' pictures']] })
  }
  return rows
}
