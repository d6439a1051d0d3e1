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
  inputCount,
  keptLayout,
  keptRanges,
  type MlpShape,
  mlpInputs,
  mlpMatrices,
  packing,
  packKernels,
  pad4,
  type TileRange,
} from './fusedMlpLayout.ts'
import { addSums, type MlpGradient, type MlpWants, storeSums, sumKernels, sumsHeader, type Turn, turnFlops } from './fusedMlpSums.ts'
import {
  type BlockTiling,
  blockHeader,
  blockPlace,
  blockProduct,
  eachOfBlock,
  inputElement,
  loadInput,
  storeInput,
  swizzle,
  type Tile,
  tileOf,
} from './fusedMlpTile.ts'
import { type Binding, bindingHeader, COMPONENTS, text, times } from './wgsl.ts'

/** Bytes of workgroup memory of the backward kernel. */
export function backwardMemory(shape: MlpShape, tiling: BlockTiling): number {
  const tile = tileOf(shape, tiling)
  return 16 * (tileVectors(shape, tile) + gradientVectors(shape, tile))
}

const gradientVectors = ({ layers }: MlpShape, { W, R4 }: Tile): number => (W + Math.max(...layers.map(l => pad4(headColumns(l))))) * R4

/** Inputs x, every matrix and bias, the gradients of the wanted heads, then the kept activations, range by range; outputs dx (when wanted), then (when wanted) dW and db of every matrix. */
export function fusedBackward(shape: MlpShape, rows: number, tiling: BlockTiling, wants: MlpWants, buffers: number): WgslWork {
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
  const context: MlpGradient = { shape, rows, tile, packed, kept: keptLayout(shape, tile.W, tile.R), wants, matrices, sums }
  const tiles = Math.ceil(rows / tile.R)
  const ranges = keptRanges(shape, rows, tiling, 16)
  const groups = ranges.map(({ begin, end }) => Math.min(end - begin, Math.ceil(tiling.groups / ranges.length)))
  const slices = groups.reduce((sum, g) => sum + g, 0)
  const parts = turnsOf(shape, tiling.layersPerDispatch)
  const handed = tiles * tile.W * tile.R
  const scratches = [packed.length, wants.weights ? slices * length : 0, parts.length > 1 ? handed : 0, parts.length > 2 ? handed : 0]
  const dispatches = [
    ...packKernels(packed, scratch(0), 'f32', buffers),
    ...ranges.flatMap((range, r) =>
      parts.map((turns, i) =>
        tileKernel(context, turns, {
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
  return { scratch: scratches, dispatches }
}

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

/** The wanted gradients of inputs, the first outputs, as kernels call them. */
export const inputGradients = (shape: MlpShape, wants: MlpWants): { name: string; ref: Ref }[] =>
  mlpInputs(shape)
    .filter((_, i) => wants.inputs[i])
    .map(({ name }, i) => ({ name: `${name}Gradient`, ref: output(i) }))

/** Which tiles a dispatch takes, from where and to where. */
export interface Share {
  readonly range: TileRange
  readonly keptIndex: number
  readonly groups: number
  /** Partial sums that earlier ranges make. */
  readonly firstSlice: number
  readonly dzIn: Ref | undefined
  readonly out: Ref | undefined
}

function tileKernel(context: MlpGradient, turns: readonly Turn[], { range, keptIndex, groups, firstSlice, dzIn, out }: Share): Dispatch {
  const { shape, tile, kept, wants, matrices } = context
  const { R, threads } = tile
  const toInput = turns[turns.length - 1].to === 'x'
  const headInputs = wants.heads.flatMap((wanted, o) => (wanted ? [o] : []))
  const heads = matrices.flatMap(m => (m.head && wants.heads[m.head.output] && turns.some(t => t.heads === m.layer) ? [m.head.output] : []))
  const reads: Binding[] = [
    ...(toInput && wants.weights ? mlpInputs(shape).map(({ name, index: i }) => ({ name, ref: input(i), element: inputElement(shape) })) : []),
    { name: 'kept', ref: input(inputCount(shape) + headInputs.length + keptIndex), element: 'vec4f' },
    { name: 'packed', ref: scratch(0), element: 'vec4f' },
    ...heads.map(o => ({ name: `dy${o}`, ref: input(inputCount(shape) + headInputs.indexOf(o)) })),
    ...(dzIn ? [{ name: 'dzIn', ref: dzIn, element: 'vec4f' }] : []),
  ]
  const writes: Binding[] = [
    ...(out ? [{ name: 'made', ref: out, element: 'vec4f' }] : []),
    ...(toInput ? inputGradients(shape, wants).map(({ name, ref }) => ({ name, ref, element: inputElement(shape) })) : []),
    ...(wants.weights ? [{ name: 'partial', ref: scratch(1) }] : []),
  ]
  const code = `${bindingHeader(reads, writes)}
var<workgroup> below: array<vec4f, ${tileVectors(shape, tile)}>;
var<workgroup> dz: array<vec4f, ${gradientVectors(shape, tile)}>;
@compute @workgroup_size(${threads}) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
${blockHeader(tile)}
${wants.weights ? sumsHeader(context, turns) : ''}
  for (var t = ${range.begin}u + group.x; t < ${range.end}u; t += ${groups}u) {
    let row0 = t * ${R}u;
    let keptAt = (t - ${range.begin}u) * ${kept.tile}u;
${dzIn ? copyTile(tile, 'dz', 'dzIn', `t * ${tile.W * tile.R4}u`) : ''}
${turns.map((turn, i) => turnPart(context, turn, i === turns.length - 1, out !== undefined || (toInput && wants.inputs.some(w => w)))).join('\n')}
  }
${wants.weights ? turns.map(turn => storeSums(context, turn, firstSlice)).join('\n') : ''}
}`
  const flops = turnFlops(matrices, turns, wants, Math.min(range.end * R, context.rows) - range.begin * R)
  return { label: 'mlpBackward', code, bindings: [...reads, ...writes].map(b => b.ref), groups: [groups, 1, 1], flops }
}

const copyTile = ({ W, R4, threads }: Tile, to: string, from: string, at: string): string =>
  `    for (var i = index; i < ${W * R4}u; i += ${threads}u) { ${to}[i] = ${from}[${at} + i]; }`

function turnPart(context: MlpGradient, turn: Turn, isLast: boolean, hasOut: boolean): string {
  const { shape, rows, tile, kept, wants } = context
  const { from, heads, to } = turn
  const load =
    from === 'x' ? (wants.weights ? loadInput(tile, 'below', rows, shape) : '') : copyTile(tile, 'below', 'kept', `keptAt + ${kept.layer[from]}u`)
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
function headGradients({ shape, rows, tile, kept, wants, matrices }: MlpGradient, layer: number): string {
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
function layerGradient({ shape, tile, packed, wants }: MlpGradient, { wide, heads }: Turn, to: number, isLast: boolean): string {
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
function inputGradient({ shape, rows, tile, packed, wants }: MlpGradient): string {
  const { nIn } = shape
  const n4 = pad4(nIn) / 4
  // the groups of columns before the first that is wanted
  const unwanted4 = Math.floor((mlpInputs(shape).find((_, i) => wants.inputs[i])?.begin ?? 0) / 4)
  const pieces = times(Math.ceil(n4 / tile.W4), piece => {
    const columnOffset = piece * tile.W4
    const put = (h: number, v: number, q: number): string =>
      `      if (columnGroup + ${v * tile.columnGroups + columnOffset}u < ${n4}u) { below[${blockPlace(tile, h, v, q, columnOffset)}] = d_${h}_${4 * v + q}; }`
    return `    {
${eachOfBlock(tile, (h, v, q) => `      var d_${h}_${4 * v + q} = vec4f();`)}
      if (columnGroup + ${(tile.blockColumns - 1) * tile.columnGroups + columnOffset}u >= ${unwanted4}u && columnGroup + ${columnOffset}u < ${n4}u) {
${blockProduct(tile, { sum: 'd', buffer: 'dz', depth: tile.W, weights: packed.kernel[0] / 4, stride: n4, columnOffset })}
      }
${piece === 0 ? '      workgroupBarrier();' : ''}
${eachOfBlock(tile, put)}
    }`
  })
  return `${pieces.join('\n')}
    workgroupBarrier();
${storeInput(tile, 'below', rows, shape, wants.inputs)}`
}
