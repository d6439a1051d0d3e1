import { afterAll, expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { blend, type CodeField, constantCode, rayCodes } from '../../src/nerf/codeField.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { Storage, tensor } from '../../src/tensor/device.ts'
import { compile, evaluate } from '../../src/tensor/plan.ts'

const device = cpuBackend(await openCpuDevice({ threads: 1 }))
afterAll(() => device[Symbol.dispose]())

const x = tensor(device, new Float32Array(12), [4, 3])
const at = async (field: CodeField): Promise<number[]> => [...(await evaluate(device, [field(x)]))[0]]

test('a constant code is the same everywhere and may be rewritten between runs', async () => {
  const code = new Storage(device, 2)
  code.write(Float32Array.of(1, 2))
  const y = constantCode(code.tensor([2]))(x)
  expect(y.shape).toEqual([4, 2])
  using plan = compile(device, { outputs: [y] })
  plan.run()
  expect([...(await plan.read(y))]).toEqual([1, 2, 1, 2, 1, 2, 1, 2])
  code.write(Float32Array.of(3, 4))
  plan.run()
  expect([...(await plan.read(y))]).toEqual([3, 4, 3, 4, 3, 4, 3, 4])
})

test('one code per ray goes to all of its samples', async () => {
  expect(await at(rayCodes(tensor(device, [1, 2, 3, 4], [2, 2])))).toEqual([1, 2, 1, 2, 3, 4, 3, 4])
})

test('a blend moves in a straight line; at 0 and 1 it is the one or the other field itself', async () => {
  const a = constantCode(tensor(device, [1, -1], [2]))
  const b = constantCode(tensor(device, [3, 1], [2]))
  expect(blend(a, b, 0)).toBe(a)
  expect(blend(a, b, 1)).toBe(b)
  expect((await at(blend(a, b, 0.5))).slice(0, 2)).toEqual([2, 0])
  expect((await at(blend(a, b, 1.5))).slice(0, 2)).toEqual([4, 2])
})

test('a strength that is no number is refused', () => {
  const a = constantCode(tensor(device, [0], [1]))
  expect(() => blend(a, a, Number.NaN)).toThrow('blend: strength is NaN; give a finite number, usually 0..1')
})
