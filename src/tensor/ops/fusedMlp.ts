/**
 * A multi-layer perceptron of narrow layers as one operation: hidden layers with ReLU or none, and heads (outputs) on any of them. On a GPU a forward pass is one
 * dispatch and a gradient few, where dense layers (dense.ts), the simple version, take one and three per layer. Kernels: fusedMlpForwardWgsl, fusedMlpBackwardWgsl.
 */
import { apply, type Op } from '../op.ts'
import { elements, lastAxis, type Numbers, reshape, rowCount, showShape, type Tensor, type TensorType } from '../tensor.ts'
import { activate, slope } from './dense.ts'
import { fusedBackward } from './fusedMlpBackwardWgsl.ts'
import { fusedForward } from './fusedMlpForwardWgsl.ts'
import { inputCount, keptLayout, keptRanges, type MlpMatrix, type MlpShape, mlpInputs, mlpMatrices } from './fusedMlpLayout.ts'
import type { MlpWants } from './fusedMlpSums.ts'
import { type BlockTiling, tileOf } from './fusedMlpTile.ts'
import { matrixBackward } from './matrixMlpBackwardWgsl.ts'
import { matrixForward, packedWords, tileFor } from './matrixMlpForwardWgsl.ts'
import type { MatrixTiling } from './matrixMlpTile.ts'
import { sumRowGroups } from './rows.ts'

export type { MlpHead, MlpLayer, MlpShape } from './fusedMlpLayout.ts'
export type { BlockTiling } from './fusedMlpTile.ts'
export type { MatrixTiling } from './matrixMlpTile.ts'

export type MlpTiling = BlockTiling | MatrixTiling

interface Attrs {
  readonly shape: MlpShape
  readonly tiling: MlpTiling
}

const FUSED_MLP: Op<Attrs> = {
  name: 'fusedMlp',
  shape: ([x, ...rest], { shape }) => {
    const matrices = mlpMatrices(shape)
    const [first, second] = mlpInputs(shape)
    const parameters = second ? rest.slice(0, -1) : rest
    if (x.shape.length === 0 || lastAxis(x.shape) !== first.nIn) throw new Error(`fusedMlp: rows ${showShape(x.shape)}, but ${first.nIn} inputs`)
    const codes = rest[rest.length - 1]
    if (second && (lastAxis(codes.shape) !== second.nIn || rowCount(codes.shape) * second.times !== rowCount(x.shape)))
      throw new Error(
        `fusedMlp: second rows ${showShape(codes.shape)}, each for ${second.times} of ${showShape(x.shape)}, but ${second.nIn} inputs from them`,
      )
    if (parameters.length !== 2 * matrices.length)
      throw new Error(`fusedMlp: ${parameters.length} parameters; need a kernel and a bias for each of ${matrices.length} layers and heads`)
    for (const [i, { nIn, nOut }] of matrices.entries()) {
      const [w, b] = [parameters[2 * i], parameters[2 * i + 1]]
      if (w.shape.length !== 2 || w.shape[0] !== nIn || w.shape[1] !== nOut || elements(b.shape) !== nOut)
        throw new Error(`fusedMlp: kernel ${showShape(w.shape)} and bias ${showShape(b.shape)} where [${nIn}, ${nOut}] and [${nOut}] belong`)
    }
    return matrices.flatMap(({ head, nOut }): TensorType[] => (head ? [{ shape: [...x.shape.slice(0, -1), nOut], dtype: 'f32' }] : []))
  },
  extras: ([x], { shape, tiling }) => {
    const rows = rowCount(x.shape)
    if (tiling.units === 'blocks') {
      const { W, R } = tileOf(shape, tiling)
      const { tile } = keptLayout(shape, W, R)
      return keptRanges(shape, rows, tiling, 16).map(({ begin, end }) => ({ shape: [end - begin, 4 * tile], dtype: 'f32' }))
    }
    const matrix = tileFor(shape, tiling)
    const { tile } = keptLayout(shape, matrix.W, matrix.R)
    const kept = keptRanges(shape, rows, tiling, 8).map(({ begin, end }): TensorType => ({ shape: [end - begin, 2 * tile], dtype: 'u32' }))
    return [{ shape: [packedWords(shape, matrix)], dtype: 'u32' }, ...kept]
  },
  wgsl: ({ inputs: [x], outputs }, { shape, tiling }, { storageBuffers }) => {
    const keep = outputs.length > mlpMatrices(shape).filter(m => m.head).length
    const rows = rowCount(x.shape)
    return tiling.units === 'blocks'
      ? fusedForward(shape, rows, tiling, keep, storageBuffers)
      : matrixForward(shape, rows, tiling, keep, storageBuffers)
  },
  reference: (given, outputs, { inputs }, { shape }) => {
    const matrices = mlpMatrices(shape)
    const parameters = given.slice(1, 1 + 2 * matrices.length)
    for (let row = 0; row < rowCount(inputs[0].shape); row++) {
      const { values } = forwardRow(shape, matrices, inputRow(shape, given, row), parameters)
      for (const [i, { head, nOut }] of matrices.entries()) if (head) outputs[head.output].set(values[i], row * nOut)
    }
  },
  backward: ({ inputs, grads, needs, attrs, extras }) => {
    const { shape } = attrs
    const dys = grads.filter(g => g !== undefined)
    if (dys.length === 0) return []
    const heads = mlpMatrices(shape).filter(m => m.head).length
    const own = mlpInputs(shape)
    const parameters = 2 * mlpMatrices(shape).length
    const wants: MlpWants = {
      inputs: own.map(({ index }) => needs[index]),
      weights: needs.slice(1, 1 + parameters).some(n => n),
      heads: Array.from({ length: heads }, (_, o) => grads[o] !== undefined),
    }
    const made = apply(FUSED_MLP_BACKWARD, [...inputs, ...dys, ...extras()], { ...attrs, wants })
    const [first, second] = own.map(({ times }, i) => {
      const dx = wants.inputs[i] ? made.shift() : undefined
      return dx && times > 1 ? sumRowGroups(dx, times) : dx
    })
    const weights = wants.weights ? made : new Array<undefined>(parameters).fill(undefined)
    return [first, ...weights, second && reshape(second, inputs[inputs.length - 1].shape)]
  },
}

