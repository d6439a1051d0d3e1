import { spawnSync } from 'node:child_process'
import { afterEach, describe, expect, test } from 'vitest'
import { type CpuDevice, openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { KERNEL_SIGNATURES } from '../../src/cpu/kernelSignatures.ts'
import { KERNELS_WASM } from '../../src/cpu/kernels.wasm.ts'
import { f32, i32, ptr } from './kernelHarness.ts'

const opened: CpuDevice[] = []
async function open(threads: number, profile = false): Promise<CpuDevice> {
  const device = await openCpuDevice({ threads, profile })
  opened.push(device)
  return device
}
afterEach(() => {
  for (const device of opened.splice(0)) device.destroy()
})

/** out[i] = sum of `chunks` rows of `partial`: the simplest kernel with an input and an output */
const reduce = (partial: number, out: number, items: number, chunks: number, grain: number) => ({
  kernel: 'reducePartials',
  items,
  grain,
  args: [ptr(partial), ptr(out), i32(chunks), i32(items), i32(0)],
})

describe('memory', () => {
  test('blocks are aligned, zero-filled, reused after free, and joined again', async () => {
    const device = await open(1)
    const before = device.usedBytes
    const blocks = [100, 1, 5000, 64, 300].map(bytes => device.allocate(bytes))
    for (const address of blocks) expect(address % 64).toBe(0)
    expect(new Set(blocks).size).toBe(5)
    device.f32(blocks[2], 1250).fill(7)
    for (const i of [1, 3, 2]) device.free(blocks[i])
    const joined = device.allocate(64 + 5056 + 64)
    expect(joined).toBe(blocks[1])
    expect(device.f32(joined, 1296).every(v => v === 0)).toBe(true)
    for (const address of [blocks[0], joined, blocks[4]]) device.free(address)
    expect(device.usedBytes).toBe(before)
    expect(device.peakBytes).toBeGreaterThan(before + 5000)
  })

  test('grows, keeps the contents, and old views stay valid', async () => {
    const device = await open(2)
    const small = device.allocate(1024)
    const view = device.f32(small, 256).fill(3)
    const large = device.allocate(200 * 2 ** 20)
    device.f32(large, 50 * 2 ** 20)[50 * 2 ** 20 - 1] = 5
    view[7] = 9
    expect(device.f32(small, 256)[7]).toBe(9)
    const out = device.allocate(4096)
    device.program([reduce(large, out, 1024, 3, 16)]).run()
    expect(device.f32(out, 1024).every(v => v === 0)).toBe(true)
  })

  test('errors name the size and the remedy', async () => {
    const device = await open(1)
    expect(() => device.allocate(5 * 2 ** 30)).toThrow(/5120\.0 MiB asked .* of 4096\.0 MiB in use: .*; use fewer rays/)
    expect(() => device.allocate(-1)).toThrow(/cannot allocate -1 bytes/)
    const block = device.allocate(64)
    device.free(block)
    expect(() => device.free(block)).toThrow(/not an allocated block/)
  })
})

describe('programs', () => {
  test.each([1, 2, 4])('%i threads run dependent steps in order, with functions in between, many times', async threads => {
    const device = await open(threads)
    const n = 4099
    const [a, b, c] = Array.from({ length: 3 }, () => device.allocate(n * 4))
    const seen: number[] = []
    // b = a, c = b; then a is changed by the function, b = a again, c = b again
    const program = device.program([
      reduce(a, b, n, 1, 64),
      reduce(b, c, n, 1, 33),
      () => {
        seen.push(device.f32(c, n)[n - 1])
        device.f32(a, n).forEach((_, i, view) => {
          view[i] += 1
        })
      },
      reduce(a, b, n, 1, 1000),
      reduce(b, c, n, 1, 1),
    ])
    for (let run = 1; run <= 60; run++) {
      program.run()
      expect(device.f32(c, n).every(v => v === run)).toBe(true)
    }
    expect(seen).toEqual(Array.from({ length: 60 }, (_, i) => i))
    program.dispose()
    expect(() => program.run()).toThrow(/disposed/)
  })

  test('empty steps and empty programs are fine, and workers wake after a pause', async () => {
    const device = await open(3)
    const a = device.allocate(400)
    const b = device.allocate(400)
    device.program([]).run()
    device.program([reduce(a, b, 0, 1, 8)]).run()
    const program = device.program([reduce(a, b, 0, 1, 8), reduce(a, b, 100, 1, 8), reduce(a, b, 0, 1, 8)])
    for (let i = 1; i <= 5; i++) {
      await new Promise(resolve => setTimeout(resolve, 20))
      device.f32(a, 100).fill(i)
      program.run()
      expect(device.f32(b, 100).every(v => v === i)).toBe(true)
    }
  })

  test('wrong calls are refused by name', async () => {
    const device = await open(1)
    const a = device.allocate(64)
    expect(() => device.program([{ kernel: 'denseForwad', items: 1, grain: 1, args: [] }])).toThrow(
      /no kernel named "denseForwad"; known: denseForward/,
    )
    const call = reduce(a, a, 4, 1, 4)
    expect(() => device.program([{ ...call, args: call.args.slice(1) }])).toThrow(/4 arguments given, it takes 5 \(partial: ptr/)
    expect(() => device.program([{ ...call, args: [f32(1), ...call.args.slice(1)] }])).toThrow(/argument 0 \(partial\) must be \{ ptr \}/)
    expect(() => device.program([{ ...call, args: [ptr(0), ...call.args.slice(1)] }])).toThrow(/partial = 0 is not an address/)
    expect(() => device.program([{ ...call, grain: 0 }])).toThrow(/grain = 0/)
    expect(() => device.program([{ ...call, items: 1.5 }])).toThrow(/items = 1.5/)
    await expect(openCpuDevice({ threads: 0 })).rejects.toThrow(/threads = 0/)
  })

  test.each([1, 3])('a trap surfaces as an error, %i threads', async threads => {
    const device = await open(threads)
    const far = 0xfffffff0 - 60 // beyond any memory that was grown
    const program = device.program([reduce(far, far, 4096, 1, 16)])
    expect(() => program.run()).toThrow(/a kernel trapped.*reducePartials.*memory access out of bounds/s)
    expect(() => program.run()).toThrow(/a kernel trapped/)
  })

  test('the profile counts every kernel', async () => {
    const device = await open(2, true)
    const a = device.allocate(2 ** 20)
    const b = device.allocate(2 ** 20)
    const program = device.program([reduce(a, b, 2 ** 18, 1, 4096), reduce(a, b, 2 ** 18, 1, 4096)])
    for (let i = 0; i < 10; i++) program.run()
    const time = program.kernelTimes.get('reducePartials')
    expect(time?.calls).toBe(20)
    expect(time?.ms).toBeGreaterThan(0)
    expect((await open(1)).program([]).kernelTimes.size).toBe(0)
  })
})

test('a process with an open device exits by itself', () => {
  const code =
    "import('./src/cpu/cpuDevice.ts').then(async m => { const d = await m.openCpuDevice({ threads: 3 }); console.log('threads', d.threads) })"
  const result = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], { encoding: 'utf8', timeout: 30_000 })
  expect(result.stderr).toBe('')
  expect(result.stdout.trim()).toBe('threads 3')
  expect(result.status).toBe(0)
})

test('every kernel has a signature with names and types', async () => {
  const module = await WebAssembly.compile(Uint8Array.from(atob(KERNELS_WASM), c => c.charCodeAt(0)))
  const functions = WebAssembly.Module.exports(module).flatMap(({ kind, name }) => (kind === 'function' ? [name] : []))
  const pool = ['setScratch', 'runSegment', 'serve', 'fail', 'stop']
  expect(functions.filter(name => !pool.includes(name)).sort()).toEqual(Object.keys(KERNEL_SIGNATURES).sort())
  for (const signature of Object.values(KERNEL_SIGNATURES)) expect(signature).toMatch(/^(\w+\??:(ptr|i32|f32) ?)+$/)
})
