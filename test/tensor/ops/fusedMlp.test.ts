import { describe, expect, test } from 'vitest'
import { gpuBackend } from '../../../src/tensor/gpuBackend.ts'
import { dense } from '../../../src/tensor/ops/dense.ts'
import { fill } from '../../../src/tensor/ops/fill.ts'
import { fusedMlp, type MlpShape, type MlpTiling } from '../../../src/tensor/ops/fusedMlp.ts'
import { mlpMatrices } from '../../../src/tensor/ops/fusedMlpLayout.ts'
import type { Tensor } from '../../../src/tensor/tensor.ts'
import { openComputingGpu } from '../../gpu/softwareGpu.ts'
import { compare, show } from '../comparison.ts'
import { checkOp, compareDevices, testDevices } from '../harness.ts'
import { evaluateCase, type InputSpec } from '../opCase.ts'
import { spelledOut } from './spelledOutMatrices.ts'

/** Fits the 16 KiB of workgroup memory of every device, at any width up to 64. */
const SMALL: MlpTiling = { units: 'blocks', rows: 16, blockRows: 4, blockColumns: 4, groups: 3, layersPerDispatch: 2 }
const BIG_BLOCKS: MlpTiling = { units: 'blocks', rows: 32, blockRows: 8, blockColumns: 8, groups: 2, layersPerDispatch: 1 }