/**
 * Inputs of the operation, gradients of the wanted heads and what the forward pass left; outputs the wanted inputs' gradients, each with all rows, then dW and db of
 * everything (when wanted).
 */
const FUSED_MLP_BACKWARD: Op<Attrs & { readonly wants: MlpWants }> = {
  name: 'fusedMlpBackward',
  shape: ([x, ...rest], { shape, wants }) => {
    const parameters = wants.weights ? rest.slice(0, 2 * mlpMatrices(shape).length) : []
    const inputs = mlpInputs(shape).filter((_, i) => wants.inputs[i])
    return [...inputs.map(({ nIn }) => [...x.shape.slice(0, -1), nIn]), ...parameters.map(p => p.shape)].map(
      (dims): TensorType => ({ shape: dims, dtype: 'f32' }),
    )
  },
  wgsl: ({ inputs: [x] }, { shape, tiling, wants }, { storageBuffers }) => {
    const rows = rowCount(x.shape)
    return tiling.units === 'blocks'
      ? fusedBackward(shape, rows, tiling, wants, storageBuffers)
      : matrixBackward(shape, rows, tiling, wants, storageBuffers)
  },
  reference: (given, outputs, { inputs }, { shape, wants }) => {
    const matrices = mlpMatrices(shape)
    const parameters = given.slice(1, 1 + 2 * matrices.length)
    const dys = given.slice(inputCount(shape))
    const heads = wants.heads.flatMap((wanted, o) => (wanted ? [o] : []))
    const wanted = mlpInputs(shape).filter((_, i) => wants.inputs[i])
    const sums = parameters.map(p => new Float64Array(p.length))
    for (let row = 0; row < rowCount(inputs[0].shape); row++) {
      const dx = backwardRow(shape, matrices, inputRow(shape, given, row), parameters, sums, ({ head, nOut }) =>
        head && wants.heads[head.output] ? dys[heads.indexOf(head.output)].subarray(row * nOut, (row + 1) * nOut) : undefined,
      )
      for (const [i, { begin, nIn }] of wanted.entries()) outputs[i].set(dx.subarray(begin, begin + nIn), row * nIn)
    }
    if (wants.weights) for (const [i, sum] of sums.entries()) outputs[i + wanted.length].set(sum)
  },
}

