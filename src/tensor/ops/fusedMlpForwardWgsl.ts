/**
 * Forward pass of a fused MLP in one dispatch: a workgroup takes a tile of rows through all layers, activations in workgroup memory, weights through the cache. An
 * invocation sums a block of 4 or 8 rows x 4 or 8 columns in registers; heads, which have few columns, share out their depth instead.
 */
import { type Dispatch, input, output, type Ref, scratch, type WgslWork } from '../tensor.ts'
import { ACTIVATION_WGSL } from './dense.ts'
import {
  forwardFlops,
  headColumns,
  keepsHeads,
  keptLayout,
  keptRanges,
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
  blockHeader,
  blockPlace,
  blockProduct,
  COMPONENTS,
  eachOfBlock,
  inputElement,
  loadInput,
  swizzle,
  type Tile,
  text,
  tileOf,
  times,
} from './fusedMlpTile.ts'
import { type Binding, bindingHeader, MAX_GROUPS } from './wgsl.ts'

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
${layers.map((_, l) => layerPart(shape, tile, packed, l, keep ? `keptAt + ${kept.layer[l]}u` : undefined) + headsPart(shape, rows, tile, packed, l, keep ? kept.heads[l] : undefined)).join('\n')}
  }
}`
  const flops = forwardFlops(shape, Math.min(end * R, rows) - begin * R)
  return { label: 'mlpForward', code, bindings: [...reads, ...writes].map(b => b.ref), groups: [groups, 1, 1], flops }
}

/** tile <- act(tile · W + b), and kept. */
function layerPart({ nIn, layers }: MlpShape, tile: Tile, packed: Packing, l: number, keepAt: string | undefined): string {
  const { W4 } = tile
  const bias = (v: number): string => `packed[${packed.bias[l] / 4}u + columnGroup + ${v * tile.columnGroups}u]`
  const value = (h: number, v: number, q: number): string => {
    const sum = `z${l}_${h}_${4 * v + q}`
    return layers[l].activation === 'relu' ? `max(${sum}, vec4f())` : sum
  }
  const keep = keepAt === undefined ? '' : eachOfBlock(tile, (h, v, q) => `    kept[${keepAt} + ${blockPlace(tile, h, v, q)}] = ${value(h, v, q)};`)
  return `${text(tile.blockColumns, v => `    let bias${l}_${v} = ${bias(v)};`)}
${eachOfBlock(tile, (h, v, q) => `    var z${l}_${h}_${4 * v + q} = vec4f(bias${l}_${v}.${COMPONENTS[q]});`)}
${blockProduct(tile, { sum: `z${l}`, buffer: 'tile', depth: l === 0 ? pad4(nIn) : tile.W, weights: packed.kernel[l] / 4, stride: W4 })}
    workgroupBarrier();
${eachOfBlock(tile, (h, v, q) => `    tile[${blockPlace(tile, h, v, q)}] = ${value(h, v, q)};`)}
${keep}
    workgroupBarrier();
`
}

/** The outputs on layer l: every invocation sums a part of the depth for one row, the parts meet in workgroup memory. */
function headsPart(shape: MlpShape, rows: number, tile: Tile, packed: Packing, l: number, keptAt: number | undefined): string {
  const layer = shape.layers[l]
  const columns = headColumns(layer)
  if (columns === 0) return ''
  const { R, W, R4, threads } = tile
  const h4 = pad4(columns) / 4
  const parts = partsOf(tile)
  const depth = W / parts
  const matrices = mlpMatrices(shape).filter(m => m.layer === l && m.head)
  const kernel = packed.headKernel[l] / 4
  return times(h4, v => {
    const store = times(4, q => {
      const column = 4 * v + q
      const found = matrices.find(({ head, nOut }) => head && column >= head.column && column < head.column + nOut)
      if (!found?.head) return ''
      const { head, nOut, activation } = found
      const z = ACTIVATION_WGSL[activation].replaceAll(/\bv\b/g, `s.${COMPONENTS[q]}`)
      const place = `y${head.output}[(row0 + r) * ${nOut}u + ${column - head.column}u]`
      return `        s.${COMPONENTS[q]} = ${z};\n        if (row0 + r < ${rows}u) { ${place} = s.${COMPONENTS[q]}; }`
    }).join('\n')
    const keep = keptAt === undefined || !keepsHeads(layer) ? '' : `        kept[keptAt + ${keptAt}u + r * ${h4}u + ${v}u] = s;`
    return `    for (var i = index; i < ${R * parts}u; i += ${threads}u) {
      let r = i % ${R}u;
      let first = i / ${R}u * ${depth}u;
      var s = vec4f();
      for (var k = first; k < first + ${depth}u; k++) {
        s += tile[k * ${R4}u + ${swizzle(tile, 'r >> 2u', 'k >> 2u')}][r & 3u] * packed[${kernel}u + k * ${h4}u + ${v}u];
      }
      meet[i] = s;
    }
    workgroupBarrier();
    for (var r = index; r < ${R}u; r += ${threads}u) {
      var s = packed[${packed.headBias[l] / 4}u + ${v}u];
      for (var part = 0u; part < ${parts}u; part++) { s += meet[part * ${R}u + r]; }
      {
${store}
${keep}
      }
    }
    workgroupBarrier();
`
  }).join('')
}
