/**
 * Sparse robust least squares by Levenberg and Marquardt: parameters that few residuals share come first (poses in order of time), those that
 * all share (shape, focal length) last, and the normal equations are factored inside their envelope, which such an order keeps narrow.
 */

/** Some residuals and the parameters they depend on. */
export interface ResidualBlock {
  /** Which parameters, in the order in which `evaluate` gets them. */
  parameters: readonly number[]
  /** Residuals, in units of their standard deviation. Must be smooth: derivatives are taken by differences. */
  evaluate(values: Float64Array, out: Float64Array): void
  /** How many residuals. */
  size: number
  /** Length beyond which a block counts less and less (Cauchy's loss), in standard deviations; absent: plain squares. */
  cauchy?: number
}

export interface SolveOptions {
  iterations?: number
  /** Ends when a step lowers the cost by less than this share. */
  tolerance?: number
  /** Steps for the differences, by parameter. */
  step?: number
  /** Called after each accepted step. */
  onStep?: (iteration: number, cost: number) => void
}

/** Solves in place. Returns the final cost. Throws when the start gives residuals that are not finite. */
export function solveLeastSquares(
  parameters: Float64Array,
  blocks: readonly ResidualBlock[],
  { iterations = 50, tolerance = 1e-6, step = 1e-6, onStep }: SolveOptions = {},
): number {
  const envelope = envelopeOf(parameters.length, blocks)
  let cost = totalCost(parameters, blocks)
  if (!Number.isFinite(cost)) throw new Error(`least squares: the start has cost ${cost}; begin from finite parameters`)
  let damping = 1e-3
  for (let iteration = 0; iteration < iterations; iteration++) {
    const { matrix, gradient } = normalEquations(parameters, blocks, envelope, step)
    let lowered = 0
    while (damping < 1e12) {
      const change = solveDamped(matrix, gradient, envelope, damping)
      const trial = parameters.map((value, i) => value + change[i])
      const trialCost = totalCost(trial, blocks)
      if (trialCost < cost) {
        lowered = (cost - trialCost) / cost
        parameters.set(trial)
        cost = trialCost
        damping = Math.max(1e-9, damping / 5)
        break
      }
      damping *= 4
    }
    if (lowered > 0) onStep?.(iteration, cost)
    if (lowered < tolerance) break
  }
  return cost
}

/** Rows of a symmetric matrix from their first entry that is not zero to the diagonal. */
interface Envelope {
  first: Int32Array
  /** Where row i's entry of column 0 would lie: entry (i, j) is at start[i] + j. */
  start: Int32Array
  length: number
}

function envelopeOf(count: number, blocks: readonly ResidualBlock[]): Envelope {
  const first = Int32Array.from({ length: count }, (_, i) => i)
  for (const { parameters } of blocks) {
    const least = Math.min(...parameters)
    for (const p of parameters) first[p] = Math.min(first[p], least)
  }
  const start = new Int32Array(count)
  let length = 0
  for (let i = 0; i < count; i++) {
    start[i] = length - first[i]
    length += i - first[i] + 1
  }
  return { first, start, length }
}

function totalCost(parameters: Float64Array, blocks: readonly ResidualBlock[]): number {
  let cost = 0
  for (const block of blocks) {
    const out = new Float64Array(block.size)
    block.evaluate(gather(parameters, block), out)
    const squares = out.reduce((sum, r) => sum + r * r, 0)
    cost += block.cauchy === undefined ? squares : block.cauchy ** 2 * Math.log1p(squares / block.cauchy ** 2)
  }
  return cost
}

function gather(parameters: Float64Array, block: ResidualBlock): Float64Array {
  return Float64Array.from(block.parameters, p => parameters[p])
}

/** JᵀWJ inside the envelope and -JᵀWr; W are the weights of the robust loss at the present residuals. */
function normalEquations(
  parameters: Float64Array,
  blocks: readonly ResidualBlock[],
  { start, length }: Envelope,
  step: number,
): { matrix: Float64Array; gradient: Float64Array } {
  const matrix = new Float64Array(length)
  const gradient = new Float64Array(parameters.length)
  for (const block of blocks) {
    const values = gather(parameters, block)
    const residuals = new Float64Array(block.size)
    block.evaluate(values, residuals)
    const squares = residuals.reduce((sum, r) => sum + r * r, 0)
    const weight = block.cauchy === undefined ? 1 : 1 / (1 + squares / block.cauchy ** 2)
    const columns = block.parameters.map((_, i) => {
      const kept = values[i]
      const size = step * Math.max(1, Math.abs(kept))
      const ahead = new Float64Array(block.size)
      const behind = new Float64Array(block.size)
      values[i] = kept + size
      block.evaluate(values, ahead)
      values[i] = kept - size
      block.evaluate(values, behind)
      values[i] = kept
      return ahead.map((value, k) => (value - behind[k]) / (2 * size))
    })
    for (const [i, p] of block.parameters.entries()) {
      for (let k = 0; k < block.size; k++) gradient[p] -= weight * columns[i][k] * residuals[k]
      for (const [j, q] of block.parameters.entries()) {
        if (q > p) continue
        let sum = 0
        for (let k = 0; k < block.size; k++) sum += columns[i][k] * columns[j][k]
        matrix[start[p] + q] += weight * sum
      }
    }
  }
  return { matrix, gradient }
}

/** (A + damping · diag A) x = b by Cholesky factorisation inside the envelope. */
function solveDamped(matrix: Float64Array, right: Float64Array, { first, start }: Envelope, damping: number): Float64Array {
  const count = right.length
  const factor = matrix.slice()
  const x = right.slice()
  for (let i = 0; i < count; i++) {
    const row = start[i]
    factor[row + i] = matrix[row + i] * (1 + damping) + 1e-12
    for (let j = first[i]; j <= i; j++) {
      let sum = factor[row + j]
      const other = start[j]
      for (let k = Math.max(first[i], first[j]); k < j; k++) sum -= factor[row + k] * factor[other + k]
      factor[row + j] = j < i ? sum / factor[other + j] : Math.sqrt(Math.max(sum, 1e-12))
    }
    let sum = x[i]
    for (let k = first[i]; k < i; k++) sum -= factor[row + k] * x[k]
    x[i] = sum / factor[row + i]
  }
  for (let i = count - 1; i >= 0; i--) {
    x[i] /= factor[start[i] + i]
    for (let k = first[i]; k < i; k++) x[k] -= factor[start[i] + k] * x[i]
  }
  return x
}
