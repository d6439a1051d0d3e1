import { afterAll, describe, expect, test } from 'vitest'
import type { GpuDispatch } from '../../src/gpu/gpuDevice.ts'
import { openComputingGpu, openNullGpu } from './softwareGpu.ts'

const computing = await openComputingGpu()
const nothing = await openNullGpu()
const opened = [computing, nothing].filter(gpu => typeof gpu !== 'string')
afterAll(() => {
  for (const gpu of opened) gpu.destroy()
})

/** y[i] += x[i] over 5 elements. */
const ADD = `@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= 5u) { return; }
  y[id.x] += x[id.x];
}`

function addition(x: GPUBuffer, y: GPUBuffer, change: Partial<GpuDispatch> = {}): GpuDispatch {
  const bindings = [x, y].map(buffer => ({ buffer, offset: 0, size: 20 }))
  return { label: 'addition', code: ADD, bindings, groups: [1, 1, 1], ...change }
}

describe.skipIf(typeof computing === 'string')(`a computing GPU${typeof computing === 'string' ? `: ${computing}` : ''}`, () => {
  const gpu = computing as Exclude<typeof computing, string>
  const floats = async (buffer: GPUBuffer, offset = 0, count = 5) => [...new Float32Array(await gpu.read(buffer, offset, count * 4))]

  test('buffers start as zeros, keep what is written, count their bytes', async () => {
    const before = gpu.usedBytes
    const buffer = gpu.createBuffer(22)
    expect(gpu.usedBytes - before).toBe(24)
    gpu.write(buffer, 8, Float32Array.of(1, 2, 3).subarray(1))
    expect(await floats(buffer)).toEqual([0, 0, 2, 3, 0])
    expect(await floats(buffer, 8, 2)).toEqual([2, 3])
    expect((await gpu.read(buffer, 0, 0)).byteLength).toBe(0)
    gpu.destroyBuffer(buffer)
    expect(gpu.usedBytes).toBe(before)
    expect(() => gpu.destroyBuffer(buffer)).toThrow('released before')
    expect(() => gpu.write(gpu.createBuffer(4), 4, Float32Array.of(1))).toThrow('do not fit')
  })

  test('a program runs as often as asked, in order, over one buffer too', async () => {
    const [x, y] = [gpu.createBuffer(20), gpu.createBuffer(1024)]
    gpu.write(x, 0, Float32Array.of(1, 2, 3, 4, 5))
    const within = { bindings: [0, 256].map(offset => ({ buffer: y, offset, size: 20 })) }
    const program = gpu.program([addition(x, y), addition(x, y, within)])
    program.run()
    program.run()
    expect(await floats(y)).toEqual([2, 4, 6, 8, 10])
    // 1x after the first run, then 2x more
    expect(await floats(y, 256)).toEqual([3, 6, 9, 12, 15])
    program.dispose()
    expect(() => program.run()).toThrow('gpu program: disposed')
  })

  test('a profile names kernels, and what ran has run', async () => {
    const [x, y] = [gpu.createBuffer(20), gpu.createBuffer(20)]
    gpu.write(x, 0, Float32Array.of(1, 2, 3, 4, 5))
    const times = await gpu.program([addition(x, y), addition(x, y, { label: 'again' }), addition(x, y)]).profile()
    expect(await floats(y)).toEqual([3, 6, 9, 12, 15])
    if (!gpu.features.has('timestamp-query')) return
    expect([...times.keys()]).toEqual(['addition', 'again'])
    expect(times.get('addition')?.calls).toBe(2)
    expect(times.get('addition')?.ms).toBeGreaterThanOrEqual(0)
  })
})

