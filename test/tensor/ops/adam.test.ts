import { expect, test } from 'vitest'
import { type Device, readLeaf, tensor, writeLeaf } from '../../../src/tensor/device.ts'
import { adam, clipGradientNorm } from '../../../src/tensor/ops/adam.ts'
import { affine } from '../../../src/tensor/ops/elementwise.ts'
import { compile } from '../../../src/tensor/plan.ts'
import { compareDevices, randomValues, testDevices } from '../harness.ts'

const RATE = 0.01
const BETAS = [0.9, 0.999]
const EPS = 1e-8

const scalarsAt = (t: number, scale = 1) => Float32Array.of(RATE, BETAS[0], BETAS[1], EPS, 1 - BETAS[0] ** t, 1 - BETAS[1] ** t, scale)

async function threeSteps(device: Device, count: number, scale: number) {
  const leaf = (seed: number) => tensor(device, randomValues(count, seed), [count])
  const [param, grad] = [leaf(1), leaf(2)]
  const [m, v] = [tensor(device, new Float32Array(count), [count]), tensor(device, new Float32Array(count), [count])]
  const scalars = tensor(device, scalarsAt(1), [7])
  using plan = compile(device, { effects: [adam(param, grad, m, v, scalars)] })
  for (let t = 1; t <= 3; t++) {
    writeLeaf(device, scalars, scalarsAt(t, scale))
    writeLeaf(device, grad, randomValues(count, 10 + t))
    plan.run()
  }
  const named = async (name: string, x: typeof param) => ({ name, values: await readLeaf(device, x) })
  return [await named('param', param), await named('m', m), await named('v', v)]
}

test('three steps are the same on every device', async () => {
  await compareDevices({ name: 'adam', run: device => threeSteps(device, 1003, 1) })
  await compareDevices({ name: 'adam, scaled', run: device => threeSteps(device, 64, 1 / 128) })
})

test('three steps by hand', async () => {
  const [{ device }] = await testDevices()
  const [param, m, v] = await threeSteps(device, 5, 0.5)
  const start = randomValues(5, 1)
  for (let i = 0; i < 5; i++) {
    let [p, mean, spread] = [start[i], 0, 0]
    for (let t = 1; t <= 3; t++) {
      const g = 0.5 * randomValues(5, 10 + t)[i]
      mean = BETAS[0] * mean + (1 - BETAS[0]) * g
      spread = BETAS[1] * spread + (1 - BETAS[1]) * g * g
      p -= (RATE * (mean / (1 - BETAS[0] ** t))) / (Math.sqrt(spread / (1 - BETAS[1] ** t)) + EPS)
    }
    expect(param.values[i]).toBeCloseTo(p, 6)
    expect(m.values[i]).toBeCloseTo(mean, 6)
    expect(v.values[i]).toBeCloseTo(spread, 6)
  }
})

test('groups move at rates of their own, as if each were alone', async () => {
  const n = 130
  const start = randomValues(n, 1)
  const gradient = randomValues(n, 2)
  const scalars = (rate: number) => [rate, ...scalarsAt(1).slice(1)]
  const move = (begins: readonly number[], rates: readonly number[]) => async (device: Device) => {
    const [param, grad] = [start, gradient].map(values => tensor(device, values.slice(), [n]))
    const [m, v] = [0, 0].map(() => tensor(device, new Float32Array(n), [n]))
    const table = tensor(device, Float32Array.from(rates.flatMap(scalars)), [rates.length * 7])
    using plan = compile(device, { effects: [adam(param, grad, m, v, table, begins)] })
    plan.run()
    return [{ name: 'param', values: await readLeaf(device, param) }]
  }
  await compareDevices({ name: 'adam, groups', run: move([0, 64, 128], [0.01, 0, 0.1]) })
  const [{ device }] = await testDevices()
  const [grouped] = await move([0, 64, 128], [0.01, 0, 0.1])(device)
  const [slow] = await move([0], [0.01])(device)
  const [quick] = await move([0], [0.1])(device)
  expect(grouped.values).toEqual(Float32Array.of(...slow.values.slice(0, 64), ...start.slice(64, 128), ...quick.values.slice(128)))
})

test('clipGradientNorm shortens a long gradient and leaves a short one alone', async () => {
  const run = (maxNorm: number) => async (device: Device) => {
    const grad = tensor(device, randomValues(1003, 4), [1003])
    using plan = compile(device, { effects: [clipGradientNorm(grad, maxNorm)] })
    plan.run()
    return [{ name: 'gradient', values: await readLeaf(device, grad) }]
  }
  await compareDevices({ name: 'clip', run: run(0.25) })
  const [{ device }] = await testDevices()
  const [clipped] = await run(0.25)(device)
  expect(Math.hypot(...clipped.values)).toBeCloseTo(0.25, 6)
  const [untouched] = await run(1000)(device)
  expect([...untouched.values]).toEqual([...randomValues(1003, 4)])
})

test('lengths that differ and tensors that are not leaves are named', async () => {
  const [{ device }] = await testDevices()
  const [a, b, scalars] = [4, 5, 7].map(n => tensor(device, new Float32Array(n), [n]))
  expect(() => adam(a, b, a, a, scalars)).toThrow('adam: [5] beside parameters [4]')
  expect(() => adam(a, a, a, a, a)).toThrow('adam: scalars [4]; need [7], for each group learning rate, beta1')
  expect(() => adam(a, a, a, a, scalars, [0, 4])).toThrow('adam: groups begin at 0, 4 of 4 parameters')
  expect(() => adam(affine(a, 2), a, a, a, scalars)).toThrow('computed by unary; it must be a leaf')
  expect(() => clipGradientNorm(a, 0)).toThrow('largest norm 0')
})
