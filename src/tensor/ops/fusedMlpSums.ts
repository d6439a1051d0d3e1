/**
 * The sums of dW and db that the backward kernel of a fused MLP keeps in registers over all its tiles. Of a layer's kernel an invocation has, for some groups of 4
 * inputs, 4 x 4 numbers; of the heads' single ones.
 */
import { type Dispatch, output, scratch } from '../tensor.ts'
import { headColumns, type KeptLayout, type MlpMatrix, type MlpShape, type Packing, pad4 } from './fusedMlpLayout.ts'
import { swizzle, type Tile } from './fusedMlpTile.ts'
import { sumSlices } from './sumSlices.ts'
import { COMPONENTS, text, times } from './wgsl.ts'

export interface MlpWants {
  /** Per input, the second included. */
  readonly inputs: readonly boolean[]
  readonly weights: boolean
  /** Outputs that the loss depends on; the others' gradients are zero and no inputs. */
  readonly heads: readonly boolean[]
}

/** One turn of a tile: with `from` in memory beside dz (of layer `wide` and of the heads on layer `heads`), sums of dW are added to and dz of `to` is made. */
export interface Turn {
  readonly from: number | 'x'
  readonly wide?: number
  readonly heads?: number
  readonly to: number | 'x'
}

/** Floating-point operations of turns over rows: dW, and dz or dx of what lies below. */
export function turnFlops(matrices: readonly MlpMatrix[], turns: readonly Turn[], wants: MlpWants, rows: number): number {
  const size = (of: (m: MlpMatrix) => boolean): number => matrices.filter(of).reduce((sum, { nIn, nOut }) => sum + nIn * nOut, 0)
  const products = turns.map(({ wide, heads, to }) => {
    const seen = size(m => (m.head ? m.layer === heads && wants.heads[m.head.output] : m.layer === wide))
    return seen * ((wants.weights ? 1 : 0) + (to !== 'x' || wants.inputs.some(w => w) ? 1 : 0))
  })
  return 2 * rows * products.reduce((sum, n) => sum + n, 0)
}

/** Everything a kernel's parts are written from. */
export interface MlpGradient {
  readonly shape: MlpShape
  readonly rows: number
  readonly tile: Tile
  readonly packed: Packing
  readonly kept: KeptLayout
  readonly wants: MlpWants
  readonly matrices: readonly MlpMatrix[]
  /** Where a matrix's and its bias's sums begin in a workgroup's partial sum, and its length. */
  readonly sums: { readonly kernel: readonly number[]; readonly bias: readonly number[]; readonly length: number }
}

/** Groups of 4 inputs of matrix m that an invocation sums. */
const inputGroups = ({ tile: { W4, threads } }: MlpGradient, m: MlpMatrix): number => Math.ceil(pad4(m.nIn) / 4 / (threads / W4))
const biasTurns = ({ tile: { W, threads } }: MlpGradient): number => Math.ceil(W / threads)
const headTurns = ({ shape, tile: { W, threads } }: MlpGradient, layer: number): number => Math.ceil((W * headColumns(shape.layers[layer])) / threads)
const ownMatrix = ({ matrices }: MlpGradient, layer: number): number => matrices.findIndex(m => m.layer === layer && !m.head)

export function sumsHeader(context: MlpGradient, turns: readonly Turn[]): string {
  const { tile, matrices } = context
  const lines = turns.flatMap(({ wide, heads }) => [
    ...(wide === undefined
      ? []
      : [
          ...times(inputGroups(context, matrices[ownMatrix(context, wide)]), j => text(4, i => `  var sum${wide}_${j}_${i} = vec4f();`)),
          text(biasTurns(context), j => `  var bias${wide}_${j} = 0.0;`),
        ]),
    ...(heads === undefined ? [] : [text(headTurns(context, heads), j => `  var head${heads}_${j} = 0.0;`), `  var headBias${heads} = 0.0;`]),
  ])
  return `  let out4 = index % ${tile.W4}u;
  let in4 = index / ${tile.W4}u;
${lines.join('\n')}`
}

/** Column number i of a width, ordered so that neighbours lie in different banks. */
const columnOf = (i: string, width: number): string => `((${i}) % ${width / 4}u * 4u + (${i}) / ${width / 4}u)`

