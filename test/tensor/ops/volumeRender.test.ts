/** Golden volume_render: weights, sums, accumulation, median and white background as scenes put them together. */
import { describe, test } from 'vitest'
import { grad } from '../../../src/tensor/grad.ts'
import { add, affine, sqrt, square } from '../../../src/tensor/ops/elementwise.ts'
import { medianDepth, medianSample } from '../../../src/tensor/ops/medianSample.ts'
import { rayWeights } from '../../../src/tensor/ops/rayWeights.ts'
import { broadcastLast, sumLast } from '../../../src/tensor/ops/reduce.ts'
import { accumulation, sumSamples } from '../../../src/tensor/ops/sumSamples.ts'
import { reshape, type Tensor } from '../../../src/tensor/tensor.ts'
import { loadGolden } from '../../golden.ts'
import { checkGolden } from './goldenCase.ts'

const golden = loadGolden('volume_render')

describe('golden volume_render', () => {
  for (const [name, settings] of Object.entries(golden.cases)) {
    const masked = golden.tensors.has(`${name}/in/hyper_masks`)
    const infinity = settings.sample_at_infinity === true
    test(name, () =>
      checkGolden(golden, ({ leaf, loss }) => {
        const at = (path: string): Tensor => leaf(`${name}/in/${path}`)
        const [sigma, z, rgb, dirs] = [at('sigma'), at('z_vals'), at('rgb'), at('dirs')]
        const masks = masked ? at('hyper_masks') : undefined
        const weights = rayWeights(sigma, z, sqrt(sumLast(square(dirs))), { infinity })
        const colour = sumSamples(weights, rgb)
        const behind = affine(sumLast(weights), -1, 1)
        const outputs: Record<string, Tensor> = {
          weights,
          rgb: settings.white_background ? add(colour, broadcastLast(behind, 3)) : colour,
          depth: reshape(sumSamples(weights, reshape(z, [...z.shape, 1])), [z.shape[0]]),
          acc: accumulation(weights, { infinity }),
          ...(masks ? { mask: sumSamples(weights, masks) } : {}),
        }
        const cotangents = Object.fromEntries(Object.entries(outputs).map(([key, y]) => [`${name}/cot/${key}`, y]))
        const grads = grad(loss(cotangents), [sigma, rgb, ...(masks ? [masks] : [])])
        const index = medianSample(weights)
        return {
          ...Object.fromEntries(Object.entries(outputs).map(([key, y]) => [`${name}/out/${key}`, y])),
          ...Object.fromEntries(['sigma', 'rgb', 'hyper_masks'].slice(0, grads.length).map((key, i) => [`${name}/grad/${key}`, grads[i]])),
          [`${name}/out/depth_index`]: index,
          [`${name}/out/med_depth`]: medianDepth(weights, z),
        }
      }),
    )
  }
})
