/**
 * Gradient of a fused MLP on matrix units: as fusedMlpBackwardWgsl, with f16 operands and f32 sums. Gradients are scaled by a power of two, found from the largest that
 * comes in, so that they use f16's range; sums of dW stay in the subgroups' registers over all tiles of a workgroup.
 */
import { type Dispatch, input, output, type Ref, scratch, type WgslWork } from '../tensor.ts'
import { SLOPE_WGSL } from './dense.ts'
import { inputGradients, type Share, turnsOf } from './fusedMlpBackwardWgsl.ts'
import {
  headColumns,
  inputCount,
  type KeptLayout,
  keptLayout,
  keptRanges,
  type MlpInput,
  type MlpMatrix,
  type MlpShape,
  mlpInputs,
  mlpMatrices,
  type Packing,
  pad4,
} from './fusedMlpLayout.ts'
import { type MlpWants, type Turn, turnFlops } from './fusedMlpSums.ts'
import { largestKernels, largestLength } from './largest.ts'
import { loadRows, readSums, tileFor } from './matrixMlpForwardWgsl.ts'
import {
  EDGE,
  HALVES,
  HEADS,
  loadSquare,
  MATRIX_PARAMETERS,
  type MatrixTile,
  type MatrixTiling,
  matrixDispatch,
  matrixPacking,
  squareOf,
  storeSquare,
  stripOf,
} from './matrixMlpTile.ts'
import { sumSlices } from './sumSlices.ts'
import { type Binding, bindingHeader, COMPONENTS, text, times } from './wgsl.ts'

/** Bytes of workgroup memory. */
export const matrixBackwardMemory = ({ R, inputStride, gradientStride, sumStride }: MatrixTile): number =>
  R * (2 * inputStride + 2 * gradientStride + 4 * sumStride)

interface Context {
  readonly shape: MlpShape
  readonly rows: number
  readonly tile: MatrixTile
  readonly packing: Packing
  readonly kept: KeptLayout
  readonly wants: MlpWants
  readonly matrices: readonly MlpMatrix[]
  /** Where padded sums of dW and of db begin in a workgroup's partial sum, by matrix (heads of a layer share one), and its length. */
  readonly sums: { readonly kernel: readonly number[]; readonly bias: readonly number[]; readonly length: number }
}

/** Inputs x, every matrix and bias, the gradients of the wanted heads, the packed weights, then the kept activations, range by range; outputs dx (when wanted), then (when wanted) dW and db of every matrix. */
export function matrixBackward(shape: MlpShape, rows: number, tiling: MatrixTiling, wants: MlpWants, buffers: number): WgslWork {
  const tile = tileFor(shape, tiling)
  const { W, R, nIn16 } = tile
  const matrices = mlpMatrices(shape)
  let length = 0
  const take = (n: number): number => {
    length += n
    return length - n
  }
  const layerSums = shape.layers.map((_, l) => ({
    kernel: take((l === 0 ? nIn16 : W) * W),
    bias: take(W),
    headKernel: take(W * HEADS),
    headBias: take(HEADS),
  }))
  const sums = {
    kernel: matrices.map(m => (m.head ? layerSums[m.layer].headKernel + m.head.column : layerSums[m.layer].kernel)),
    bias: matrices.map(m => (m.head ? layerSums[m.layer].headBias + m.head.column : layerSums[m.layer].bias)),
    length,
  }
  const context: Context = { shape, rows, tile, packing: matrixPacking(shape, W), kept: keptLayout(shape, W, R), wants, matrices, sums }
  const tiles = Math.ceil(rows / R)
  const ranges = keptRanges(shape, rows, tiling, 8)
  const groups = ranges.map(({ begin, end }) => Math.min(end - begin, Math.ceil(tiling.groups / ranges.length)))
  const slices = groups.reduce((sum, g) => sum + g, 0)
  const parts = turnsOf(shape, tiling.layersPerDispatch)
  const handed = (tiles * W * R) / 2
  const given = wants.heads.flatMap((wanted, o) => (wanted ? [o] : []))
  const sources = given.map((o, i) => ({ ref: gradientInput(context, i), length: rows * (matrices.find(m => m.head?.output === o)?.nOut ?? 0) }))
  const dispatches = [
    ...largestKernels({
      labels: ['mlpLargest', 'mlpScale'],
      sources,
      partial: scratch(4),
      out: scratch(0),
      // the largest becomes 2^7 to 2^8: room above for what the layers before make of it, 31 binary orders below; all ones is NaN
      finish: `let e = clamp(largest >> 23u, 30u, 254u);
  made[0] = (261u - e) << 23u;
  made[1] = select((e - 7u) << 23u, 0xffffffffu, largest >= 0x7f800000u);`,
    }),
    ...ranges.flatMap((range, r) =>
      parts.map((turns, i) =>
        tileKernel(context, turns, given, {
          range,
          keptIndex: r,
          groups: groups[r],
          firstSlice: groups.slice(0, r).reduce((sum, g) => sum + g, 0),
          dzIn: i > 0 ? scratch(2 + ((i - 1) % 2)) : undefined,
          out: i < parts.length - 1 ? scratch(2 + (i % 2)) : undefined,
        }),
      ),
    ),
    ...(wants.weights ? sumKernels(context, slices, buffers) : []),
  ]
  const scratches = [2, wants.weights ? slices * length : 0, parts.length > 1 ? handed : 0, parts.length > 2 ? handed : 0, largestLength(sources)]
  return { scratch: scratches, dispatches }
}