export function addSums(context: MlpGradient, { wide, heads }: Turn): string {
  const { shape, tile, matrices } = context
  const { R4, W, W4, threads } = tile
  const parts: string[] = []
  if (wide !== undefined) {
    const m = matrices[ownMatrix(context, wide)]
    const groups = inputGroups(context, m)
    const stride = threads / W4
    const own = (j: number): string => `min(in4 + ${j * stride}u, ${pad4(m.nIn) / 4 - 1}u)`
    parts.push(`    for (var r4 = 0u; r4 < ${R4}u; r4++) {
      let zAt = out4 * ${4 * R4}u + ${swizzle(tile, 'r4', 'out4')};
${text(4, p => `      let z${p} = dz[zAt + ${p * R4}u];`)}
${text(4, q => `      let row${q} = vec4f(${times(4, p => `z${p}.${COMPONENTS[q]}`).join(', ')});`)}
${text(
  groups,
  j => `      {
        let in4j = ${own(j)};
        let aAt = in4j * ${4 * R4}u + ${swizzle(tile, 'r4', 'in4j')};
${text(
  4,
  i => `        {
          let a = below[aAt + ${i * R4}u];
${text(4, q => `          sum${wide}_${j}_${i} += a.${COMPONENTS[q]} * row${q};`)}
        }`,
)}
      }`,
)}
    }
${text(biasTurns(context), j => columnSum(tile, `bias${wide}_${j}`, `index + ${j * threads}u`, W, 0))}`)
  }
  if (heads !== undefined) {
    const columns = headColumns(shape.layers[heads])
    const item = (j: number): string => {
      const i = `(index + ${j * threads}u)`
      return `    if (${i} < ${W * columns}u) {
      let k = ${columnOf(`${i} % ${W}u`, W)};
      let c = ${i} / ${W}u + ${W}u;
      for (var r4 = 0u; r4 < ${R4}u; r4++) {
        head${heads}_${j} += dot(below[k * ${R4}u + ${swizzle(tile, 'r4', 'k >> 2u')}], dz[c * ${R4}u + ${swizzle(tile, 'r4', 'c >> 2u')}]);
      }
    }`
    }
    parts.push(text(headTurns(context, heads), item))
    parts.push(`    if (index < ${columns}u) {
      let c = index + ${W}u;
      var s = vec4f();
      for (var r4 = 0u; r4 < ${R4}u; r4++) { s += dz[c * ${R4}u + ${swizzle(tile, 'r4', 'c >> 2u')}]; }
      headBias${heads} += s.x + s.y + s.z + s.w;
    }`)
  }
  return parts.join('\n')
}

function columnSum(tile: Tile, name: string, i: string, width: number, first: number): string {
  const { R4 } = tile
  return `    if (${i} < ${width}u) {
      let c = ${columnOf(i, width)} + ${first}u;
      var s = vec4f();
      for (var r4 = 0u; r4 < ${R4}u; r4++) { s += dz[c * ${R4}u + ${swizzle(tile, 'r4', 'c >> 2u')}]; }
      ${name} += s.x + s.y + s.z + s.w;
    }`
}

/** A turn's sums, into the workgroup's place in `partial`. */
export function storeSums(context: MlpGradient, { wide, heads }: Turn, firstSlice: number): string {
  const { shape, tile, matrices, sums } = context
  const { W, W4, threads } = tile
  const lines: string[] = []
  if (wide !== undefined) {
    const m = ownMatrix(context, wide)
    const { nIn, nOut } = matrices[m]
    for (let j = 0; j < inputGroups(context, matrices[m]); j++)
      for (let i = 0; i < 4; i++) {
        const k = `((in4 + ${(j * threads) / W4}u) * 4u + ${i}u)`
        const store = (p: number): string =>
          `if (out4 * 4u + ${p}u < ${nOut}u) { partial[sumsAt + ${sums.kernel[m]}u + ${k} * ${nOut}u + out4 * 4u + ${p}u] = sum${wide}_${j}_${i}.${COMPONENTS[p]}; }`
        lines.push(`    if (${k} < ${nIn}u) { ${times(4, store).join(' ')} }`)
      }
    for (let j = 0; j < biasTurns(context); j++) {
      const i = `(index + ${j * threads}u)`
      const c = columnOf(i, W)
      lines.push(`    if (${i} < ${W}u && ${c} < ${nOut}u) { partial[sumsAt + ${sums.bias[m]}u + ${c}] = bias${wide}_${j}; }`)
    }
  }
  if (heads !== undefined) {
    const hanging = matrices.flatMap((m, index) => (m.layer === heads && m.head ? [{ ...m, index, head: m.head }] : []))
    const columns = headColumns(shape.layers[heads])
    for (const { index: m, nIn, nOut, head } of hanging) {
      for (let j = 0; j < headTurns(context, heads); j++) {
        const i = `(index + ${j * threads}u)`
        const [k, c] = [columnOf(`${i} % ${W}u`, W), `${i} / ${W}u`]
        const mine = `${i} < ${W * columns}u && ${k} < ${nIn}u && ${c} >= ${head.column}u && ${c} < ${head.column + nOut}u`
        lines.push(`    if (${mine}) { partial[sumsAt + ${sums.kernel[m]}u + ${k} * ${nOut}u + ${c} - ${head.column}u] = head${heads}_${j}; }`)
      }
      const c = `index >= ${head.column}u && index < ${head.column + nOut}u`
      lines.push(`    if (${c}) { partial[sumsAt + ${sums.bias[m]}u + index - ${head.column}u] = headBias${heads}; }`)
    }
  }
  return `  {
    let sumsAt = (group.x + ${firstSlice}u) * ${sums.length}u;
${lines.join('\n')}
  }`
}

/** The dispatches that add up the partial sums. @param buffers that one of them may bind */
export function sumKernels({ wants, matrices, sums }: MlpGradient, slices: number, buffers: number): Dispatch[] {
  const first = wants.inputs.filter(w => w).length
  const all = matrices.flatMap(({ nIn, nOut }, m) => [
    { ref: output(first + 2 * m), length: nIn * nOut },
    { ref: output(first + 2 * m + 1), length: nOut },
  ])
  const dispatches: Dispatch[] = []
  let begin = 0
  for (let i = 0; i < all.length; i += buffers - 1) {
    const outputs = all.slice(i, i + buffers - 1)
    dispatches.push(sumSlices('mlpBackwardSum', { partial: scratch(1), slices, outputs, begin, stride: sums.length }))
    begin += outputs.reduce((sum, o) => sum + o.length, 0)
  }
  return dispatches
}
