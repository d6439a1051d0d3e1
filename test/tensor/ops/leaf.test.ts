/** fill and assign: values that come from nowhere, and values that go into a leaf. */
import { expect, test } from 'vitest'
import { readLeaf, Storage, tensor } from '../../../src/tensor/device.ts'
import { assign } from '../../../src/tensor/ops/assign.ts'
import { add, affine } from '../../../src/tensor/ops/elementwise.ts'
import { constantLike, fill } from '../../../src/tensor/ops/fill.ts'
import { compile } from '../../../src/tensor/plan.ts'
import { checkOp, compareDevices } from '../harness.ts'

test('fill', () => checkOp({ name: 'fill', inputs: [{ shape: [7, 9] }], build: ([x]) => [fill([5, 3], -1.5), add(x, constantLike(x, 0.1))] }))

test('assign writes into the leaf on every run', () =>
  compareDevices({
    name: 'assign',
    run: async device => {
      const leaf = tensor(device, [1, 2, 3], [3])
      using plan = compile(device, { effects: [assign(leaf, affine(leaf, 2, 1))] })
      plan.run()
      plan.run()
      return [{ name: 'leaf', values: await readLeaf(device, leaf) }]
    },
  }))

test('assign between two places of one storage', () =>
  compareDevices({
    name: 'assign',
    run: async device => {
      const storage = new Storage(device, 128)
      storage.write(Float32Array.of(3, 1, 4))
      using plan = compile(device, { effects: [assign(storage.tensor([3], 64), storage.tensor([3]))] })
      plan.run()
      return [{ name: 'storage', values: await storage.read() }]
    },
  }))

test('element counts that differ are named', () => {
  expect(() => assign(fill([2, 3], 0), fill([7], 0))).toThrow('assign: [7] into [2, 3]')
})

test('a storage takes over the numbers of another, between runs', () =>
  compareDevices({
    name: 'copy',
    run: async device => {
      const [from, to] = [new Storage(device, 70), new Storage(device, 70)]
      from.write(Float32Array.from({ length: 70 }, (_, i) => i / 3))
      using plan = compile(device, { effects: [assign(from.tensor([70]), affine(from.tensor([70]), 2, 1))] })
      plan.run()
      to.copyFrom(from)
      plan.run()
      expect(() => to.copyFrom(new Storage(device, 71))).toThrow('storage: copy of 71 elements into 70')
      return [
        { name: 'copy', values: await to.read() },
        { name: 'original', values: await from.read() },
      ]
    },
  }))
