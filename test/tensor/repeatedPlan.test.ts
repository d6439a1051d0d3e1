import { expect, test } from 'vitest'
import { Storage, tensor } from '../../src/tensor/device.ts'
import { dense } from '../../src/tensor/ops/dense.ts'
import { add, affine, mul } from '../../src/tensor/ops/elementwise.ts'
import { compile } from '../../src/tensor/plan.ts'
import { compileRepeated } from '../../src/tensor/repeatedPlan.ts'
import { testDevices } from './harness.ts'

test('what does not change is computed ahead, and again when asked', async () => {
  for (const { device, compileOnly } of await testDevices()) {
    const [x, w] = [new Storage(device, 4), new Storage(device, 4)]
    w.write(Float32Array.of(1, 2, 3, 4))
    const [a, b] = [x.tensor([2, 2]), w.tensor([2, 2])]
    const shared = mul(b, b) // feeds the runs
    const alone = affine(b, 3) // is asked for as it is
    const y = add(dense(a, shared), alone)
    const { used } = device.memory
    const repeated = compileRepeated(device, { outputs: [y, alone] }, [x])
    const { prepare, plan } = repeated
    expect(plan.nodes).toEqual(['dense', 'binary'])
    prepare()
    const values = async (input: number[]): Promise<number[]> => {
      x.write(Float32Array.from(input))
      plan.run()
      return [...(await plan.read(y))]
    }
    const [first, second] = [await values([1, 0, 0, 1]), await values([2, 0, 0, 0])]
    w.write(new Float32Array(4).fill(1))
    prepare()
    const third = await values([1, 1, 0, 0])
    const read = [...(await plan.read(alone))]
    repeated[Symbol.dispose]()
    expect(device.memory.used).toBe(used)
    if (compileOnly) continue
    expect([first, second, third]).toEqual([
      [4, 10, 18, 28],
      [5, 14, 9, 12],
      [5, 5, 3, 3],
    ])
    expect(read).toEqual([3, 3, 3, 3])
  }
})

test('a plan may have nothing to share, or nothing that changes', async () => {
  for (const { device, compileOnly } of await testDevices()) {
    const x = new Storage(device, 2)
    x.write(Float32Array.of(1, 2))
    const y = affine(x.tensor([2]), 2)
    for (const changing of [[x], []]) {
      using repeated = compileRepeated(device, { outputs: [y] }, changing)
      repeated.prepare()
      repeated.plan.run()
      const found = [...(await repeated.plan.read(y))]
      if (!compileOnly) expect(found).toEqual([2, 4])
    }
  }
})

test('given values must be leaves', async () => {
  const [{ device }] = await testDevices()
  const y = affine(tensor(device, [1], [1]), 2)
  expect(() => compile(device, { outputs: [y], given: [{ value: y, leaf: y }] })).toThrow('compile: `given` names a tensor that is not a leaf')
})