const gradientInput = ({ shape }: Pick<Context, 'shape'>, i: number): Ref => input(inputCount(shape) + i)

function tileKernel(
  context: Context,
  turns: readonly Turn[],
  given: readonly number[],
  { range, keptIndex, groups, firstSlice, dzIn, out }: Share,
): Dispatch {
  const { shape, tile, kept, wants, matrices } = context
  const left = inputCount(shape) + given.length
  const { R, W, threads, across, inputStride, gradientStride, sumStride } = tile
  const toInput = turns[turns.length - 1].to === 'x'
  const heads = matrices.flatMap(m => (m.head && given.includes(m.head.output) && turns.some(t => t.heads === m.layer) ? [m.head.output] : []))
  const reads: Binding[] = [
    ...(toInput && wants.weights ? mlpInputs(shape).map(({ name, index }) => ({ name, ref: input(index) })) : []),
    { name: 'kept', ref: input(left + 1 + keptIndex), element: 'vec2u' },
    { name: 'packed', ref: input(left), element: 'f16' },
    ...heads.map(o => ({ name: `dy${o}`, ref: gradientInput(context, given.indexOf(o)) })),
    ...(dzIn ? [{ name: 'dzIn', ref: dzIn, element: 'vec2u' }] : []),
    { name: 'scale', ref: scratch(0) },
  ]
  const writes: Binding[] = [
    ...(out ? [{ name: 'made', ref: out, element: 'vec2u' }] : []),
    ...(toInput ? inputGradients(shape, wants) : []),
    ...(wants.weights ? [{ name: 'partial', ref: scratch(1) }] : []),
  ]
  const code = `${bindingHeader(reads, writes)}
${HALVES}const across = ${across}u;
var<workgroup> below: array<f16, ${R * inputStride}>;
var<workgroup> dz: array<f16, ${R * gradientStride}>;
var<workgroup> sums: array<f32, ${R * sumStride}>;
@compute @workgroup_size(${threads}) fn main(${MATRIX_PARAMETERS}) {
${wants.weights ? turns.map(turn => sumsHeader(context, turn)).join('\n') : ''}
  for (var t = ${range.begin}u + group.x; t < ${range.end}u; t += ${groups}u) {
    let row0 = t * ${R}u;
    let keptAt = (t - ${range.begin}u) * ${kept.tile}u;
${dzIn ? copyHalves(tile, 'dz', gradientStride, 'dzIn', `t * ${(W * R) / 4}u`) : ''}
${turns.map((turn, i) => turnPart(context, turn, i === turns.length - 1, out !== undefined || (toInput && wants.inputs.some(w => w)))).join('\n')}
  }
${wants.weights ? turns.map(turn => storeSums(context, turn, firstSlice)).join('\n') : ''}
}`
  return matrixDispatch(
    'mlpBackwardMatrix',
    code,
    [...reads, ...writes].map(b => b.ref),
    groups,
    turnFlops(matrices, turns, wants, Math.min(range.end * R, context.rows) - range.begin * R),
  )
}

/** A tile [R, W] of halves into workgroup memory. */
const copyHalves = ({ R, W, threads }: MatrixTile, to: string, stride: number, from: string, at: string): string =>
  `    for (var i = index; i < ${(R * W) / 4}u; i += ${threads}u) {
      let v = fromHalves(${from}[${at} + i]);
      let to = i / ${W / 4}u * ${stride}u + i % ${W / 4}u * 4u;
${text(4, q => `      ${to}[to + ${q}u] = f16(v.${COMPONENTS[q]});`)}
    }`

