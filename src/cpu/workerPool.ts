import { KERNEL_SIGNATURES } from './kernelSignatures.ts'
import { ERROR_TEXT, ERROR_TEXT_BYTES } from './memoryLayout.ts'

/** What the WebAssembly module exports beside the kernels. */
export interface KernelModule {
  /** Table index of every kernel; the same on every thread. */
  kernels: Map<string, number>
  runSegment(first: number, last: number, mayWait: number): number
  setScratch(address: number): void
  stop(): void
}

/** One thread's end of a worker. */
export interface WorkerThread {
  terminate(): void
}

const KERNEL_NAMES = Object.keys(KERNEL_SIGNATURES)

/** Instantiates the kernels on the calling thread. */
export async function instantiateKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<KernelModule> {
  const now = () => performance.timeOrigin + performance.now()
  const { exports } = await WebAssembly.instantiate(module, { env: { memory, now } })
  const table = exports.table as WebAssembly.Table
  const first = table.grow(KERNEL_NAMES.length)
  const kernels = new Map<string, number>()
  KERNEL_NAMES.forEach((name, i) => {
    table.set(first + i, exports[name])
    kernels.set(name, first + i)
  })
  return { ...(exports as unknown as Omit<KernelModule, 'kernels'>), kernels }
}

/** A worker's whole life, as plain source text: bundlers must not touch it. The kernel table is filled in the same order as above. */
const WORKER_SOURCE = `
const live = ({ module, memory, scratch, names, errorText, errorBytes }, post) => {
  const now = () => performance.timeOrigin + performance.now()
  const { exports } = new WebAssembly.Instance(module, { env: { memory, now } })
  const first = exports.table.grow(names.length)
  names.forEach((name, i) => exports.table.set(first + i, exports[name]))
  exports.setScratch(scratch)
  post('ready')
  setTimeout(() => {
    try {
      exports.serve()
    } catch (error) {
      const text = new TextEncoder().encode(String(error && error.stack || error)).slice(0, errorBytes)
      new Uint8Array(memory.buffer, errorText + 4, text.length).set(text)
      new Uint32Array(memory.buffer, errorText, 1)[0] = text.length
      exports.fail()
    }
  }, 0)
}
`
const NODE_ENTRY = `
const { parentPort, workerData } = require('node:worker_threads')
live(workerData, message => parentPort.postMessage(message))
`
const BROWSER_ENTRY = `
onmessage = event => live(event.data, message => postMessage(message))
`

interface WorkerInput {
  module: WebAssembly.Module
  memory: WebAssembly.Memory
  scratch: number
  names: string[]
  errorText: number
  errorBytes: number
}

export function isNode(): boolean {
  return typeof process !== 'undefined' && typeof process.versions?.node === 'string'
}

async function startNodeWorker(input: WorkerInput): Promise<WorkerThread> {
  const { Worker } = await import('node:worker_threads')
  const worker = new Worker(WORKER_SOURCE + NODE_ENTRY, { eval: true, workerData: input, execArgv: [], env: {} })
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve())
    worker.once('error', reject)
  })
  worker.unref()
  return { terminate: () => void worker.terminate() }
}

async function startBrowserWorker(input: WorkerInput): Promise<WorkerThread> {
  const url = URL.createObjectURL(new Blob([WORKER_SOURCE + BROWSER_ENTRY], { type: 'text/javascript' }))
  const worker = new Worker(url)
  try {
    await new Promise<void>((resolve, reject) => {
      worker.onmessage = () => resolve()
      worker.onerror = event => reject(new Error(event.message))
      worker.onmessageerror = () => reject(new Error('the shared memory cannot be posted'))
      worker.postMessage(input) // throws without cross-origin isolation
    })
  } catch (error) {
    worker.terminate()
    throw error
  } finally {
    URL.revokeObjectURL(url)
  }
  return { terminate: () => worker.terminate() }
}

/** Starts one worker per scratch address; an empty list when this environment has no workers that share memory. */
export async function startWorkers(module: WebAssembly.Module, memory: WebAssembly.Memory, scratch: number[]): Promise<WorkerThread[]> {
  const start = isNode() ? startNodeWorker : startBrowserWorker
  const started = await Promise.allSettled(
    scratch.map(address => start({ module, memory, scratch: address, names: KERNEL_NAMES, errorText: ERROR_TEXT, errorBytes: ERROR_TEXT_BYTES })),
  )
  return started.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
}

/** The text a failed worker left behind. */
export function workerError(memory: WebAssembly.Memory): string {
  const length = new Uint32Array(memory.buffer, ERROR_TEXT, 1)[0]
  // decoders refuse shared memory, hence the copy
  return new TextDecoder().decode(new Uint8Array(memory.buffer, ERROR_TEXT + 4, length).slice())
}
