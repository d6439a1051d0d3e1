import { afterAll, describe, expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { inverseSoftplus, linear, linearSpecs } from '../../src/nn/linear.ts'
import { boundedWeights } from '../../src/nn/lipschitz.ts'
import { type MlpConfig, mlp, mlpSpecs } from '../../src/nn/mlp.ts'
import { ParameterSet } from '../../src/nn/parameters.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { tensor } from '../../src/tensor/device.ts'
import { evaluate } from '../../src/tensor/plan.ts'
import { randomValues } from '../tensor/opCase.ts'

const device = cpuBackend(await openCpuDevice({ threads: 1 }))
afterAll(() => device[Symbol.dispose]())

const CONFIG: MlpConfig = { nIn: 3, depth: 3, width: 4, skip: 2, output: { size: 2 }, group: 'g' }

test('layers and their sizes; the input comes again before the skip', () => {
  const shapes = Object.fromEntries(Object.entries(mlpSpecs('N', CONFIG)).map(([name, { shape }]) => [name, shape]))
  expect(shapes).toEqual({
    'N/hidden_0/kernel': [3, 4],
    'N/hidden_0/bias': [4],
    'N/hidden_1/kernel': [4, 4],
    'N/hidden_1/bias': [4],
    'N/hidden_2/kernel': [7, 4],
    'N/hidden_2/bias': [4],
    'N/logit/kernel': [4, 2],
    'N/logit/bias': [2],
  })
})

test('no hidden layer is one linear layer, no output ends with the last hidden one', async () => {
  const x = tensor(device, randomValues(6, 0), [2, 3])
  const flat = { ...CONFIG, depth: 0 }
  expect(mlpSpecs('N', flat)['N/logit/kernel'].shape).toEqual([3, 2])
  const parameters = new ParameterSet(device, mlpSpecs('N', flat), 0)
  const [direct, through] = await evaluate(device, [linear(parameters, 'N/logit', x), mlp(parameters, 'N', x, flat)])
  expect(through).toEqual(direct)
  const { output: _, ...open } = CONFIG
  expect(mlp(new ParameterSet(device, mlpSpecs('N', open), 0), 'N', x, open).shape).toEqual([2, 4])
})

test('equals the formula written out', async () => {
  const parameters = new ParameterSet(device, mlpSpecs('N', CONFIG), 7)
  const values = await parameters.read()
  const layer = (name: string, x: number[]): number[] => {
    const { shape, data } = values.get(`N/${name}/kernel`) ?? { shape: [0, 0], data: new Float32Array() }
    return Array.from({ length: shape[1] }, (_, o) => x.reduce((sum, v, i) => sum + v * data[i * shape[1] + o], 0))
  }
  const relu = (x: number[]): number[] => x.map(v => Math.max(v, 0))
  const x = [0.3, -0.7, 0.9]
  const h = relu(layer('hidden_1', relu(layer('hidden_0', x))))
  const expected = layer('logit', relu(layer('hidden_2', [...h, ...x])))
  const [y] = await evaluate(device, [mlp(parameters, 'N', tensor(device, x, [1, 3]), CONFIG)])
  for (const [i, value] of expected.entries()) expect(y[i]).toBeCloseTo(value, 6)
})

describe('Lipschitz layers', () => {
  test('softplus of the inverse is the number itself', () => {
    for (const y of [1e-3, 0.5, 3, 19, 21, 100]) expect(Math.log1p(Math.exp(inverseSoftplus(y)))).toBeCloseTo(y, 6)
  })

  for (const lipschitz of ['output', 'input'] as const) {
    test(`per ${lipschitz}: training starts with hardly any weight scaled down`, async () => {
      const config = { nIn: 32, nOut: 48, lipschitz, group: 'g' } as const
      const set = new ParameterSet(device, linearSpecs('L', config), 11)
      const x = tensor(
        device,
        Float32Array.from({ length: 32 * 32 }, (_, i) => (i % 33 === 0 ? 1 : 0)),
        [32, 32],
      )
      const [scaled, plain] = await evaluate(device, [linear(boundedWeights(set, ['L'], lipschitz), 'L', x), linear(set, 'L', x)])
      const kept = plain.filter((v, i) => Math.abs(scaled[i]) > 0.95 * Math.abs(v)).length
      expect(kept / plain.length).toBeGreaterThan(0.9)
    })
  }
})
