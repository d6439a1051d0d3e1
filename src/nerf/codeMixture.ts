/** A weighted sum of code fields whose weights may change between pictures without recording anything anew: strengths that slide, expressions that pass into each other. */
import { Storage } from '../tensor/device.ts'
import { add, mul } from '../tensor/ops/elementwise.ts'
import { repeatRows } from '../tensor/ops/rows.ts'
import { rowCount, type Tensor } from '../tensor/tensor.ts'
import type { CodeField } from './codeField.ts'
import type { SceneManipulator } from './sceneManipulator.ts'

/** Code fields, summed by weights that may change. */
export interface CodeMixture extends Disposable {
  /** Σ_k s_k · field_k(x). */
  readonly codes: CodeField
  /** One weight per field; weights that sum to 1 mix, and (1 − s, s) of w_R and an edit shows the edit at strength s. Throws for another count or a value that is not finite. */
  setWeights(weights: readonly number[]): void
}

/** Leaves begin at multiples of so many elements. */
const ALIGNED = 64

/** The mixture of at least one field; shows the first alone until weights are set. */
export function codeMixture(scene: SceneManipulator, fields: readonly CodeField[]): CodeMixture {
  if (fields.length === 0) throw new Error('codeMixture: no code fields; give at least one')
  const { codeSize } = scene.config
  const stride = ALIGNED * Math.ceil(codeSize / ALIGNED)
  const storage = new Storage(scene.device, stride * fields.length)
  // a weight is a row of its own number, so that products need no broadcasting
  const rows = fields.map((_, k) => storage.tensor([1, codeSize], k * stride))
  const setWeights = (weights: readonly number[]): void => {
    if (weights.length !== fields.length || !weights.every(Number.isFinite))
      throw new Error(`setWeights: [${weights.join(', ')}] for ${fields.length} code fields; give one finite number each`)
    storage.write(Float32Array.from({ length: storage.length }, (_, i) => weights[Math.floor(i / stride)]))
  }
  setWeights(fields.map((_, k) => (k === 0 ? 1 : 0)))
  const constants = fields.map(field => field.constant)
  const constant = constants.every(code => code !== undefined) ? sum(constants.map((code, k) => mul(code, rows[k]))) : undefined
  const mixed = (x: Tensor): Tensor => {
    const Q = rowCount(x.shape)
    if (constant) return repeatRows(constant, Q)
    return sum(fields.map((field, k) => (field.constant ? repeatRows(mul(field.constant, rows[k]), Q) : mul(field(x), repeatRows(rows[k], Q)))))
  }
  return { codes: constant ? Object.assign(mixed, { constant }) : mixed, setWeights, [Symbol.dispose]: () => storage.release() }
}

const sum = (parts: readonly Tensor[]): Tensor => parts.reduce((a, b) => add(a, b))