function turnPart(context: Context, turn: Turn, isLast: boolean, hasOut: boolean): string {
  const { shape, rows, tile, kept, wants } = context
  const { from, heads, to } = turn
  const load =
    from === 'x'
      ? wants.weights
        ? loadRows('below', tile, rows, shape)
        : ''
      : copyHalves(tile, 'below', tile.inputStride, 'kept', `keptAt + ${kept.layer[from]}u`)
  const needed = !isLast || hasOut
  return `${load}
${heads === undefined ? '' : headGradients(context, heads)}
    workgroupBarrier();
${wants.weights ? addSums(context, turn) : ''}
${needed ? (to === 'x' ? inputGradient(context) : layerGradient(context, turn, to, isLast)) : ''}
    workgroupBarrier();`
}

/** The heads' scaled dz, behind the columns of the layer's. */
function headGradients({ shape, rows, tile, kept, wants, matrices }: Context, layer: number): string {
  const { R, W, threads, gradientStride } = tile
  const h4 = pad4(headColumns(shape.layers[layer])) / 4
  const cases = matrices.flatMap(({ layer: on, head, nOut, activation }) => {
    if (on !== layer || !head || !wants.heads[head.output]) return []
    const keptAt = kept.heads[layer]
    const value = keptAt === undefined ? '0.0' : `fromHalves(kept[keptAt + ${keptAt}u + r * ${h4}u + (c >> 2u)])[c & 3u]`
    const slope = activation === 'none' ? '' : ` * (${SLOPE_WGSL[activation].replaceAll(/\br\b/g, () => value)})`
    return [
      `      if (c >= ${head.column}u && c < ${head.column + nOut}u && row0 + r < ${rows}u) { v = dy${head.output}[(row0 + r) * ${nOut}u + c - ${head.column}u]${slope} * scale[0]; }`,
    ]
  })
  return `    for (var i = index; i < ${R * HEADS}u; i += ${threads}u) {
      let r = i / ${HEADS}u;
      let c = i % ${HEADS}u;
      var v = 0.0;
${cases.join('\n')}
      dz[r * ${gradientStride}u + ${W}u + c] = f16(clamp(v, -65504.0, 65504.0));
    }`
}

/** dz of hidden layer `to`: from the layer above and from the heads on `to` itself, where its output is not cut off by the ReLU. */
function layerGradient({ shape, tile, packing, wants }: Context, { wide, heads }: Turn, to: number, isLast: boolean): string {
  const { R, W, threads, strips, squares, inputStride, gradientStride, sumStride } = tile
  const eachSquare = (line: (t: number, u: number) => string): string => times(strips, t => text(squares, u => line(t, u))).join('\n')
  const product = (firstColumn: number, depth: number, weights: number, stride: number): string => `      for (var k = 0u; k < ${depth}u; k++) {
${text(strips, t => `        let a${t} = ${loadSquare('Left', 'row', 'dz', `${stripOf(tile, t)} * ${EDGE * gradientStride}u + ${firstColumn}u + k * ${EDGE}u`, gradientStride)};`)}
${text(squares, u => `        let b${u} = ${loadSquare('Right', 'col', 'packed', `${weights}u + ${squareOf(tile, u)} * ${EDGE * stride}u + k * ${EDGE}u`, stride)};`)}
${eachSquare((t, u) => `        c_${t}_${u} = multiply(a${t}, b${u}, c_${t}_${u});`)}
      }`
  const mask = shape.layers[to].activation === 'relu'
  const store = isLast
    ? `made[t * ${(W * R) / 4}u + i] = toHalves(d);`
    : text(4, q => `      dz[r * ${gradientStride}u + c + ${q}u] = f16(d.${COMPONENTS[q]});`)
  return `    {
${eachSquare((t, u) => `      var c_${t}_${u} = Sum();`)}
${wide === undefined ? '' : product(0, W / EDGE, packing.kernel[wide], W)}
${heads === undefined || !wants.heads.some(w => w) ? '' : product(W, 1, packing.headKernel[heads], HEADS)}
${eachSquare((t, u) => `      ${storeSquare('sums', `${stripOf(tile, t)} * ${EDGE * sumStride}u + ${squareOf(tile, u)} * ${EDGE}u`, `c_${t}_${u}`, sumStride)}`)}
    }
    workgroupBarrier();
    for (var i = index; i < ${(R * W) / 4}u; i += ${threads}u) {
      let r = i / ${W / 4}u;
      let c = i % ${W / 4}u * 4u;
      var d = finite(${readSums(sumStride)});
${mask ? `      let h = vec4f(${times(4, q => `f32(below[r * ${inputStride}u + c + ${q}u])`).join(', ')});\n      d = select(vec4f(), d, h > vec4f());` : ''}
${store}
    }`
}

