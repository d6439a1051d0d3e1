import { afterAll, describe, expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { constant, glorotUniform, normalInit, ParameterSet, type ParameterSpecs, uniformInit, zeros } from '../../src/nn/parameters.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { readLeaf } from '../../src/tensor/device.ts'

const device = cpuBackend(await openCpuDevice({ threads: 1 }))
afterAll(() => device[Symbol.dispose]())

const SPECS: ParameterSpecs = {
  'a/kernel': { shape: [5, 7], init: glorotUniform, group: 'first' },
  'b/kernel': { shape: [65], init: uniformInit(1, 2), group: 'second' },
  'a/bias': { shape: [7], init: zeros, group: 'first' },
  'b/scale': { shape: [], init: constant(3), group: 'second' },
}

describe('layout', () => {
  const set = new ParameterSet(device, SPECS, 1)

  test('groups lie one after the other, parameters at multiples of 256 bytes', () => {
    expect(set.groups).toEqual([
      { name: 'first', offset: 0, length: 128 },
      { name: 'second', offset: 128, length: 192 },
    ])
    expect(set.names.map(name => set.offset(name))).toEqual([0, 128, 64, 256])
    expect(set.flat.length).toBe(320)
  })

  test('padding holds zeros', async () => {
    const flat = await set.flat.read()
    const used = new Set(
      Object.entries(SPECS).flatMap(([name, { shape }]) => Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => set.offset(name) + i)),
    )
    expect(flat.filter((_, i) => !used.has(i)).every(v => v === 0)).toBe(true)
  })

  test('a leaf sees its own numbers', async () => {
    expect([...(await readLeaf(device, set.get('b/scale')))]).toEqual([3])
    expect(set.get('a/kernel').shape).toEqual([5, 7])
  })

  test('an unknown name is refused with the names there are', () => {
    expect(() => set.get('c')).toThrow('parameters: no parameter c; there are a/kernel, b/kernel, a/bias, b/scale')
    expect(() => set.offset('c')).toThrow('no parameter c')
  })
})

describe('initial values', () => {
  test('depend on seed and name alone, not on the order or on other parameters', async () => {
    const alone = new ParameterSet(device, { 'b/kernel': SPECS['b/kernel'] }, 1)
    const values = (await new ParameterSet(device, SPECS, 1).read()).get('b/kernel')?.data
    expect((await alone.read()).get('b/kernel')?.data).toEqual(values)
    expect((await new ParameterSet(device, SPECS, 2).read()).get('b/kernel')?.data).not.toEqual(values)
  })

  test('lie in their ranges', async () => {
    const shape = [100, 20]
    const specs = {
      uniform: { shape, init: uniformInit(0.5, 0.75), group: 'g' },
      normal: { shape, init: normalInit(0.1), group: 'g' },
      glorot: { shape, init: glorotUniform, group: 'g' },
    }
    const values = await new ParameterSet(device, specs, 3).read()
    const of = (name: string): Float32Array => values.get(name)?.data ?? new Float32Array()
    expect(Math.min(...of('uniform'))).toBeGreaterThanOrEqual(0.5)
    expect(Math.max(...of('uniform'))).toBeLessThan(0.75)
    const limit = Math.sqrt(6 / 120)
    expect(Math.max(...of('glorot').map(Math.abs))).toBeLessThanOrEqual(limit)
    expect(Math.max(...of('glorot').map(Math.abs))).toBeGreaterThan(0.99 * limit)
    const deviation = Math.sqrt(of('normal').reduce((s, v) => s + v * v, 0) / 2000)
    expect(deviation).toBeCloseTo(0.1, 2)
  })
})

describe('read and write', () => {
  test('what was read is written back bit by bit', async () => {
    const values = await new ParameterSet(device, SPECS, 4).read()
    const other = new ParameterSet(device, SPECS, 5)
    other.write(values, 'test')
    expect(await other.read()).toEqual(values)
  })

  test('a missing name and another size are refused, naming the file', async () => {
    const set = new ParameterSet(device, SPECS, 4)
    const values = await set.read()
    const without = new Map([...values].filter(([name]) => name !== 'a/bias'))
    expect(() => set.write(without, 'ada.scene')).toThrow('ada.scene: parameter a/bias is missing; the file belongs to another preset or was cut')
    const wrong = new Map(values).set('a/bias', { shape: [8], data: new Float32Array(8) })
    expect(() => set.write(wrong, 'ada.scene')).toThrow('ada.scene: parameter a/bias is [8], expected [7]')
  })
})
