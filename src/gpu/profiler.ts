/** Time per kernel from timestamp queries around every dispatch. */

import { type Bound, encode } from './dispatch.ts'
import { COPY_DST, COPY_SRC, MAP_READ, MODE_READ, QUERY_RESOLVE } from './flags.ts'

/** Milliseconds and calls of one kernel label, and what the calls did together. */
export interface KernelTime {
  ms: number
  calls: number
  /** Of everything the calls bind, which is the least traffic where all of it is used; on a GPU. */
  bytes?: number
  /** Floating-point operations, where all calls state them. */
  flops?: number
}

/** WebGPU's limit on the size of a query set. */
const MOST_QUERIES = 4096

/** Runs the dispatches once, each in its own pass. Empty without the feature 'timestamp-query'. */
export async function kernelTimes(device: GPUDevice, dispatches: readonly Bound[]): Promise<Map<string, KernelTime>> {
  const times = new Map<string, KernelTime>()
  const timed = device.features.has('timestamp-query')
  for (let first = 0; first < dispatches.length; first += MOST_QUERIES / 2) {
    const part = dispatches.slice(first, first + MOST_QUERIES / 2)
    const stamps = timed ? await stampedRun(device, part) : plainRun(device, part)
    for (const [i, { label, bytes, flops }] of part.entries()) {
      if (!stamps) continue
      const time: KernelTime = times.get(label) ?? { ms: 0, calls: 0, bytes: 0, flops: 0 }
      // a clock that is reset between passes would give a negative time
      time.ms += Math.max(0, Number(stamps[2 * i + 1] - stamps[2 * i])) / 1e6
      time.calls++
      time.bytes = (time.bytes ?? 0) + bytes
      time.flops = time.flops === undefined || flops === undefined ? undefined : time.flops + flops
      times.set(label, time)
    }
  }
  return times
}

function plainRun(device: GPUDevice, dispatches: readonly Bound[]): undefined {
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  for (const dispatch of dispatches) encode(pass, dispatch)
  pass.end()
  device.queue.submit([encoder.finish()])
}

/** Begin and end of every dispatch, in nanoseconds. */
async function stampedRun(device: GPUDevice, dispatches: readonly Bound[]): Promise<BigUint64Array> {
  const count = 2 * dispatches.length
  const querySet = device.createQuerySet({ type: 'timestamp', count })
  const resolved = device.createBuffer({ size: count * 8, usage: QUERY_RESOLVE | COPY_SRC })
  const staging = device.createBuffer({ size: count * 8, usage: COPY_DST | MAP_READ })
  const encoder = device.createCommandEncoder()
  for (const [i, dispatch] of dispatches.entries()) {
    const pass = encoder.beginComputePass({ timestampWrites: { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 } })
    encode(pass, dispatch)
    pass.end()
  }
  encoder.resolveQuerySet(querySet, 0, count, resolved, 0)
  encoder.copyBufferToBuffer(resolved, 0, staging, 0, count * 8)
  device.queue.submit([encoder.finish()])
  await staging.mapAsync(MODE_READ)
  const stamps = new BigUint64Array(staging.getMappedRange().slice(0))
  for (const resource of [staging, resolved, querySet]) resource.destroy()
  return stamps
}