/** dx, from the first layer's dz: every subgroup takes squares of its own. */
function inputGradient({ shape, rows, tile, packing, wants }: Context): string {
  const { nIn } = shape
  const { R, W, nIn16, threads, strips, across, gradientStride, sumStride } = tile
  const store = ({ name, begin, nIn: columns }: MlpInput): string =>
    `        if (c >= ${begin}u && c < ${begin + columns}u) { ${name}Gradient[(row0 + r) * ${columns}u + c - ${begin}u] = sums[r * ${sumStride}u + c] * scale[1]; }`
  return `    for (var u = sub % across; u < ${nIn16 / EDGE}u; u += ${across}u) {
${text(strips, t => `      var c${t} = Sum();`)}
      for (var k = 0u; k < ${W / EDGE}u; k++) {
        let b = ${loadSquare('Right', 'col', 'packed', `${packing.kernel[0]}u + u * ${EDGE * W}u + k * ${EDGE}u`, W)};
${text(strips, t => `        let a${t} = ${loadSquare('Left', 'row', 'dz', `${stripOf(tile, t)} * ${EDGE * gradientStride}u + k * ${EDGE}u`, gradientStride)};`)}
${text(strips, t => `        c${t} = multiply(a${t}, b, c${t});`)}
      }
${text(strips, t => `      ${storeSquare('sums', `${stripOf(tile, t)} * ${EDGE * sumStride}u + u * ${EDGE}u`, `c${t}`, sumStride)}`)}
    }
    workgroupBarrier();
    for (var i = index; i < ${R * nIn}u; i += ${threads}u) {
      let r = i / ${nIn}u;
      let c = i % ${nIn}u;
      if (row0 + r < ${rows}u) {
${mlpInputs(shape)
  .filter((_, i) => wants.inputs[i])
  .map(store)
  .join('\n')}
      }
    }`
}

// ---- Sums of dW, squares dealt to the subgroups, and of db, a share of the rows of one column to each invocation.

const depthOf = ({ tile: { W, nIn16 } }: Context, layer: number): number => (layer === 0 ? nIn16 : W) / EDGE
/** Squares of a layer's and of a heads' kernel that a subgroup has at most. */
const ownSquares = (context: Context, layer: number): number =>
  Math.ceil((depthOf(context, layer) * (context.tile.W / EDGE)) / context.tile.subgroups)
const headSquares = ({ tile: { W, subgroups } }: Context): number => Math.ceil(W / EDGE / subgroups)

function sumsHeader(context: Context, { wide, heads }: Turn): string {
  const lines = [
    ...(wide === undefined
      ? []
      : [text(ownSquares(context, wide), j => `  var w${wide}_${j} = Sum();`), text(biasTurns(context), j => `  var bias${wide}_${j} = 0.0;`)]),
    ...(heads === undefined ? [] : [text(headSquares(context), j => `  var head${heads}_${j} = Sum();`), `  var headBias${heads} = 0.0;`]),
  ]
  return lines.join('\n')
}

/** How many invocations share a column's rows, and columns that one invocation has where there are fewer invocations than columns. */
const shareOf = (threads: number, columns: number, R: number): number => Math.min(R, Math.max(1, Math.floor(threads / columns)))
const biasTurns = ({ tile: { W, threads } }: Context): number => Math.ceil(W / threads)

