import { expect } from 'vitest'
import type { Guidance } from '../../src/edit/guidance.ts'
import { Storage, tensor } from '../../src/tensor/device.ts'
import { grad } from '../../src/tensor/grad.ts'
import { compile } from '../../src/tensor/plan.ts'
import type { TestDevice } from '../tensor/devices.ts'
import { randomValues } from '../tensor/harness.ts'

/** Of the pictures that gradients are checked on. */
export const SIDE = 8

/** The guidance's gradient by a random picture against central differences along random directions, where f32 allows: within 2 %. Only compiles where numbers mean nothing. */
export async function checkPictureGradient({ device, compileOnly }: TestDevice, guidance: Guidance, step = 1e-2): Promise<void> {
  const n = SIDE * SIDE * 3
  const storage = new Storage(device, n)
  const shape = [1, SIDE, SIDE, 3]
  const picture = storage.tensor(shape)
  const unedited = tensor(device, randomValues(n, 3, [0, 1]), shape)
  // Half of the pixels show the head, the others what is behind it.
  const surface = tensor(
    device,
    Float32Array.from({ length: n }, (_, i) => (i < n / 2 ? 0 : 3)),
    [n / 3, 3],
  )
  const loss = guidance.loss(picture, guidance.describe(unedited, tensor(device, Uint32Array.of(0), [1]), surface))
  const [gradient] = grad(loss, [picture])
  using plan = compile(device, { outputs: [loss, gradient] })
  const at = randomValues(n, 4, [0, 1])
  const lossAt = async (values: Float32Array): Promise<number> => {
    storage.write(values)
    plan.run()
    return (await plan.read(loss))[0]
  }
  await lossAt(at)
  if (compileOnly) return
  const slope = await plan.read(gradient)
  for (const seed of [11, 12, 13]) {
    // With the gradient's own signs the sum of many small slopes is far above f32's rounding.
    const direction = randomValues(n, seed, [0, 1]).map((v, i) => v * Math.sign(slope[i]))
    const along = async (t: number): Promise<number> => await lossAt(at.map((v, i) => v + t * direction[i]))
    const numeric = ((await along(step)) - (await along(-step))) / (2 * step)
    const analytic = slope.reduce((sum, g, i) => sum + g * direction[i], 0)
    expect(Math.abs(numeric - analytic)).toBeLessThan(0.02 * Math.abs(analytic) + 1e-5)
  }
  storage.release()
}
