/**
 * Forward pass of a fused MLP in one dispatch: a workgroup takes a tile of rows through all layers, activations in workgroup memory, weights through the cache. An
 * invocation sums a block of 4 or 8 rows x 4 or 8 columns in registers; heads, which have few columns, share out their depth instead.
 */
import { type Dispatch, input, output, type Ref, scratch, type WgslWork } from '../tensor.ts'
import {
  forwardFlops,
  headColumns,
  keptLayout,
  keptRanges,
  type MlpLayer,
  type MlpShape,
  mlpInputs,
  mlpMatrices,
  type Packing,
  packing,
  packKernels,
  pad4,
  type TileRange,
} from './fusedMlpLayout.ts'
import {
  type BlockTiling,
  blockColumn,
  blockHeader,
  blockPlace,
  blockProduct,
  blockRow,
  eachOfBlock,
  inputElement,
  loadInput,
  storeHeads,
  swizzle,
  type Tile,
  tileOf,
} from './fusedMlpTile.ts'
import { type Binding, bindingHeader, COMPONENTS, MAX_GROUPS, text, times } from './wgsl.ts'

/** Bytes of workgroup memory of the forward kernel. */
export function forwardMemory(shape: MlpShape, tiling: BlockTiling): number {
  const tile = tileOf(shape, tiling)
  return 16 * (tileVectors(shape, tile) + meetVectors(tile))
}

/** Vectors of a tile that holds the input or a layer. */
export const tileVectors = ({ nIn }: MlpShape, { W, R4 }: Tile): number => Math.max(pad4(nIn), W) * R4
/** How many invocations share the depth of a head's row. */
const partsOf = ({ R, threads }: Tile): number => Math.max(1, Math.floor(threads / R))
const meetVectors = (tile: Tile): number => tile.R * partsOf(tile)

/** Inputs x, then every matrix and bias; outputs the heads, then, if `keep`, the kept activations, range by range. @param buffers that a kernel may bind */
export function fusedForward(shape: MlpShape, rows: number, tiling: BlockTiling, keep: boolean, buffers: number): WgslWork {
  const tile = tileOf(shape, tiling)
  const packed = packing(shape, tile.W, false)
  const heads = mlpMatrices(shape).filter(m => m.head).length
  const ranges = keep ? keptRanges(shape, rows, tiling, 16) : [{ begin: 0, end: Math.ceil(rows / tile.R) }]
  const kernels = ranges.map((range, i) => tileKernel(shape, rows, tile, packed, range, keep ? output(heads + i) : undefined))
  return { scratch: [packed.length], dispatches: [...packKernels(packed, scratch(0), 'f32', buffers), ...kernels] }
}

function tileKernel(shape: MlpShape, rows: number, tile: Tile, packed: Packing, { begin, end }: TileRange, keep: Ref | undefined): Dispatch {
  const { R, threads } = tile
  const { layers } = shape
  const kept = keptLayout(shape, tile.W, R)
  const groups = Math.min(end - begin, MAX_GROUPS)
  const heads = mlpMatrices(shape).flatMap(m => (m.head ? [m.head.output] : []))
  const reads: Binding[] = [
    ...mlpInputs(shape).map(({ name, index }) => ({ name, ref: input(index), element: inputElement(shape) })),
    { name: 'packed', ref: scratch(0), element: 'vec4f' },
  ]
  const writes: Binding[] = heads.map(o => ({ name: `y${o}`, ref: output(o) }))
  if (keep) writes.push({ name: 'kept', ref: keep, element: 'vec4f' })
  const code = `${bindingHeader(reads, writes)}
var<workgroup> tile: array<vec4f, ${tileVectors(shape, tile)}>;
var<workgroup> meet: array<vec4f, ${meetVectors(tile)}>;
@compute @workgroup_size(${threads}) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
${blockHeader(tile)}
  for (var t = ${begin}u + group.x; t < ${end}u; t += ${groups}u) {
    let row0 = t * ${R}u;
    ${keep ? `let keptAt = (t - ${begin}u) * ${kept.tile}u;` : ''}
${loadInput(tile, 'tile', rows, shape)}
    workgroupBarrier();
${layers
  .map((_, l) => {
    const keepAt = keep && `keptAt + ${kept.layer[l]}u`
    const keepHeadsAt = keep && kept.heads[l] !== undefined ? `keptAt + ${kept.heads[l]}u` : undefined
    const heads = { shape, rows, tile, packed, l, keepAt: keepHeadsAt }
    const last = l === layers.length - 1
    return `${layerPart(shape, tile, packed, l, keepAt)}${last ? lastHeads(heads) : `${storeLayer(shape, tile, l)}${headsOnTile(heads)}`}`
  })
  .join('\n')}
  }
}`
  const flops = forwardFlops(shape, Math.min(end * R, rows) - begin * R)
  return { label: 'mlpForward', code, bindings: [...reads, ...writes].map(b => b.ref), groups: [groups, 1, 1], flops }
}

