import { expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { attention } from '../../../src/tensor/ops/attention.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { checkOp, compareDevices, testDevices } from '../harness.ts'
import { evaluateCase, type OpCase } from '../opCase.ts'

const attend =
  (batch: number, tokens: number, heads: number, causal = false) =>
  ([q, k, v]: Parameters<typeof attention>[0][]) =>
    attention(q, k, v, { batch, tokens, heads, causal })

function inputs(rows: number, width: number) {
  return [2, 2, 1].map(range => ({ shape: [rows, width], range: [-range, range] as const }))
}

test('two sequences, three heads, width and tokens not multiples of four', () =>
  checkOp({ name: 'attention', inputs: inputs(2 * 7, 3 * 5), build: attend(2, 7, 3) }))

test('causal', () => checkOp({ name: 'attention, causal', inputs: inputs(2 * 9, 2 * 8), build: attend(2, 9, 2, true) }))

// Central differences would take minutes at these sizes; the small cases above have them.
const sameOnAllDevices = (op: OpCase) => compareDevices({ name: op.name, run: device => evaluateCase(device, op) })

test('the shape of the image tower: 50 tokens, 3 heads of 64', () =>
  sameOnAllDevices({ name: 'attention 50', inputs: inputs(2 * 50, 192), build: attend(2, 50, 3) }))

test('more tokens than a workgroup has lanes', () =>
  sameOnAllDevices({ name: 'attention 77', inputs: inputs(77, 20), build: attend(1, 77, 1, true) }))

test('one token sees itself alone', async () => {
  const [{ device }] = await testDevices()
  const row = (values: number[]) => tensor(device, values, [1, 4])
  const [y] = await evaluate(device, [attend(1, 1, 2)([row([1, 2, 3, 4]), row([5, 6, 7, 8]), row([9, 10, 11, 12])])])
  expect([...y]).toEqual([9, 10, 11, 12])
})

test('a causal token does not see what follows', async () => {
  const [{ device }] = await testDevices()
  const run = async (last: number) => {
    const x = tensor(device, [1, 2, 3, 4, last, last], [3, 2])
    const [y] = await evaluate(device, [attend(1, 3, 1, true)([x, x, x])])
    return [...y.subarray(0, 4)]
  }
  expect(await run(5)).toEqual(await run(-50))
})

test('scores far apart neither overflow nor underflow to NaN', async () => {
  for (const { name, device, compileOnly } of await testDevices()) {
    if (compileOnly) continue
    const x = tensor(device, [300, -300, -300, 300], [2, 2])
    const v = tensor(device, [1, 2, 3, 4], [2, 2])
    const [y] = await evaluate(device, [attend(1, 2, 1)([x, x, v])])
    expect([...y], name).toEqual([1, 2, 3, 4])
  }
})

test('errors name the shapes', async () => {
  const [{ device }] = await testDevices()
  const zeros = (...shape: number[]) => tensor(device, new Float32Array(shape[0] * shape[1]), shape)
  const q = zeros(6, 8)
  expect(() => attend(2, 4, 2)([q, q, q])).toThrow('q [6, 8] is not [batch 2 x tokens 4, width]')
  expect(() => attend(2, 3, 3)([q, q, q])).toThrow('width 8 does not split into 3 heads')
  expect(() => attend(2, 3, 2)([q, zeros(6, 4), q])).toThrow('k [6, 4]')
})
