/**
 * The same test on every device. Inside a test:
 *
 *     test('dense', () => checkOp({ name: 'dense', inputs: [{ shape: [37, 44] }, { shape: [44, 6] }], build: ([x, w]) => dense(x, w) }))
 *
 * checks the outputs of every device against the reference device, the gradients of the reference against central differences,
 * and the gradients of every device against those of the reference. Operations that write into leaves use `compareDevices`.
 */

import type { Device } from '../../src/tensor/device.ts'
import type { Numbers } from '../../src/tensor/tensor.ts'
import { checkGradient } from './centralDifferences.ts'
import { compare, type Deviation, show } from './comparison.ts'
import { type TestDevice, testDevices } from './devices.ts'
import { evaluateCase, type OpCase } from './opCase.ts'

export { testDevices } from './devices.ts'
export { type InputSpec, randomValues } from './opCase.ts'

/** Largest deviation accepted by default, relative to the larger of the element and the root mean square of its tensor. */
const TOLERANCE = 2e-5

/** Runs an operation and its gradient on every device. Throws one error that lists every deviation. */
export async function checkOp(op: OpCase & { tolerance?: number }): Promise<void> {
  const failures: string[] = []
  await compareDevices({ name: op.name, tolerance: op.tolerance, run: device => evaluateCase(device, op) }).catch((error: Error) =>
    failures.push(error.message),
  )
  if (op.gradient !== false) failures.push(...(await checkGradient(op)))
  if (failures.length > 0) throw new Error(failures.join('\n'))
}

export interface NamedNumbers {
  readonly name: string
  readonly values: Numbers
}

/**
 * Runs `run` on every device and compares what it returns with the reference device's, element by element.
 * SIMD devices must agree with each other bit by bit whatever their number of threads. On the compile-only device the numbers are ignored.
 */
export async function compareDevices(options: {
  name: string
  run: (device: Device) => Promise<readonly NamedNumbers[]>
  tolerance?: number
}): Promise<void> {
  const { name, run, tolerance = TOLERANCE } = options
  const failures: string[] = []
  const [reference, ...others] = await testDevices()
  const expected = await run(reference.device)
  let simd: { of: TestDevice; results: readonly NamedNumbers[] } | undefined
  for (const other of others) {
    const results = await settled(other, run).catch((error: Error) => {
      failures.push(`${name} on ${other.name}: ${error.message}`)
      return undefined
    })
    if (!results || other.compileOnly) continue
    const deviations = compare(results, expected, tolerance)
    failures.push(...deviations.map(d => `${name} on ${other.name}: ${show(d)}`))
    if (!other.sameBits) continue
    if (simd) failures.push(...differentBits(results, simd.results).map(d => `${name} on ${other.name}, unlike ${simd?.of.name}: ${show(d)}`))
    else simd = { of: other, results }
  }
  if (failures.length > 0) throw new Error(failures.join('\n'))
}

/** Runs, and waits for what a GPU reports late. */
async function settled({ device }: TestDevice, run: (device: Device) => Promise<readonly NamedNumbers[]>): Promise<readonly NamedNumbers[]> {
  const results = await run(device)
  await device.sync()
  return results
}

const differentBits = (actual: readonly NamedNumbers[], expected: readonly NamedNumbers[]): Deviation[] => compare(actual, expected, 0)
