import { describe, expect, test } from 'vitest'
import { readLeaf, Storage, tensor, writeLeaf } from '../../src/tensor/device.ts'
import { grad } from '../../src/tensor/grad.ts'
import { assign } from '../../src/tensor/ops/assign.ts'
import { dense } from '../../src/tensor/ops/dense.ts'
import { add, affine, exp, mul, square } from '../../src/tensor/ops/elementwise.ts'
import { mean, sum } from '../../src/tensor/ops/reduce.ts'
import { compile } from '../../src/tensor/plan.ts'
import { reshape } from '../../src/tensor/tensor.ts'
import { compareDevices, randomValues, testDevices } from './harness.ts'
import { plainDevice } from './plainDevice.ts'

describe('a plan', () => {
  test('reads its leaves anew on every run', async () => {
    for (const { device, compileOnly } of await testDevices()) {
      const x = tensor(device, [1, 2, 3], [3])
      const y = square(x)
      using plan = compile(device, { outputs: [y] })
      plan.run()
      if (!compileOnly) expect([...(await plan.read(y))]).toEqual([1, 4, 9])
      writeLeaf(device, x, Float32Array.of(4, 5, 6))
      plan.run()
      if (!compileOnly) expect([...(await plan.read(reshape(y, [3, 1])))]).toEqual([16, 25, 36])
    }
  })

  test('tells where the time goes, and has run', async () => {
    for (const { name, device, compileOnly } of await testDevices()) {
      const x = tensor(device, randomValues(64 * 64, 1), [64, 64])
      const y = add(dense(x, x), x)
      using plan = compile(device, { outputs: [y] })
      const times = await plan.profile()
      if (compileOnly) continue
      if (device.kind === 'gpu' && !device.adapter?.features.has('timestamp-query')) expect(times.size).toBe(0)
      else expect(times.size, name).toBeGreaterThan(0)
      for (const { ms, calls } of times.values()) {
        expect(ms).toBeGreaterThanOrEqual(0)
        expect(calls).toBeGreaterThan(0)
      }
      const profiled = await plan.read(y)
      plan.run()
      expect(await plan.read(y)).toEqual(profiled)
    }
  })

  test('leaves out what nobody asked for', () => {
    const device = plainDevice('single')
    const x = tensor(device, [1, 2], [2])
    const y = affine(x, 2)
    exp(y)
    using plan = compile(device, { outputs: [y] })
    expect(plan.nodes).toEqual(['unary'])
  })

  test('runs effects in recording order', async () => {
    const device = plainDevice('single')
    const x = tensor(device, [1], [1])
    const first = assign(x, affine(x, 2))
    const second = assign(x, affine(x, 1, 10))
    using plan = compile(device, { effects: [second, first], outputs: [] })
    plan.run()
    expect([...(await readLeaf(device, x))]).toEqual([12])
  })

  test('gives gradients of one flat storage their places in another', () =>
    compareDevices({
      name: 'flat gradient',
      run: async device => {
        const parameters = new Storage(device, 128 + 6)
        parameters.write(randomValues(134, 1))
        const gradients = new Storage(device, 128 + 6)
        const [w, v, b] = [parameters.tensor([7, 9]), parameters.tensor([9, 6], 64), parameters.tensor([6], 128)]
        const x = tensor(device, randomValues(77, 2), [11, 7])
        const hidden = dense(x, w, undefined, 'softplus')
        const loss = mean(square(dense(hidden, v, b)))
        const grads = grad(loss, [w, v, b])
        const into = grads.map((value, i) => ({ value, leaf: gradients.tensor([w, v, b][i].shape, 64 * i) }))
        using plan = compile(device, { outputs: [loss], into })
        plan.run()
        return [
          { name: 'gradients', values: await gradients.read() },
          { name: 'loss', values: await plan.read(loss) },
        ]
      },
    }))

  test('places a value and what is computed from it in one storage', () =>
    compareDevices({
      name: 'placed chain',
      run: async device => {
        const storage = new Storage(device, 128)
        const x = tensor(device, [1, 2, 3], [3])
        const y = affine(x, 2)
        const z = mul(y, x)
        const into = [y, z].map((value, i) => ({ value, leaf: storage.tensor([3], 64 * i) }))
        using plan = compile(device, { into })
        plan.run()
        return [{ name: 'storage', values: await storage.read() }]
      },
    }))

  test('gives its memory back', () => {
    const device = plainDevice('single')
    const x = tensor(device, new Float32Array(1000), [1000])
    const before = device.memory.used
    {
      using plan = compile(device, { outputs: [sum(add(exp(x), x))] })
      expect(plan.bytes).toBe(device.memory.used - before)
      expect(plan.bytes).toBe(8000)
    }
    expect(device.memory.used).toBe(before)
  })

  test('names a tensor that is not among its outputs', async () => {
    const device = plainDevice('single')
    const y = exp(tensor(device, [1], [1]))
    const z = square(y)
    using plan = compile(device, { outputs: [z] })
    await expect(plan.read(y)).rejects.toThrow('plan.read: output of unary was not listed in outputs')
    expect(() => compile(device, { into: [{ value: z, leaf: y }] })).toThrow('compile: `into` names a tensor that is not a leaf')
  })
})
