import { describe, expect, test } from 'vitest'
import { tensor } from '../../src/tensor/device.ts'
import { planMemory } from '../../src/tensor/memoryPlan.ts'
import { add, affine, exp } from '../../src/tensor/ops/elementwise.ts'
import type { GraphNode, Tensor } from '../../src/tensor/tensor.ts'
import { plainDevice } from './plainDevice.ts'

const device = plainDevice('single')
const node = (x: Tensor): GraphNode => {
  if (x.source.kind !== 'node') throw new Error('not the output of a node')
  return x.source.node
}
const plan = (values: Tensor[], keep: Tensor[], scratch: (node: GraphNode) => number[] = () => []) =>
  planMemory(values.map(node), keep, new Map(), scratch)

describe('planMemory', () => {
  test('a chain of any length needs two slots', () => {
    const chain = [exp(tensor(device, new Float32Array(100), [100]))]
    for (let i = 0; i < 9; i++) chain.push(exp(chain[i]))
    expect(plan(chain, [chain[9]]).slots).toEqual([100, 100])
  })

  test('a node never writes where it reads', () => {
    const a = exp(tensor(device, new Float32Array(10), [10]))
    const b = affine(a, 2)
    const c = add(a, b)
    const { placeOf } = plan([a, b, c], [c])
    const slots = [a, b, c].map(x => JSON.stringify(placeOf(x)))
    expect(new Set(slots).size).toBe(3)
  })

  test('what is read after the run keeps its slot to itself', () => {
    const a = exp(tensor(device, new Float32Array(10), [10]))
    const b = affine(a, 2)
    const c = affine(b, 3)
    const d = affine(c, 4)
    const { placeOf } = plan([a, b, c, d], [a, d])
    for (const x of [b, c, d]) expect(placeOf(x)).not.toEqual(placeOf(a))
  })

  test('an output that nobody reads is free after its node', () => {
    const x = tensor(device, new Float32Array(10), [10])
    const unread = exp(x)
    const y = affine(x, 2)
    expect(plan([unread, y], [y]).slots).toHaveLength(1)
  })

  test('scratch is no other value of its node and is reused after it', () => {
    const a = exp(tensor(device, new Float32Array(10), [10]))
    const b = exp(a)
    const { slots, scratchOf, placeOf } = plan([a, b], [b], n => (n === node(a) ? [10] : []))
    const [slot] = scratchOf.get(node(a)) ?? []
    expect(placeOf(a)).not.toEqual({ slot })
    expect(placeOf(b)).toEqual({ slot })
    expect(slots).toHaveLength(2)
  })

  test('a small value leaves a large slot to large values', () => {
    const x = tensor(device, new Float32Array(1 << 16), [1 << 16])
    const large = exp(x)
    const larger = exp(large)
    const small = exp(tensor(device, [1], [1]))
    const { slots } = plan([large, larger, small], [larger, small])
    expect(slots).toEqual([1 << 16, 1 << 16, 1])
  })

  test('names the operation whose output is not part of the plan', () => {
    const a = exp(tensor(device, [1], [1]))
    expect(() => plan([a], [a]).placeOf(exp(a))).toThrow('plan: a tensor made by unary is not part of this plan')
  })
})
