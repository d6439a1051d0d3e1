/**
 * Gradient of a fused MLP: workgroups take tiles of rows from the last layer to the first. With dz, a layer's gradient before its activation, and the layer's input
 * in workgroup memory, an invocation adds its block of inputᵀ·dz to sums of dW that it keeps in registers over all tiles, and forms a block of dz·Wᵀ for the layer
 * before. Activations come from the forward pass. The workgroups' sums of dW and db are added in a fixed order. A dispatch takes `layersPerDispatch` layers and hands
 * dz on through memory.
 */
import { type Dispatch, input, output, type Ref, scratch, type WgslWork } from '../tensor.ts'
import { SLOPE_WGSL } from './dense.ts'
import { tileVectors } from './fusedMlpForwardWgsl.ts'
import {
  headColumns,
  type KeptLayout,
  keptLayout,
  type MlpMatrix,
  type MlpShape,
  mlpMatrices,
  type Packing,
  packing,
  packKernels,
  pad4,
} from './fusedMlpLayout.ts'
import {
  type BlockTiling,
  blockHeader,
  blockPlace,
  blockProduct,
  COMPONENTS,
  eachOfBlock,
  inputElement,
  loadInput,
  storeInput,
  swizzle,
  type Tile,
  text,
  tileOf,
  times,
} from './fusedMlpTile.ts'
import { sumSlices } from './sumSlices.ts'
import { type Binding, bindingHeader } from './wgsl.ts'

export interface MlpWants {
  readonly input: boolean
  readonly weights: boolean
  /** Outputs that the loss depends on; the others' gradients are zero and no inputs. */
  readonly heads: readonly boolean[]
}

/** Bytes of workgroup memory of the backward kernel. */
export function backwardMemory(shape: MlpShape, tiling: BlockTiling): number {
  const tile = tileOf(shape, tiling)
  return 16 * (tileVectors(shape, tile) + gradientVectors(shape, tile))
}

const gradientVectors = ({ layers }: MlpShape, { W, R4 }: Tile): number => (W + Math.max(...layers.map(l => pad4(headColumns(l))))) * R4

/** One turn of a tile: with `from` in memory beside dz (of layer `wide` and of the heads on layer `heads`), sums of dW are added to and dz of `to` is made. */
export interface Turn {
  readonly from: number | 'x'
  readonly wide?: number
  readonly heads?: number
  readonly to: number | 'x'
}

