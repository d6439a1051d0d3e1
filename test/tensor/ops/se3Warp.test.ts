/** Golden se3_warp: encoding, trunk, two heads and the motion, put together from operations. */
import { describe, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { grad } from '../../../src/tensor/grad.ts'
import { concat } from '../../../src/tensor/ops/concat.ts'
import { dense } from '../../../src/tensor/ops/dense.ts'
import { mul } from '../../../src/tensor/ops/elementwise.ts'
import { cosineWindow, frequencyEncoding } from '../../../src/tensor/ops/frequencyEncoding.ts'
import { sum } from '../../../src/tensor/ops/reduce.ts'
import { se3Transform } from '../../../src/tensor/ops/se3.ts'
import type { Tensor } from '../../../src/tensor/tensor.ts'
import { loadGolden } from '../../golden.ts'
import { checkGolden } from './goldenCase.ts'

const golden = loadGolden('se3_warp')

describe('golden se3_warp', () => {
  for (const [name, settings] of Object.entries(golden.cases)) {
    const bands = Number(settings.max_deg) - Number(settings.min_deg)
    const paths = [...golden.tensors.keys()].filter(path => path.startsWith(`${name}/param/`))
    test(name, () =>
      checkGolden(golden, ({ device, leaf, loss }) => {
        const params = new Map(paths.map(path => [path.slice(`${name}/param/`.length), leaf(path)]))
        const layer = (path: string, x: Tensor, activation: 'none' | 'relu'): Tensor => {
          const [kernel, bias] = [params.get(`${path}/kernel`), params.get(`${path}/bias`)]
          if (!kernel || !bias) throw new Error(`no layer ${path}`)
          return dense(x, kernel, bias, activation)
        }
        const [points, codes] = [leaf(`${name}/in/points`), leaf(`${name}/in/codes`)]
        const window = settings.alpha === null ? undefined : tensor(device, cosineWindow(Number(settings.alpha), bands), [bands])
        const features = concat([frequencyEncoding(points, { minBand: Number(settings.min_deg), bands, window }), codes])
        let x = features
        for (let i = 0; i < Number(settings.trunk_depth); i++)
          x = layer(`trunk/hidden_${i}`, i === Number(settings.skip) ? concat([x, features]) : x, 'relu')
        const warped = se3Transform(layer('branches_w/logit', x, 'none'), layer('branches_v/logit', x, 'none'), points)
        const wrt: [string, Tensor][] = [
          ['points', points],
          ['codes', codes],
          ...[...params].map(([path, p]): [string, Tensor] => [`param/${path}`, p]),
        ]
        const grads = grad(
          loss({ [`${name}/cot/warped_points`]: warped }),
          wrt.map(([, x]) => x),
        )
        const rows = [0, 1, 2].map(axis => {
          const unit = Float32Array.from({ length: points.length }, (_, i) => (i % 3 === axis ? 1 : 0))
          return grad(sum(mul(warped, tensor(device, unit, points.shape))), [points])[0]
        })
        return {
          [`${name}/out/warped_points`]: warped,
          [`${name}/out/jacobian`]: concat(rows),
          ...Object.fromEntries(wrt.map(([path], i) => [`${name}/grad/${path}`, grads[i]])),
        }
      }),
    )
  }
})
