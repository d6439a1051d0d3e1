import { type Arg, type CpuDevice, openCpuDevice } from '../../src/cpu/cpuDevice.ts'

/** A repeatable stream of numbers in [-1, 1). */
export function stream(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 31 - 1
  }
}

/** `length` floats from `next`, scaled. */
export function randomFloats(length: number, next: () => number, scale = 1): Float32Array {
  return Float32Array.from({ length }, () => next() * scale)
}

export const i32 = (value: number): Arg => ({ i32: value })
export const f32 = (value: number): Arg => ({ f32: value })
export const ptr = (value: number): Arg => ({ ptr: value })

/** An argument of `runKernel`: an input array, an output of some length, or a plain argument. */
export type KernelInput = Float32Array | Uint32Array | { out: number } | Arg

/** Uploads the inputs, runs one kernel, returns its outputs in order and frees everything. Outputs start as NaN, so that unwritten ones show. */
export function runKernel(device: CpuDevice, kernel: string, items: number, grain: number, inputs: KernelInput[]): Float32Array[] {
  const blocks: number[] = []
  const outputs: Float32Array[] = []
  const args = inputs.map((input): Arg => {
    if (input instanceof Float32Array || input instanceof Uint32Array) {
      const address = device.allocate(input.byteLength)
      blocks.push(address)
      if (input instanceof Float32Array) device.f32(address, input.length).set(input)
      else device.u32(address, input.length).set(input)
      return { ptr: address }
    }
    if ('out' in input) {
      const address = device.allocate(input.out * 4)
      blocks.push(address)
      outputs.push(device.f32(address, input.out).fill(Number.NaN))
      return { ptr: address }
    }
    return input
  })
  const program = device.program([{ kernel, items, grain, args }])
  program.run()
  const results = outputs.map(view => view.slice())
  program.dispose()
  for (const block of blocks) device.free(block)
  return results
}

/** Devices with 1, 2 and 4 threads, to show that the numbers do not depend on the count. */
export async function openDevices(): Promise<CpuDevice[]> {
  return Promise.all([1, 2, 4].map(threads => openCpuDevice({ threads })))
}

/** Runs the kernel on every device, throws when a bit differs, returns the outputs. */
export function runOnAll(devices: CpuDevice[], kernel: string, items: number, grain: number, inputs: KernelInput[]): Float32Array[] {
  const [first, ...rest] = devices.map(device => runKernel(device, kernel, items, grain, inputs))
  for (const other of rest) {
    first.forEach((output, o) => {
      const at = firstDifference(output, other[o])
      if (at >= 0) throw new Error(`${kernel}: output ${o} differs between thread counts at ${at}: ${output[at]} and ${other[o][at]}`)
    })
  }
  return first
}

/** First index at which the bits differ, -1 when none do. */
export function firstDifference(a: Float32Array, b: Float32Array): number {
  const other = new Uint32Array(b.buffer, b.byteOffset, b.length)
  return new Uint32Array(a.buffer, a.byteOffset, a.length).findIndex((word, i) => word !== other[i])
}

/** Largest |a - b| / (absolute + relative * |b|); at most 1 when every element is within tolerance. */
export function deviation(actual: ArrayLike<number>, expected: ArrayLike<number>, absolute: number, relative: number): number {
  if (actual.length !== expected.length) throw new Error(`lengths differ: ${actual.length} and ${expected.length}`)
  let worst = 0
  for (let i = 0; i < expected.length; i++) {
    const ratio = Math.abs(actual[i] - expected[i]) / (absolute + relative * Math.abs(expected[i]))
    if (!(ratio <= worst)) worst = ratio
    if (Number.isNaN(ratio)) return Number.NaN
  }
  return worst
}