function addSums(context: Context, { wide, heads }: Turn): string {
  const { tile } = context
  const { R, W, threads, subgroups, inputStride, gradientStride } = tile
  const right = (column: string): string => loadSquare('Right', 'row', 'dz', `s * ${EDGE * gradientStride}u + ${column}`, gradientStride)
  const left = (square: string): string => loadSquare('Left', 'col', 'below', `s * ${EDGE * inputStride}u + ${square} * ${EDGE}u`, inputStride)
  const columnSum = (name: string, i: string, columns: number, first: number): string => {
    const shares = shareOf(threads, columns, R)
    return `    if (${i} < ${columns * shares}u) {
      let c = ${i} % ${columns}u + ${first}u;
      let begin = ${i} / ${columns}u * ${R / shares}u;
      for (var r = begin; r < begin + ${R / shares}u; r++) { ${name} += f32(dz[r * ${gradientStride}u + c]); }
    }`
  }
  const parts: string[] = []
  if (wide !== undefined) {
    const squares = depthOf(context, wide) * (W / EDGE)
    const across = W / EDGE
    const whole = (j: number): boolean => (j + 1) * subgroups <= squares
    parts.push(`    for (var s = 0u; s < ${R / EDGE}u; s++) {
${text(ownSquares(context, wide), j => {
  const own = `(sub + ${j * subgroups}u)`
  const line = `w${wide}_${j} = multiply(${left(`(${own} / ${across}u)`)}, ${right(`${own} % ${across}u * ${EDGE}u`)}, w${wide}_${j});`
  return whole(j) ? `      ${line}` : `      if (${own} < ${squares}u) { ${line} }`
})}
    }`)
    parts.push(text(biasTurns(context), j => columnSum(`bias${wide}_${j}`, `(index + ${j * threads}u)`, W, 0)))
  }
  if (heads !== undefined) {
    parts.push(`    for (var s = 0u; s < ${R / EDGE}u; s++) {
${text(headSquares(context), j => `      if (sub + ${j * subgroups}u < ${W / EDGE}u) { head${heads}_${j} = multiply(${left(`(sub + ${j * subgroups}u)`)}, ${right(`${W}u`)}, head${heads}_${j}); }`)}
    }`)
    parts.push(columnSum(`headBias${heads}`, 'index', HEADS, W))
  }
  return parts.join('\n')
}

/** A turn's sums, into the workgroup's place in `partial`. Column sums' shares meet in workgroup memory. */
function storeSums(context: Context, { wide, heads }: Turn, firstSlice: number): string {
  const { tile, matrices, sums } = context
  const { R, W, threads, subgroups } = tile
  const meet = (name: string, i: string, columns: number, at: number): string => {
    const shares = shareOf(threads, columns, R)
    return `    workgroupBarrier();
    if (${i} < ${columns * shares}u) { sums[${i}] = ${name}; }
    workgroupBarrier();
    if (${i} < ${columns}u) {
      var s = 0.0;
      for (var share = 0u; share < ${shares}u; share++) { s += sums[share * ${columns}u + ${i}]; }
      partial[sumsAt + ${at}u + ${i}] = s;
    }`
  }
  const lines: string[] = []
  if (wide !== undefined) {
    const m = matrices.findIndex(({ layer, head }) => layer === wide && !head)
    const across = W / EDGE
    const squares = depthOf(context, wide) * across
    for (let j = 0; j < ownSquares(context, wide); j++) {
      const own = `(sub + ${j * subgroups}u)`
      const place = `sumsAt + ${sums.kernel[m]}u + ${own} / ${across}u * ${EDGE * W}u + ${own} % ${across}u * ${EDGE}u`
      lines.push(`    if (${own} < ${squares}u) { ${storeSquare('partial', place, `w${wide}_${j}`, W)} }`)
    }
    for (let j = 0; j < biasTurns(context); j++) lines.push(meet(`bias${wide}_${j}`, `(index + ${j * threads}u)`, W, sums.bias[m]))
  }
  if (heads !== undefined) {
    const m = matrices.findIndex(({ layer, head }) => layer === heads && head?.column === 0)
    for (let j = 0; j < headSquares(context); j++) {
      const own = `(sub + ${j * subgroups}u)`
      lines.push(
        `    if (${own} < ${W / EDGE}u) { ${storeSquare('partial', `sumsAt + ${sums.kernel[m]}u + ${own} * ${EDGE * HEADS}u`, `head${heads}_${j}`, HEADS)} }`,
      )
    }
    lines.push(meet(`headBias${heads}`, 'index', HEADS, sums.bias[m]))
  }
  return `  {
    let sumsAt = (group.x + ${firstSlice}u) * ${sums.length}u;
${lines.join('\n')}
  }`
}

function sumKernels({ tile: { W }, wants, matrices, sums }: Context, slices: number, buffers: number): Dispatch[] {
  const most = buffers - 2 // beside the partial sums and the scale
  const first = wants.inputs.filter(w => w).length
  const all = matrices.flatMap(({ nIn, nOut, head }, m) => [
    { ref: output(first + 2 * m), length: nIn * nOut, place: `${sums.kernel[m]}u + e / ${nOut}u * ${head ? HEADS : W}u + e % ${nOut}u` },
    { ref: output(first + 2 * m + 1), length: nOut, place: `${sums.bias[m]}u + e` },
  ])
  return Array.from({ length: Math.ceil(all.length / most) }, (_, i) =>
    sumSlices('mlpBackwardSum', {
      partial: scratch(1),
      slices,
      outputs: all.slice(i * most, (i + 1) * most),
      stride: sums.length,
      scale: scratch(0),
    }),
  )
}