/** z <- tile · W + b, its activation kept; afterwards the tile is free. */
function layerPart({ nIn, layers }: MlpShape, tile: Tile, packed: Packing, l: number, keepAt: string | undefined): string {
  const { W4 } = tile
  const bias = (v: number): string => `packed[${packed.bias[l] / 4}u + columnGroup + ${v * tile.columnGroups}u]`
  const keep =
    keepAt === undefined
      ? ''
      : eachOfBlock(tile, (h, v, q) => `    kept[${keepAt} + ${blockPlace(tile, h, v, q)}] = ${layerValue(layers[l], l, h, v, q)};`)
  return `${text(tile.blockColumns, v => `    let bias${l}_${v} = ${bias(v)};`)}
${eachOfBlock(tile, (h, v, q) => `    var z${l}_${h}_${4 * v + q} = vec4f(bias${l}_${v}.${COMPONENTS[q]});`)}
${blockProduct(tile, { sum: `z${l}`, buffer: 'tile', depth: l === 0 ? pad4(nIn) : tile.W, weights: packed.kernel[l] / 4, stride: W4 })}
    workgroupBarrier();
${keep}
`
}

/** What an invocation holds of layer l's output: 4 rows of a column. */
function layerValue({ activation }: MlpLayer, l: number, h: number, v: number, q: number): string {
  const sum = `z${l}_${h}_${4 * v + q}`
  return activation === 'relu' ? `max(${sum}, vec4f())` : sum
}

function storeLayer({ layers }: MlpShape, tile: Tile, l: number): string {
  return `${eachOfBlock(tile, (h, v, q) => `    tile[${blockPlace(tile, h, v, q)}] = ${layerValue(layers[l], l, h, v, q)};`)}
    workgroupBarrier();
`
}

/** The heads of layer l: where their values are kept, if they are. */
interface Heads {
  readonly shape: MlpShape
  readonly rows: number
  readonly tile: Tile
  readonly packed: Packing
  readonly l: number
  readonly keepAt: string | undefined
}

/** Heads with further layers behind them: every invocation sums a part of the depth for one row from the tile, the parts meet in workgroup memory. */
function headsOnTile(heads: Heads): string {
  const { shape, tile, packed, l } = heads
  const columns = headColumns(shape.layers[l])
  const { R, W, R4, threads } = tile
  const h4 = pad4(columns) / 4
  const parts = partsOf(tile)
  const depth = W / parts
  const kernel = packed.headKernel[l] / 4
  return times(
    h4,
    v => `    for (var i = index; i < ${R * parts}u; i += ${threads}u) {
      let r = i % ${R}u;
      let first = i / ${R}u * ${depth}u;
      var s = vec4f();
      for (var k = first; k < first + ${depth}u; k++) {
        s += tile[k * ${R4}u + ${swizzle(tile, 'r >> 2u', 'k >> 2u')}][r & 3u] * packed[${kernel}u + k * ${h4}u + ${v}u];
      }
      meet[i] = s;
    }
    workgroupBarrier();
${headRows(heads, v, `      for (var part = 0u; part < ${parts}u; part++) { s += meet[part * ${R}u + r]; }`)}
    workgroupBarrier();
`,
  ).join('')
}

/**
 * Heads of the last layer, whose output nobody else wants: every invocation multiplies what it holds of it, and what the groups of columns make of 4 rows meets in the
 * tile's memory.
 */
function lastHeads(heads: Heads): string {
  const { shape, tile, packed, l } = heads
  const columns = headColumns(shape.layers[l])
  const { R4, threads, columnGroups, blockRows, blockColumns } = tile
  const h4 = pad4(columns) / 4
  const kernel = packed.headKernel[l] / 4
  const parts = partsOf(tile)
  const each = columnGroups / parts
  return times(h4, v => {
    const count = Math.min(4, columns - 4 * v)
    const weights = times(blockColumns, c =>
      text(4, q => {
        return `      let w${4 * c + q} = packed[${kernel}u + (${blockColumn(tile, c)} * 4u + ${q}u) * ${h4}u + ${v}u];`
      }),
    ).join('\n')
    const sums = times(blockRows, h =>
      text(count, o => {
        const terms = times(blockColumns, c => times(4, q => `${layerValue(shape.layers[l], l, h, c, q)} * w${4 * c + q}.${COMPONENTS[o]}`)).flat()
        return `      tile[(columnGroup * ${count}u + ${o}u) * ${R4}u + ${blockRow(tile, h)}] = ${terms.join(' + ')};`
      }),
    ).join('\n')
    const parted = times(count, o => `s.${COMPONENTS[o]} += meet[(part * ${count}u + ${o}u) * ${R4}u + (r >> 2u)][r & 3u];`).join(' ')
    return `    {
${weights}
${sums}
    }
    workgroupBarrier();
    for (var i = index; i < ${parts * count * R4}u; i += ${threads}u) {
      let first = i / ${count * R4}u * ${each * count * R4}u + i % ${count * R4}u;
      var s = tile[first];
      for (var g = 1u; g < ${each}u; g++) { s += tile[first + g * ${count * R4}u]; }
      meet[i] = s;
    }
    workgroupBarrier();
${headRows(heads, v, `      for (var part = 0u; part < ${parts}u; part++) { ${parted} }`)}
`
  }).join('')
}

/** Biases, activations and outputs of the heads' columns 4 v … 4 v + 3, row by row. @param add WGSL that adds the row's sums to s */
function headRows({ shape, rows, tile, packed, l, keepAt }: Heads, v: number, add: string): string {
  const h4 = pad4(headColumns(shape.layers[l])) / 4
  return `    for (var r = index; r < ${tile.R}u; r += ${tile.threads}u) {
      var s = packed[${packed.headBias[l] / 4}u + ${v}u];
${add}
${storeHeads(shape, rows, l, v, 's')}
${keepAt === undefined ? '' : `      kept[${keepAt} + r * ${h4}u + ${v}u] = s;`}
    }`
}
