import { readFileSync } from 'node:fs'
import { parseSafetensors } from '../src/io/safetensors.ts'

/** How far a result may be from the reference: `abs(x - ref) <= atol + rtol * abs(ref)` (test/golden/README.md). */
export interface GoldenTolerance {
  atol: number
  rtol: number
  /** Share of the values that may differ by more than 1e-4; 1 unless the file limits it (preprocess_bicubic: 0.01). */
  looseShare: number
  /** How far the reference itself strayed when it ran in float32; 0 where the file does not say. */
  deviation: number
}

/** One golden tensor; scalars have shape []. */
export interface GoldenTensor {
  shape: number[]
  data: Float32Array | Int32Array | Uint8Array
}

/** A fixture of test/golden: paths are `CASE/GROUP/TENSOR`. */
export interface Golden {
  name: string
  /** Settings of each case, by case name, as NAME.json has them. */
  cases: Record<string, Record<string, unknown>>
  tensors: Map<string, GoldenTensor>
  /** Tolerance of one tensor; tensors without one (inputs, integers) must be met exactly. */
  tolerance(path: string): GoldenTolerance
  /** Values as f32 (integers converted, exact below 2^24); throws for an unknown path. */
  get(path: string): Float32Array
  shape(path: string): number[]
}

const GOLDEN_FOLDER = new URL('./golden/', import.meta.url)

/** Load NAME.safetensors with NAME.json from `folder`, test/golden unless told otherwise. */
export function loadGolden(name: string, folder = GOLDEN_FOLDER): Golden {
  const description = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'))
  const file = parseSafetensors(readFileSync(new URL(`${name}.safetensors`, folder)), `${name}.safetensors`)
  const tensors = new Map<string, GoldenTensor>()
  for (const [path, { shape, data }] of file.tensors) {
    if (!(data instanceof Float32Array || data instanceof Int32Array || data instanceof Uint8Array)) {
      throw new Error(`${name}: "${path}" is neither float32, int32 nor uint8`)
    }
    tensors.set(path, { shape, data })
  }
  const find = (path: string): GoldenTensor => {
    const tensor = tensors.get(path)
    if (tensor) return tensor
    const siblings = [...tensors.keys()].filter(key => key.split('/')[0] === path.split('/')[0])
    throw new Error(`${name}: no tensor "${path}"; there are ${(siblings.length ? siblings : [...tensors.keys()]).slice(0, 60).join(', ')}`)
  }
  return {
    name,
    cases: description.cases,
    tensors,
    tolerance(path) {
      find(path)
      const { atol = 0, rtol = 0, note = '', float32_reference_max_abs_dev: deviation = 0 } = description.tensors[path] ?? {}
      const limited = /at most ([\d.]+) % of values may differ by more than 1e-4/.exec(note)
      return { atol, rtol, looseShare: limited ? Number(limited[1]) / 100 : 1, deviation }
    },
    get(path) {
      const { data } = find(path)
      return data instanceof Float32Array ? data : Float32Array.from(data)
    },
    shape: path => find(path).shape,
  }
}

/** Throw unless `actual` meets the golden tensor within its tolerance; the error names the worst element and how many fail. */
export function expectGolden(golden: Golden, path: string, actual: ArrayLike<number>): void {
  const expected = golden.get(path)
  const shape = golden.shape(path)
  const { atol, rtol, looseShare } = golden.tolerance(path)
  const where = `${golden.name} ${path}`
  if (actual.length !== expected.length) throw new Error(`${where}: ${actual.length} values, the golden [${shape}] has ${expected.length}`)
  let failed = 0
  let loose = 0
  let worst = -1
  let worstRatio = 0
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i] - expected[i])
    const same = difference === 0 || Object.is(actual[i], expected[i])
    const measured = same ? 0 : difference / (atol + rtol * Math.abs(expected[i]))
    const ratio = Number.isNaN(measured) ? Number.POSITIVE_INFINITY : measured
    if (!same && !(difference <= 1e-4)) loose++
    if (ratio <= 1) continue
    failed++
    if (ratio > worstRatio) {
      worst = i
      worstRatio = ratio
    }
  }
  if (failed > 0) {
    throw new Error(
      `${where}: ${failed} of ${expected.length} values are off; worst at [${unflatten(worst, shape)}]: got ${actual[worst]}, ` +
        `expected ${expected[worst]}, difference ${Math.abs(actual[worst] - expected[worst])} is ${worstRatio.toPrecision(3)} × the tolerance (atol ${atol}, rtol ${rtol})`,
    )
  }
  if (loose > looseShare * expected.length) {
    throw new Error(`${where}: ${loose} of ${expected.length} values differ by more than 1e-4; at most ${100 * looseShare} % may`)
  }
}

function unflatten(index: number, shape: number[]): number[] {
  const at: number[] = []
  let rest = index
  for (const size of [...shape].reverse()) {
    at.unshift(rest % size)
    rest = Math.floor(rest / size)
  }
  return at
}
