/** Gradients of the reference against central differences of it, both in double precision. */
import type { Device } from '../../src/tensor/device.ts'
import { Storage } from '../../src/tensor/device.ts'
import { compile } from '../../src/tensor/plan.ts'
import { showShape } from '../../src/tensor/tensor.ts'
import { cotangent, evaluateCase, gradientInputs, inputValues, type OpCase } from './opCase.ts'
import { plainDevice } from './plainDevice.ts'

/** With the five-point rule truncation is ~step^4, and rounding of an f32 intermediate still only ~1e-7 / step. */
const STEP = 1e-3
const GRADIENT_TOLERANCE = 1e-3
/** Elements probed per input; larger inputs are probed at evenly spread places. */
const PROBES = 40

/** One line per input when any of them deviates; empty when all agree. */
export async function checkGradient(op: OpCase): Promise<string[]> {
  const { gradientTolerance = GRADIENT_TOLERANCE } = op
  const wrt = gradientInputs(op)
  if (wrt.length === 0) return []
  const device = plainDevice('double')
  const named = await evaluateCase(device, op)
  const analytic = named.slice(named.length - wrt.length)
  const loss = lossOf(device, op)
  const rows: string[] = []
  let failed = false
  for (const [g, i] of wrt.entries()) {
    const places = probes(inputValues(op.inputs[i], i).length)
    const numeric: number[] = []
    for (const place of places) numeric.push(await slope(loss, i, place, op))
    const exact = places.map(p => analytic[g].values[p])
    const norm = Math.hypot(...exact)
    const error = Math.hypot(...exact.map((v, p) => v - numeric[p])) / Math.max(norm, Math.hypot(...numeric), 1e-12)
    const wrong = !(error <= gradientTolerance) && !(norm < 1e-9 && Math.hypot(...numeric) < 1e-9)
    failed ||= wrong
    const worst = places.reduce((w, _, p) => (Math.abs(exact[p] - numeric[p]) > Math.abs(exact[w] - numeric[w]) ? p : w), 0)
    rows.push(
      `  input ${i} ${showShape(op.inputs[i].shape)}: relative error ${error.toExponential(1)}${wrong ? ` > ${gradientTolerance}` : ''}; ` +
        `worst at ${places[worst]}: ${exact[worst]} by gradient, ${numeric[worst]} by differences`,
    )
  }
  return failed ? [`${op.name}: gradient of the reference deviates from central differences`, ...rows] : []
}

type Loss = (input: number, place: number, value: number) => Promise<number>

/** Σ cotangent · output as a function of one changed input element. */
function lossOf(device: Device, op: OpCase): Loss {
  const values = op.inputs.map((spec, i) => inputValues(spec, i))
  const storages = values.map(v => new Storage(device, v.length, v instanceof Uint32Array ? 'u32' : 'f32'))
  for (const [i, storage] of storages.entries()) storage.write(values[i])
  const built = op.build(storages.map((s, i) => s.tensor(op.inputs[i].shape)))
  const outputs = Array.isArray(built) ? built : [built]
  const plan = compile(device, { outputs })
  return async (input, place, value) => {
    const changed = Float64Array.of(value) as unknown as Float32Array
    storages[input].write(changed, place)
    plan.run()
    let sum = 0
    for (const [k, y] of outputs.entries()) {
      if (y.dtype !== 'f32') continue
      const weights = cotangent(y.length, k)
      const numbers = await plan.read(y)
      for (let j = 0; j < numbers.length; j++) sum += weights[j] * numbers[j]
    }
    storages[input].write(values[input].subarray(place, place + 1), place)
    return sum
  }
}

/** Five-point central difference: O(step^4). */
async function slope(loss: Loss, input: number, place: number, op: OpCase): Promise<number> {
  const at = inputValues(op.inputs[input], input)[place]
  const h = (op.step ?? STEP) * Math.max(1, Math.abs(at))
  const [a, b, c, d] = [
    await loss(input, place, at + h),
    await loss(input, place, at - h),
    await loss(input, place, at + 2 * h),
    await loss(input, place, at - 2 * h),
  ]
  return (8 * (a - b) - (c - d)) / (12 * h)
}

function probes(length: number): number[] {
  const count = Math.min(length, PROBES)
  return Array.from({ length: count }, (_, i) => Math.floor((i * length) / count))
}
