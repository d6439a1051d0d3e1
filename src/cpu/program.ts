import { kernelParameters } from './kernelSignatures.ts'
import { RECORD_BYTES } from './memoryLayout.ts'

/** pointer (byte address from allocate), int32 or float32 word; packed in order as 4-byte words */
export type Arg = { ptr: number } | { i32: number } | { f32: number }

/** One parallel kernel call: items [0, items) are split into fixed chunks of `grain` (independent of the worker count); any worker may run any chunk. */
export interface KernelCall {
  kernel: string
  items: number
  grain: number
  args: Arg[]
}

/** A function runs on the calling thread while workers wait. */
export type Step = KernelCall | (() => void)

/** Milliseconds and calls of one kernel, summed over all runs. */
export interface KernelTime {
  ms: number
  calls: number
}

/** Kernel calls that run without returning to the caller in between: step records [first, last) in shared memory. */
export interface Segment {
  first: number
  last: number
  kernels: string[]
}

/** Throws when the call's numbers cannot be right: the kernels themselves check nothing. */
function checkCall(call: KernelCall): void {
  const { kernel, items, grain, args } = call
  const parameters = kernelParameters(kernel)
  const expected = parameters.map(p => `${p.name}: ${p.type}`).join(', ')
  if (!Number.isInteger(items) || items < 0 || items >= 2 ** 31) throw new Error(`${kernel}: items = ${items}; give a whole number >= 0`)
  if (!Number.isInteger(grain) || grain < 1 || grain >= 2 ** 31) throw new Error(`${kernel}: grain = ${grain}; give a whole number >= 1`)
  if (args.length !== parameters.length) throw new Error(`${kernel}: ${args.length} arguments given, it takes ${parameters.length} (${expected})`)
  parameters.forEach((parameter, i) => {
    const arg = args[i] as Partial<Record<string, number>>
    if (parameter.optional && arg.i32 === 0) return
    const value = arg[parameter.type]
    if (value === undefined)
      throw new Error(`${kernel}: argument ${i} (${parameter.name}) must be { ${parameter.type} }, given ${JSON.stringify(arg)}`)
    if (parameter.type === 'ptr' && (!Number.isInteger(value) || value % 4 !== 0 || value < 0 || (value === 0 && !parameter.optional)))
      throw new Error(`${kernel}: argument ${parameter.name} = ${value} is not an address from allocate`)
    if (parameter.type === 'i32' && (!Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 32))
      throw new Error(`${kernel}: argument ${parameter.name} = ${value} is not a 32-bit integer`)
    if (parameter.name === 'grain' && value !== grain) throw new Error(`${kernel}: argument grain = ${value}, but the call's grain is ${grain}`)
  })
}

/** Splits steps at functions; neighbouring kernel calls stay together. */
export function splitSteps(steps: Step[]): (KernelCall[] | (() => void))[] {
  const parts: (KernelCall[] | (() => void))[] = []
  for (const step of steps) {
    if (typeof step === 'function') {
      parts.push(step)
      continue
    }
    checkCall(step)
    const last = parts.at(-1)
    if (Array.isArray(last)) last.push(step)
    else parts.push([step])
  }
  return parts
}

/** Bytes that `writeSegment` needs for these calls. */
export function segmentBytes(calls: KernelCall[]): number {
  return calls.reduce((bytes, call) => bytes + RECORD_BYTES + call.args.length * 4, 0)
}

/** Writes step records at `address` and the argument words after them. */
export function writeSegment(buffer: ArrayBufferLike, address: number, calls: KernelCall[], tableIndex: Map<string, number>): Segment {
  const view = new DataView(buffer)
  const last = address + calls.length * RECORD_BYTES
  let args = last
  calls.forEach((call, i) => {
    const record = address + i * RECORD_BYTES
    view.setUint32(record, tableIndex.get(call.kernel) ?? 0, true)
    view.setUint32(record + 4, call.items, true)
    view.setUint32(record + 8, call.grain, true)
    view.setUint32(record + 12, args, true)
    view.setUint32(record + 16, Math.ceil(call.items / call.grain), true)
    view.setFloat64(record + 24, 0, true)
    for (const arg of call.args) {
      if ('f32' in arg) view.setFloat32(args, arg.f32, true)
      else view.setUint32(args, 'ptr' in arg ? arg.ptr : arg.i32, true)
      args += 4
    }
  })
  return { first: address, last, kernels: calls.map(call => call.kernel) }
}
