import { describe, expect, test } from 'vitest'
import { dense } from '../../../src/tensor/ops/dense.ts'
import { fill } from '../../../src/tensor/ops/fill.ts'
import { fusedMlp, type MlpShape, type MlpTiling } from '../../../src/tensor/ops/fusedMlp.ts'
import { mlpMatrices } from '../../../src/tensor/ops/fusedMlpLayout.ts'
import type { Tensor } from '../../../src/tensor/tensor.ts'
import { checkOp, compareDevices, testDevices } from '../harness.ts'
import { evaluateCase, type InputSpec } from '../opCase.ts'

/** Fits the 16 KiB of workgroup memory of every device, at any width up to 64. */
const SMALL: MlpTiling = { rows: 16, blockRows: 4, blockColumns: 4, groups: 3, layersPerDispatch: 2 }
const BIG_BLOCKS: MlpTiling = { rows: 32, blockRows: 8, blockColumns: 8, groups: 2, layersPerDispatch: 1 }

const relu = 'relu'
const screw = [
  { nOut: 3, activation: 'none' },
  { nOut: 3, activation: 'none' },
] as const
/** The shapes of T, F and H, with few numbers. */
const T: MlpShape = {
  nIn: 8,
  layers: [
    { nOut: 12, activation: relu, heads: [] },
    { nOut: 12, activation: relu, heads: [] },
    { nOut: 12, activation: relu, heads: screw },
  ],
}
const F: MlpShape = {
  nIn: 21,
  layers: [
    { nOut: 16, activation: relu, heads: [{ nOut: 1, activation: 'softplus' }] },
    { nOut: 16, activation: 'none', heads: [] },
    { nOut: 10, activation: relu, heads: [{ nOut: 3, activation: 'sigmoid' }] },
  ],
}
const H: MlpShape = { nIn: 5, layers: [{ nOut: 6, activation: relu, heads: [{ nOut: 4, activation: 'none' }] }] }

function inputsOf(rows: number, shape: MlpShape): InputSpec[] {
  return [
    { shape: [rows, shape.nIn] },
    ...mlpMatrices(shape).flatMap(m => [{ shape: [m.nIn, m.nOut], range: [-0.5, 0.5] as const }, { shape: [m.nOut] }]),
  ]
}

/** The same by dense layers. */
function denseLayers(x: Tensor, parameters: readonly Tensor[], shape: MlpShape): Tensor[] {
  let h = x
  const outputs: Tensor[] = []
  for (const [i, { head, activation }] of mlpMatrices(shape).entries()) {
    const y = dense(h, parameters[2 * i], parameters[2 * i + 1], activation)
    if (head) outputs.push(y)
    else h = y
  }
  return outputs
}

describe('fusedMlp', () => {
  for (const [name, shape] of Object.entries({ T, F, H })) {
    for (const [tiling, cut] of Object.entries({ SMALL, BIG_BLOCKS })) {
      test(`the shape of ${name}, tiling ${tiling}`, () =>
        checkOp({
          name: `fusedMlp ${name}`,
          inputs: inputsOf(70, shape),
          step: 1e-5,
          tolerance: 5e-5,
          build: ([x, ...parameters]) => fusedMlp(x, parameters, shape, cut),
        }))
    }
  }

  test('one of two outputs, gradient of the input alone or of the weights alone', async () => {
    for (const gradient of [[0], [1, 2, 3, 4, 7, 8]])
      await compareDevices({
        name: `gradient of ${gradient}`,
        run: device =>
          evaluateCase(device, { name: 'fusedMlp', inputs: inputsOf(37, F), gradient, build: ([x, ...p]) => fusedMlp(x, p, F, SMALL)[1] }),
        tolerance: 5e-5,
      })
  })

  test('is what dense layers compute', async () => {
    const shape: MlpShape = { nIn: 44, layers: [{ nOut: 32, activation: relu, heads: [] }, ...F.layers] }
    const [plain] = await testDevices()
    await compareDevices({
      name: 'fusedMlp beside dense',
      tolerance: 1e-4,
      run: device =>
        evaluateCase(device, {
          name: 'mlp',
          inputs: inputsOf(133, shape),
          build: ([x, ...p]) => (device === plain.device ? denseLayers(x, p, shape) : fusedMlp(x, p, shape, SMALL)),
        }),
    })
  })

  test('names sizes that do not fit', () => {
    const parameters = inputsOf(2, H)
      .slice(1)
      .map(({ shape }) => fill(shape, 0))
    expect(() => fusedMlp(fill([2, 4], 0), parameters, H, SMALL)).toThrow('fusedMlp: rows [2, 4], but 5 inputs')
    expect(() => fusedMlp(fill([2, 5], 0), parameters.slice(1), H, SMALL)).toThrow(
      'fusedMlp: 3 parameters; need a kernel and a bias for each of 2 layers and heads',
    )
    const wide: MlpShape = { nIn: 5, layers: [{ nOut: 256, activation: relu, heads: [{ nOut: 1, activation: 'none' }] }] }
    expect(() => fusedMlp(fill([2, 5], 0), [], wide, SMALL)).toThrow('fusedMlp: layers of 256 do not fuse; use dense')
  })
})