/** Of numbers with 11 bits, over three layers; where a ReLU is all but zero, its slope may differ. */
const HALF_TOLERANCE = 2e-2
const devices = await testDevices()
const computing = devices.some(({ device, compileOnly }) => device.kind === 'gpu' && !compileOnly)

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

  const withSecond = (shape: MlpShape, nIn: number, times: number): MlpShape => ({ ...shape, second: { nIn, times } })
  const inputsWithSecond = (rows: number, shape: MlpShape, { nIn, times }: { nIn: number; times: number }): InputSpec[] => [
    ...inputsOf(rows, { ...shape, nIn: shape.nIn - nIn }).slice(0, 1),
    ...inputsOf(rows, shape).slice(1),
    { shape: [rows / times, nIn] },
  ]
  const buildWithSecond =
    (shape: MlpShape, cut: MlpTiling) =>
    (inputs: Tensor[]): Tensor[] =>
      fusedMlp(inputs[0], inputs.slice(1, -1), shape, cut, inputs[inputs.length - 1])

  for (const [what, shape, nIn, times] of [
    ['by vectors', T, 4, 7],
    ['by numbers', F, 6, 1],
    ['of one number', H, 1, 35],
  ] as const) {
    test(`a second input, ${what}, one row of it for ${times}`, () =>
      checkOp({
        name: 'fusedMlp with a second input',
        inputs: inputsWithSecond(70, shape, { nIn, times }),
        step: 1e-5,
        tolerance: 5e-5,
        build: buildWithSecond(withSecond(shape, nIn, times), SMALL),
      }))
  }

  test('a second input: gradient of one input alone', async () => {
    const shape = withSecond(T, 4, 5)
    const inputs = inputsWithSecond(35, shape, { nIn: 4, times: 5 })
    for (const gradient of [[0], [inputs.length - 1], [1, 2, inputs.length - 1]])
      await compareDevices({
        name: `gradient of ${gradient}`,
        run: device => evaluateCase(device, { name: 'fusedMlp', inputs, gradient, build: buildWithSecond(shape, BIG_BLOCKS) }),
        tolerance: 5e-5,
      })
  })

  test('activations kept in several buffers', () =>
    compareDevices({
      name: 'three tiles to a buffer, then two',
      run: device =>
        evaluateCase(device, {
          name: 'fusedMlp',
          inputs: inputsOf(75, H),
          build: ([x, ...p]) => fusedMlp(x, p, H, { ...SMALL, keptBytes: 3 * 16 * 16 * 4 }),
        }),
      tolerance: 5e-5,
    }))

  test('is what dense layers compute', async () => {
    const shape: MlpShape = { nIn: 44, layers: [{ nOut: 32, activation: relu, heads: [] }, ...F.layers] }
    const [plain] = devices
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

  // No software adapter has matrix units; there every invocation multiplies the matrices itself. What is kept and the weights are f16 there too.
  for (const [name, shape] of Object.entries({ T, F, H })) {
    test.skipIf(!computing)(`the shape of ${name} on matrix units, spelled out${computing ? '' : ': no adapter that computes'}`, async () => {
      const gpu = await openComputingGpu()
      if (typeof gpu === 'string') return
      using device = gpuBackend(spelledOut(gpu, 8))
      const [reference] = devices
      const second = withSecond(shape, 4, 7)
      const variants: readonly (readonly [layersPerDispatch: number, gradient?: readonly number[]])[] = [[1], [3], [2, [0]]]
      for (const [i, [layersPerDispatch, gradient]] of variants.entries()) {
        // 2 tiles of 32 x 16 halves and more to a buffer
        const tiling: MlpTiling = { units: 'matrices', rows: 32, subgroups: 2, lanes: 8, groups: 2, layersPerDispatch, keptBytes: 8192 }
        const one = { name, inputs: inputsOf(70, shape), gradient, build: ([x, ...p]: Tensor[]) => fusedMlp(x, p, shape, tiling) }
        const both = { name, inputs: inputsWithSecond(70, second, { nIn: 4, times: 7 }), gradient, build: buildWithSecond(second, tiling) }
        // The driver takes seconds to compile the kernels of T and F: there every other variant has the second input, and H has them all.
        const cases = shape === H ? [one, both] : [(shape === T) === (i === 1) ? both : one]
        for (const op of cases) {
          expect(compare(await evaluateCase(device, op), await evaluateCase(reference.device, op), HALF_TOLERANCE).map(show)).toEqual([])
        }
      }
    })
  }

  const compiling = devices.find(d => d.compileOnly && d.device.adapter?.features.has('chromium-experimental-subgroup-matrix'))
  test.skipIf(!compiling)(`kernels on matrix units compile${compiling ? '' : ': no device knows them'}`, async () => {
    if (!compiling) return
    // the null backend's subgroups
    const tiling: MlpTiling = { units: 'matrices', rows: 32, subgroups: 2, lanes: 128, groups: 2, layersPerDispatch: 2 }
    for (const shape of [T, F, H])
      await evaluateCase(compiling.device, { name: 'fusedMlp', inputs: inputsOf(70, shape), build: ([x, ...p]) => fusedMlp(x, p, shape, tiling) })
    await compiling.device.sync()
  })

  test('names sizes that do not fit', () => {
    const parameters = inputsOf(2, H)
      .slice(1)
      .map(({ shape }) => fill(shape, 0))
    expect(() => fusedMlp(fill([2, 4], 0), parameters, H, SMALL)).toThrow('fusedMlp: rows [2, 4], but 5 inputs')
    expect(() => fusedMlp(fill([2, 4], 0), parameters, withSecond(H, 1, 2), SMALL, fill([2, 1], 0))).toThrow(
      'fusedMlp: second rows [2, 1], each for 2 of [2, 4], but 1 inputs from them',
    )
    expect(() => fusedMlp(fill([2, 5], 0), parameters, withSecond(H, 1, 2), SMALL)).toThrow('fusedMlp: no second input, but the shape has one')
    expect(() => fusedMlp(fill([2, 5], 0), parameters.slice(1), H, SMALL)).toThrow(
      'fusedMlp: 3 parameters; need a kernel and a bias for each of 2 layers and heads',
    )
    const wide: MlpShape = { nIn: 5, layers: [{ nOut: 256, activation: relu, heads: [{ nOut: 1, activation: 'none' }] }] }
    expect(() => fusedMlp(fill([2, 5], 0), [], wide, SMALL)).toThrow('fusedMlp: layers of 256 do not fuse; use dense')
  })
})