/** Everything a kernel's parts are written from. */
interface Context {
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

/** Inputs x, kept, every matrix and bias, then the gradients of the wanted heads; outputs dx (when wanted), then (when wanted) dW and db of every matrix. */
export function fusedBackward(shape: MlpShape, rows: number, tiling: BlockTiling, wants: MlpWants): WgslWork {
  const tile = tileOf(shape, tiling)
  const packed = packing(shape, tile.W, true)
  const matrices = mlpMatrices(shape)
  let length = 0
  const take = (n: number): number => {
    length += n
    return length - n
  }
  const places = matrices.map(m => ({ kernel: take(m.nIn * m.nOut), bias: take(m.nOut) }))
  const sums = { kernel: places.map(p => p.kernel), bias: places.map(p => p.bias), length }
  const context: Context = { shape, rows, tile, packed, kept: keptLayout(shape, tile.W, tile.R), wants, matrices, sums }
  const tiles = Math.ceil(rows / tile.R)
  const groups = Math.min(tiles, tiling.groups)
  const parts = turnsOf(shape, tiling.layersPerDispatch)
  const handed = tiles * tile.W * tile.R
  const scratches = [packed.length, wants.weights ? groups * length : 0, parts.length > 1 ? handed : 0, parts.length > 2 ? handed : 0]
  const dispatches = [
    ...packKernels(packed, scratch(0), 'f32').map(shiftWeights),
    ...parts.map((turns, i) =>
      tileKernel(context, turns, groups, {
        dzIn: i > 0 ? scratch(2 + ((i - 1) % 2)) : undefined,
        out: i < parts.length - 1 ? scratch(2 + (i % 2)) : wants.input ? output(0) : undefined,
      }),
    ),
    ...(wants.weights ? sumKernels(context, groups) : []),
  ]
  return { scratch: scratches, dispatches }
}

/** The forward pass's weights are inputs 1, 2, …; here `kept` comes before them. */
const shiftWeights = (d: Dispatch): Dispatch => ({ ...d, bindings: d.bindings.map(b => (b.kind === 'input' ? input(b.index + 1) : b)) })

export function turnsOf({ layers }: MlpShape, most: number): Turn[][] {
  const last = layers.length - 1
  const turns: Turn[] = [{ from: last, heads: last, to: last }]
  for (let l = last; l >= 0; l--) {
    const below = l > 0 ? l - 1 : 'x'
    turns.push({ from: below, wide: l, heads: l > 0 && layers[l - 1].heads.length > 0 ? l - 1 : undefined, to: below })
  }
  const parts: Turn[][] = []
  for (const turn of turns) {
    const part = parts[parts.length - 1]
    if (part && part.filter(t => t.wide !== undefined).length < most) part.push(turn)
    else parts.push([turn])
  }
  return parts
}

function tileKernel(
  context: Context,
  turns: readonly Turn[],
  groups: number,
  { dzIn, out }: { dzIn: Ref | undefined; out: Ref | undefined },
): Dispatch {
  const { shape, rows, tile, kept, wants, matrices } = context
  const { R, threads } = tile
  const tiles = Math.ceil(rows / R)
  const last = turns[turns.length - 1]
  const toInput = last.to === 'x'
  const headInputs = wants.heads.flatMap((wanted, o) => (wanted ? [o] : []))
  const heads = matrices.flatMap(m => (m.head && wants.heads[m.head.output] && turns.some(t => t.heads === m.layer) ? [m.head.output] : []))
  const reads: Binding[] = [
    ...(toInput && wants.weights ? [{ name: 'x', ref: input(0), element: inputElement(shape.nIn) }] : []),
    { name: 'kept', ref: input(1), element: 'vec4f' },
    { name: 'packed', ref: scratch(0), element: 'vec4f' },
    ...heads.map(o => ({ name: `dy${o}`, ref: input(2 + 2 * matrices.length + headInputs.indexOf(o)) })),
    ...(dzIn ? [{ name: 'dzIn', ref: dzIn, element: 'vec4f' }] : []),
  ]
  const writes: Binding[] = [
    ...(out ? [{ name: 'made', ref: out, element: toInput ? inputElement(shape.nIn) : 'vec4f' }] : []),
    ...(wants.weights ? [{ name: 'partial', ref: scratch(1) }] : []),
  ]
  const code = `${bindingHeader(reads, writes)}
var<workgroup> below: array<vec4f, ${tileVectors(shape, tile)}>;
var<workgroup> dz: array<vec4f, ${gradientVectors(shape, tile)}>;
@compute @workgroup_size(${threads}) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
${blockHeader(tile)}
${wants.weights ? sumsHeader(context, turns) : ''}
  for (var t = group.x; t < ${tiles}u; t += ${groups}u) {
    let row0 = t * ${R}u;
    let keptAt = t * ${kept.tile}u;
${dzIn ? copyTile(tile, 'dz', 'dzIn', `t * ${tile.W * tile.R4}u`) : ''}
${turns.map((turn, i) => turnPart(context, turn, i === turns.length - 1, out !== undefined)).join('\n')}
  }
${wants.weights ? turns.map(turn => storeSums(context, turn)).join('\n') : ''}
}`
  return { label: 'mlpBackward', code, bindings: [...reads, ...writes].map(b => b.ref), groups: [groups, 1, 1] }
}

const copyTile = ({ W, R4, threads }: Tile, to: string, from: string, at: string): string =>
  `    for (var i = index; i < ${W * R4}u; i += ${threads}u) { ${to}[i] = ${from}[${at} + i]; }`

function turnPart(context: Context, turn: Turn, isLast: boolean, hasOut: boolean): string {
  const { shape, rows, tile, kept, wants } = context
  const { from, heads, to } = turn
  const load =
    from === 'x' ? (wants.weights ? loadInput(tile, 'below', rows, shape.nIn) : '') : copyTile(tile, 'below', 'kept', `keptAt + ${kept.layer[from]}u`)
  const needed = !isLast || hasOut
  return `${load}
${heads === undefined ? '' : headGradients(context, heads)}
    workgroupBarrier();
${wants.weights ? addSums(context, turn) : ''}
    {
${needed ? (to === 'x' ? inputGradient(context) : layerGradient(context, turn, to, isLast)) : ''}
    }
${needed && !isLast ? '' : '    workgroupBarrier();'}`
}

/** The heads' dz, behind the columns of the layer's. */
function headGradients({ shape, rows, tile, kept, wants, matrices }: Context, layer: number): string {
  const { R4, W, threads } = tile
  const columns = pad4(headColumns(shape.layers[layer]))
  const cases = matrices.flatMap(({ layer: on, head, nOut, activation }) => {
    if (on !== layer || !head || !wants.heads[head.output]) return []
    const line = (q: number): string => {
      const at = `(row + ${q}u) * ${nOut}u + c - ${head.column}u`
      const keptAt = kept.heads[layer]
      const value = keptAt === undefined ? '0.0' : `kept[keptAt + ${keptAt}u + (r4 * 4u + ${q}u) * ${columns / 4}u + (c >> 2u)][c & 3u]`
      const slope = activation === 'none' ? '' : ` * (${SLOPE_WGSL[activation].replaceAll(/\br\b/g, value)})`
      return `          if (row + ${q}u < ${rows}u) { v.${COMPONENTS[q]} = dy${head.output}[${at}]${slope}; }`
    }
    return [`        if (c >= ${head.column}u && c < ${head.column + nOut}u) {\n${text(4, line)}\n        }`]
  })
  return `    for (var i = index; i < ${columns * R4}u; i += ${threads}u) {
      let c = i / ${R4}u;
      let r4 = i % ${R4}u;
      let row = row0 + r4 * 4u;
      var v = vec4f();
${cases.join('\n')}
      dz[(c + ${W}u) * ${R4}u + ${swizzle(tile, 'r4', `(c + ${W}u) >> 2u`)}] = v;
    }`
}

/** dz of hidden layer `to`: from the layer above and from the heads on `to` itself, where its output is not cut off by the ReLU. */
function layerGradient({ shape, tile, packed, wants }: Context, { wide, heads }: Turn, to: number, isLast: boolean): string {
  const products = [
    ...(wide === undefined ? [] : [blockProduct(tile, { sum: 'd', buffer: 'dz', depth: tile.W, weights: packed.kernel[wide] / 4, stride: tile.W4 })]),
    ...(heads === undefined || !wants.heads.some(w => w)
      ? []
      : [
          blockProduct(tile, {
            sum: 'd',
            buffer: 'dz',
            firstGroup: tile.W4,
            depth: headColumns(shape.layers[heads]),
            weights: packed.headKernel[heads] / 4,
            stride: tile.W4,
          }),
        ]),
  ]
  const mask = (h: number, v: number, q: number): string => {
    const d = `d_${h}_${4 * v + q}`
    return shape.layers[to].activation === 'relu' ? `    ${d} = select(vec4f(), ${d}, below[${blockPlace(tile, h, v, q)}] > vec4f());` : ''
  }
  const [target, begin] = isLast ? ['made', `t * ${tile.W * tile.R4}u + `] : ['dz', '']
  return `${eachOfBlock(tile, (h, v, q) => `    var d_${h}_${4 * v + q} = vec4f();`)}
${products.join('\n')}
${eachOfBlock(tile, mask)}
${isLast ? '' : '    workgroupBarrier();'}
${eachOfBlock(tile, (h, v, q) => `    ${target}[${begin}${blockPlace(tile, h, v, q)}] = d_${h}_${4 * v + q};`)}`
}

/** dx, from the first layer's dz: in pieces of the tile's width into workgroup memory, from there row by row. */
function inputGradient({ shape: { nIn }, rows, tile, packed }: Context): string {
  const n4 = pad4(nIn) / 4
  const pieces = times(Math.ceil(n4 / tile.W4), piece => {
    const columnOffset = piece * tile.W4
    const put = (h: number, v: number, q: number): string =>
      `      if (columnGroup + ${v * tile.columnGroups + columnOffset}u < ${n4}u) { below[${blockPlace(tile, h, v, q, columnOffset)}] = d_${h}_${4 * v + q}; }`
    return `    {
${eachOfBlock(tile, (h, v, q) => `      var d_${h}_${4 * v + q} = vec4f();`)}
      if (columnGroup + ${columnOffset}u < ${n4}u) {
${blockProduct(tile, { sum: 'd', buffer: 'dz', depth: tile.W, weights: packed.kernel[0] / 4, stride: n4, columnOffset })}
      }
${piece === 0 ? '      workgroupBarrier();' : ''}
${eachOfBlock(tile, put)}
    }`
  })
  return `${pieces.join('\n')}
    workgroupBarrier();
${storeInput(tile, 'below', rows, nIn)}`
}

// ---- Sums of dW and db in registers. Of a layer's kernel an invocation has, for some groups of 4 inputs, 4 x 4 numbers; of the heads' single ones.

/** Groups of 4 inputs of matrix m that an invocation sums. */
const inputGroups = ({ tile: { W4, threads } }: Context, m: MlpMatrix): number => Math.ceil(pad4(m.nIn) / 4 / (threads / W4))
const biasTurns = ({ tile: { W, threads } }: Context): number => Math.ceil(W / threads)
const headTurns = ({ shape, tile: { W, threads } }: Context, layer: number): number => Math.ceil((W * headColumns(shape.layers[layer])) / threads)
const ownMatrix = ({ matrices }: Context, layer: number): number => matrices.findIndex(m => m.layer === layer && !m.head)

function sumsHeader(context: Context, turns: readonly Turn[]): string {
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

function addSums(context: Context, { wide, heads }: Turn): string {
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
function storeSums(context: Context, { wide, heads }: Turn): string {
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
    let sumsAt = group.x * ${sums.length}u;
${lines.join('\n')}
  }`
}

/** Outputs that one dispatch adds up: with the partial sums, the 8 storage buffers of every device. */
const MOST_SUMS = 7

function sumKernels({ wants, matrices, sums }: Context, groups: number): Dispatch[] {
  const first = wants.input ? 1 : 0
  const all = matrices.flatMap(({ nIn, nOut }, m) => [
    { ref: output(first + 2 * m), length: nIn * nOut },
    { ref: output(first + 2 * m + 1), length: nOut },
  ])
  const dispatches: Dispatch[] = []
  let begin = 0
  for (let i = 0; i < all.length; i += MOST_SUMS) {
    const outputs = all.slice(i, i + MOST_SUMS)
    dispatches.push(sumSlices({ label: 'mlpBackwardSum', partial: scratch(1), slices: groups, outputs, begin, stride: sums.length }))
    begin += outputs.reduce((sum, o) => sum + o.length, 0)
  }
  return dispatches
}
