import { describe, expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { grad } from '../../../src/tensor/grad.ts'
import { dense } from '../../../src/tensor/ops/dense.ts'
import { affine, mul, softplus } from '../../../src/tensor/ops/elementwise.ts'
import { type LipschitzGroup, lipschitzScale, lipschitzScales } from '../../../src/tensor/ops/lipschitz.ts'
import { logBounds, product } from '../../../src/tensor/ops/lipschitzBounds.ts'
import { sum } from '../../../src/tensor/ops/reduce.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { expectGolden, loadGolden } from '../../golden.ts'
import { checkOp, randomValues, testDevices } from '../harness.ts'

/** |w| has a kink at 0. */
const AWAY_FROM_ZERO = randomValues(35, 1).map(v => v + 0.05 * Math.sign(v))

for (const per of ['output', 'input'] as const) {
  test(`lipschitzScale per ${per}: some groups bound, all bound, none bound`, async () => {
    for (const c of [1, -3, 6]) {
      await checkOp({
        name: `lipschitzScale per ${per}, c ${c}`,
        inputs: [
          { shape: [5, 7], values: AWAY_FROM_ZERO },
          { shape: [], values: [c] },
        ],
        build: ([w, bound]) => lipschitzScale(w, bound, per),
        step: 1e-4,
      })
    }
  })
}

test('several layers at once, more than a kernel binds, one of them without a gradient', () =>
  checkOp({
    name: 'lipschitzScales',
    inputs: [
      { shape: [5, 7], values: AWAY_FROM_ZERO },
      { shape: [7, 5], values: AWAY_FROM_ZERO },
      { shape: [35, 1], values: AWAY_FROM_ZERO },
      { shape: [1, 35], values: AWAY_FROM_ZERO },
      { shape: [5, 7], values: AWAY_FROM_ZERO },
      { shape: [5], values: [-3, 1, 6, 0.5, 2] },
    ],
    build: inputs => lipschitzScales(inputs.slice(0, 5), inputs[5], 'output').filter((_, l) => l !== 2),
    step: 1e-4,
  }))

test('the log of the product of bounds', () =>
  checkOp({ name: 'logBounds', inputs: [{ shape: [24], range: [-2, 30] }], build: ([c]) => logBounds(c) }))

test('the norm of every group ends at or below softplus(c), and zero weights stay zero', async () => {
  const [{ device }] = await testDevices()
  const w = tensor(device, [3, 0, -1, 0, 0.25, 0], [3, 2])
  const [scaled] = await evaluate(device, [lipschitzScale(w, tensor(device, [0], []), 'output')])
  expect(Math.abs(scaled[0]) + Math.abs(scaled[2]) + Math.abs(scaled[4])).toBeCloseTo(Math.LN2, 6)
  expect([scaled[1], scaled[3], scaled[5]]).toEqual([0, 0, 0])
})

test('product and its gradient, with no zero, one zero and two', async () => {
  await checkOp({ name: 'product', inputs: [{ shape: [9], range: [0.5, 1.5] }], build: ([x]) => product(x) })
  await checkOp({ name: 'product with a zero', inputs: [{ shape: [3], values: [2, 0, 5] }], build: ([x]) => product(x) })
  const [{ device }] = await testDevices()
  const x = tensor(device, [2, 0, 5, 0], [4])
  const [y, dx] = await evaluate(device, [product(x), ...grad(product(x), [x])])
  expect([...y, ...dx]).toEqual([0, 0, 0, 0, 0])
})

test('shapes that do not fit are named', async () => {
  const [{ device }] = await testDevices()
  const w = tensor(device, new Float32Array(6), [3, 2])
  expect(() => lipschitzScale(w, tensor(device, [1, 2], [2]), 'output')).toThrow('lipschitzScale: 1 matrices and c [2]')
})

describe('golden lip_dense', () => {
  const golden = loadGolden('lip_dense')
  const groups: [LipschitzGroup, string][] = [
    ['input', ''],
    ['output', 'eq9/'],
  ]
  for (const name of Object.keys(golden.cases)) {
    for (const [per, prefix] of groups) {
      const at = (path: string) => `${name}/${path}`
      const effective = at(`out/${prefix}effective_kernel`)
      const [dw, db, dc] = ['kernel', 'bias', 'lip_c'].map(p => at(`grad/${prefix || 'param/'}${p}`))

      test(`${name} per ${per}: the whole layer`, async () => {
        for (const { device } of (await testDevices()).filter(d => d.device.kind === 'cpu')) {
          const leaf = (path: string) => tensor(device, golden.get(at(path)), golden.shape(at(path)))
          const [x, w, b, c] = ['in/x', 'param/kernel', 'param/bias', 'param/lip_c'].map(leaf)
          const scaled = lipschitzScale(w, c, per)
          const y = dense(x, scaled, b)
          const values = await evaluate(device, [scaled, y, ...grad(sum(mul(y, leaf('cot/y'))), [x, w, b, c])])
          const paths = [effective, at(`out/${prefix}y`), at(`grad/${prefix}x`), dw, db, dc]
          for (const [i, path] of paths.entries()) expectGolden(golden, path, values[i])
        }
      })

      // The dense layer's kernels have tests of their own and take a software GPU seconds to compile: here the host plays their part.
      test(`${name} per ${per}: the scale alone`, async () => {
        const cotangent = transposedProduct(golden.get(at('in/x')), golden.get(at('cot/y')), golden.shape(at('in/x'))[0])
        for (const { device, compileOnly } of await testDevices()) {
          if (compileOnly) continue
          const leaf = (path: string) => tensor(device, golden.get(at(path)), golden.shape(at(path)))
          const [w, c] = ['param/kernel', 'param/lip_c'].map(leaf)
          const scaled = lipschitzScale(w, c, per)
          const values = await evaluate(device, [scaled, ...grad(scaled, [w, c], tensor(device, cotangent, w.shape))])
          for (const [i, path] of [effective, dw, dc].entries()) expectGolden(golden, path, values[i])
        }
      })
    }
  }
})

/** aᵀ b of two matrices with `rows` rows. */
function transposedProduct(a: Float32Array, b: Float32Array, rows: number): Float32Array {
  const [m, n] = [a.length / rows, b.length / rows]
  return Float32Array.from({ length: m * n }, (_, i) => {
    let s = 0
    for (let r = 0; r < rows; r++) s += a[r * m + Math.floor(i / n)] * b[r * n + (i % n)]
    return s
  })
}

describe('golden lip_loss', () => {
  const golden = loadGolden('lip_loss')
  for (const name of Object.keys(golden.cases)) {
    test(name, async () => {
      for (const { device, compileOnly } of await testDevices()) {
        if (compileOnly) continue
        const c = tensor(device, golden.get(`${name}/in/c`), [24])
        const bounds = softplus(c)
        const total = product(bounds)
        const cotangent = tensor(device, golden.get(`${name}/cot/product`), [])
        const [dc] = grad(mul(total, cotangent), [c])
        const [value, slope, logarithm, loss] = await evaluate(device, [total, dc, logBounds(c), affine(total, 1e-6)])
        expectGolden(golden, `${name}/out/product`, value)
        expectGolden(golden, `${name}/grad/c`, slope)
        expectGolden(golden, `${name}/out/log_product`, logarithm)
        expectGolden(golden, `${name}/out/loss_weight_1e-6`, loss)
      }
    })
  }
})
