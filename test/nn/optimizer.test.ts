import { afterAll, describe, expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { Adam, type AdamOptions } from '../../src/nn/optimizer.ts'
import { constant, type Initializer, ParameterSet, zeros } from '../../src/nn/parameters.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { type Device, tensor } from '../../src/tensor/device.ts'
import { add, mul, square, sub } from '../../src/tensor/ops/elementwise.ts'
import { sum } from '../../src/tensor/ops/reduce.ts'
import { compile } from '../../src/tensor/plan.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'

const devices = {
  reference: cpuBackend(await openCpuDevice({ threads: 1 }), false),
  SIMD: cpuBackend(await openCpuDevice({ threads: 2 })),
}
afterAll(() => {
  for (const device of Object.values(devices)) device[Symbol.dispose]()
})

const values =
  (...numbers: number[]): Initializer =>
  () =>
    Float32Array.from(numbers)

/** Runs `steps` of Adam at the given rates and returns all parameters after each. */
async function descend(
  device: Device,
  parameters: ParameterSet,
  loss: Tensor,
  rates: (step: number) => Record<string, number>,
  steps: number,
  options?: AdamOptions,
): Promise<Map<string, Float32Array>[]> {
  const adam = new Adam(device, parameters, options)
  using plan = compile(device, { outputs: [loss], ...adam.minimize(loss) })
  const history: Map<string, Float32Array>[] = []
  for (let step = 0; step < steps; step++) {
    adam.schedule(step, rates(step))
    plan.run()
    history.push(new Map([...(await parameters.read())].map(([name, { data }]) => [name, data])))
  }
  adam.release()
  return history
}

for (const [name, device] of Object.entries(devices)) {
  describe(name, () => {
    test('three steps as computed by hand: loss (x - 3)² from x = 1 at rates 0.5, 0.25, 0.125', async () => {
      const parameters = new ParameterSet(device, { x: { shape: [1], init: constant(1), group: 'g' } }, 0)
      const loss = sum(square(sub(parameters.get('x'), tensor(device, [3], [1]))))
      // Step 1: g = -4, m = -0.4, v = 0.016; corrected -4 and 16; x = 1 + 0.5 · 4/4 = 1.5
      // Step 2: g = -3, m = -0.66, v = 0.024984; corrected by 0.19 and 0.001999; x = 1.5 + 0.25 · 3.473684 / √12.498249
      // Step 3 follows from x = 1.745644: g = -2.508712, m = -0.8448712, v = 0.031252652; by 0.271 and 0.002997001
      const expected = [1.5, 1.745644, 1.866322]
      const history = await descend(device, parameters, loss, step => ({ g: 0.5 / 2 ** step }), 3)
      for (const [step, value] of expected.entries()) expect(history[step].get('x')?.[0]).toBeCloseTo(value, 5)
    })

    test('each group has its rate, and one without a rate stands still', async () => {
      const specs = {
        fast: { shape: [2], init: zeros, group: 'fast' },
        slow: { shape: [2], init: zeros, group: 'slow' },
        frozen: { shape: [2], init: zeros, group: 'frozen' },
      }
      const parameters = new ParameterSet(device, specs, 0)
      const loss = Object.keys(specs)
        .map(key => sum(parameters.get(key)))
        .reduce(add)
      const [first] = await descend(device, parameters, loss, () => ({ fast: 0.1, slow: 0.01 }), 1)
      expect(first.get('fast')?.[0]).toBeCloseTo(-0.1, 6)
      expect(first.get('slow')?.[1]).toBeCloseTo(-0.01, 7)
      expect([...(first.get('frozen') ?? [])]).toEqual([0, 0])
    })

    test('two parameters with one and the same gradient both get it in time', async () => {
      const specs = { a: { shape: [3], init: zeros, group: 'g' }, b: { shape: [3], init: zeros, group: 'g' } }
      const parameters = new ParameterSet(device, specs, 0)
      const direction = tensor(device, [1, -2, 3], [3])
      const loss = sum(mul(add(parameters.get('a'), parameters.get('b')), direction))
      const [first] = await descend(device, parameters, loss, () => ({ g: 0.1 }), 1)
      for (const key of ['a', 'b']) for (const [i, sign] of [-1, 1, -1].entries()) expect(first.get(key)?.[i]).toBeCloseTo(0.1 * sign, 6)
    })

    test('a parameter the loss does not see stays', async () => {
      const specs = { used: { shape: [1], init: zeros, group: 'g' }, unused: { shape: [1], init: constant(2), group: 'g' } }
      const parameters = new ParameterSet(device, specs, 0)
      const history = await descend(device, parameters, sum(parameters.get('used')), () => ({ g: 0.1 }), 2)
      expect(history[1].get('unused')?.[0]).toBe(2)
    })

    test('the gradient is cut down to its largest norm', async () => {
      const parameters = new ParameterSet(device, { x: { shape: [2], init: values(3, 4), group: 'g' } }, 0)
      const adam = new Adam(device, parameters, { maxNorm: 1 })
      const loss = sum(square(parameters.get('x')))
      using plan = compile(device, { outputs: [loss], ...adam.minimize(loss) })
      adam.schedule(0, { g: 0 })
      plan.run()
      const gradient = await adam.gradients.read(0, 2)
      expect(gradient[0]).toBeCloseTo(0.6, 6)
      expect(gradient[1]).toBeCloseTo(0.8, 6)
    })
  })
}