/** What the first layer sees of a row. */
function inputRow(shape: MlpShape, given: readonly Numbers[], row: number): Float64Array {
  const x = new Float64Array(shape.nIn)
  for (const { index, begin, nIn, times } of mlpInputs(shape)) {
    const from = Math.floor(row / times) * nIn
    x.set(given[index].subarray(from, from + nIn), begin)
  }
  return x
}

/** Values of every layer and head for one row, and the index of each layer's matrix. */
function forwardRow(
  { layers }: MlpShape,
  matrices: readonly MlpMatrix[],
  x: Float64Array,
  parameters: readonly Numbers[],
): { values: Float64Array[]; own: number[] } {
  const own = layers.map((_, l) => matrices.findIndex(m => m.layer === l && !m.head))
  const values: Float64Array[] = []
  for (const [i, { layer, nIn, nOut, activation, head }] of matrices.entries()) {
    const from = head ? values[own[layer]] : layer === 0 ? x : values[own[layer - 1]]
    const z = Float64Array.from(parameters[2 * i + 1])
    for (let k = 0; k < nIn; k++) for (let o = 0; o < nOut; o++) z[o] += from[k] * parameters[2 * i][k * nOut + o]
    values.push(z.map(activate[activation]))
  }
  return { values, own }
}

/** Adds a row to the sums of dW and db, and gives its dx. */
function backwardRow(
  shape: MlpShape,
  matrices: readonly MlpMatrix[],
  x: Float64Array,
  parameters: readonly Numbers[],
  sums: readonly Float64Array[],
  gradientOf: (head: MlpMatrix) => Numbers | undefined,
): Float64Array {
  const { values, own } = forwardRow(shape, matrices, x, parameters)
  const dx = new Float64Array(shape.nIn)
  const gradients = values.map((v, i) => Float64Array.from(gradientOf(matrices[i]) ?? v.map(() => 0)))
  // heads come after the layer they hang on, and layers after the one before, so that a layer's gradient is whole when its turn comes
  for (let i = matrices.length - 1; i >= 0; i--) {
    const { layer, nIn, nOut, activation, head } = matrices[i]
    const below = head ? own[layer] : layer === 0 ? undefined : own[layer - 1]
    const from = below === undefined ? x : values[below]
    const to = below === undefined ? dx : gradients[below]
    const dz = gradients[i].map((dy, o) => dy * slope[activation](values[i][o]))
    for (let k = 0; k < nIn; k++) {
      for (let o = 0; o < nOut; o++) {
        to[k] += dz[o] * parameters[2 * i][k * nOut + o]
        sums[2 * i][k * nOut + o] += from[k] * dz[o]
      }
    }
    for (let o = 0; o < nOut; o++) sums[2 * i + 1][o] += dz[o]
  }
  return dx
}

/**
 * x [..., nIn] through the layers -> the heads' outputs [..., nOut] in order. `parameters` are kernel [in, out] and bias [out] of every layer followed by those of
 * its heads. Throws when sizes do not fit the shape, or the shape no tile.
 * @param second further inputs [rows / times, c] of the first layer after x; `shape` says so
 */
export function fusedMlp(x: Tensor, parameters: readonly Tensor[], shape: MlpShape, tiling: MlpTiling, second?: Tensor): Tensor[] {
  if (tiling.units === 'blocks') tileOf(shape, tiling)
  else tileFor(shape, tiling)
  if ((second === undefined) !== (shape.second === undefined))
    throw new Error(`fusedMlp: ${second ? 'a second input' : 'no second input'}, but the shape ${shape.second ? 'has one' : 'has none'}`)
  return apply(FUSED_MLP, [x, ...parameters, ...(second ? [second] : [])], { shape, tiling })
}