test.skipIf(typeof computing === 'string')('work keeps its order while kernels compile', async () => {
  const gpu = await openComputingGpu({ compileSideBySide: true })
  if (typeof gpu === 'string') throw new Error(gpu)
  const [x, y, z, gone] = [20, 20, 20, 20].map(bytes => gpu.createBuffer(bytes))
  const numbers = Float32Array.of(1, 2, 3, 4, 5)
  gpu.write(x, 0, numbers)
  const program = gpu.program([addition(x, y)])
  program.run()
  numbers.fill(10) // the run above is to see this no more than the write below, which comes after it
  gpu.write(x, 0, numbers)
  numbers.fill(0)
  program.run()
  gpu.copy({ buffer: y, offset: 0, size: 20 }, { buffer: z, offset: 0, size: 20 })
  gpu.program([addition(gone, x)]).run()
  gpu.destroyBuffer(gone)
  program.run()
  expect([...new Float32Array(await gpu.read(z, 0, 20))]).toEqual([11, 12, 13, 14, 15])
  expect([...new Float32Array(await gpu.read(y, 0, 20))]).toEqual([21, 22, 23, 24, 25])
  gpu.program([addition(x, y, { label: 'broken', code: ADD.replace('x[id.x]', 'missing') })]).run()
  await expect(gpu.sync()).rejects.toThrow('kernel broken: WGSL does not compile')
  await gpu.sync()
  gpu.destroy()
})

describe.skipIf(typeof nothing === 'string')(`the null backend${typeof nothing === 'string' ? `: ${nothing}` : ''}`, () => {
  const gpu = nothing as Exclude<typeof nothing, string>
  const pair = (): [GPUBuffer, GPUBuffer] => [gpu.createBuffer(1024), gpu.createBuffer(1024)]

  test('WGSL that does not compile is reported once, with its kernel and its line', async () => {
    const [x, y] = pair()
    gpu.program([addition(x, y, { label: 'blend', code: ADD.replace('x[id.x]', 'missing[id.x]') })]).run()
    const error: Error = await gpu.sync().then(
      () => new Error('no error'),
      error => error,
    )
    expect(error.message).toContain('kernel blend: WGSL does not compile')
    expect(error.message).toMatch(/5:\d+ .*'missing'/)
    expect(error.message).toContain('y[id.x] += missing[id.x];')
    await gpu.sync()
  })

  test('what exceeds the limits is named at once', () => {
    const [x, y] = pair()
    const limits = gpu.limits
    expect(() => gpu.program([addition(x, y, { groups: [1, 70000, 1] })])).toThrow('kernel addition: 1 x 70000 x 1 workgroups; at most 65535')
    expect(() => gpu.program([addition(x, y, { bindings: [] })])).toThrow('kernel addition: declares 2 storage bindings, is given 0')
    const odd = { bindings: [x, y].map(buffer => ({ buffer, offset: 4, size: 20 })) }
    expect(() => gpu.program([addition(x, y, odd)])).toThrow('kernel addition: binding offset 4 is not a multiple of 256 bytes')
    expect(() => gpu.createBuffer(limits.maxBufferSize + 4)).toThrow(`this adapter allows ${limits.maxBufferSize}`)
  })

  test('what WebGPU itself refuses is reported by the next sync', async () => {
    const [x, y] = pair()
    const both = { code: ADD.replace('storage, read>', 'storage, read_write>'), bindings: [x, x].map(buffer => ({ buffer, offset: 0, size: 20 })) }
    gpu.program([addition(x, y, both)]).run()
    await expect(gpu.sync()).rejects.toThrow('gpu: ')
    await gpu.sync()
  })
})

test.skipIf(typeof nothing === 'string')('a closed device says so', async () => {
  const gpu = await openNullGpu()
  if (typeof gpu === 'string') throw new Error(gpu)
  const buffer = gpu.createBuffer(4)
  const program = gpu.program([])
  gpu.destroy()
  await expect(gpu.sync()).rejects.toThrow('gpu: the device null-backend was closed; open a new one')
  await expect(gpu.read(buffer, 0, 4)).rejects.toThrow('was closed')
  expect(() => program.run()).toThrow('was closed')
})
