/**
 * Forward pass of a fused MLP on matrix units, f16 operands and f32 sums: a workgroup takes a tile of rows through all layers. Kernels come through the cache. Layouts:
 * matrixMlpTile.ts; the f32 twin: fusedMlpForwardWgsl.ts.
 */
import { type Dispatch, input, output, type Ref, scratch, type WgslWork } from '../tensor.ts'
import {
  forwardFlops,
  headColumns,
  keepsHeads,
  keptLayout,
  keptRanges,
  type MlpInput,
  type MlpShape,
  mlpInputs,
  mlpMatrices,
  type Packing,
  packKernels,
  pad4,
  type TileRange,
} from './fusedMlpLayout.ts'
import { storeHeads } from './fusedMlpTile.ts'
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
  matrixTile,
  squareOf,
  storeSquare,
  stripOf,
} from './matrixMlpTile.ts'
import { type Binding, bindingHeader, COMPONENTS, MAX_GROUPS, text, times } from './wgsl.ts'

/** Bytes of workgroup memory. */
export const matrixForwardMemory = ({ R, inputStride, sumStride }: MatrixTile): number => R * (2 * inputStride + 4 * sumStride)

/** Words of the packed weights, two f16 each. */
export const packedWords = (shape: MlpShape, { W }: MatrixTile): number => matrixPacking(shape, W).length / 2

export function tileFor(shape: MlpShape, tiling: MatrixTiling): MatrixTile {
  const tile = matrixTile(shape, tiling)
  if (!tile)
    throw new Error(`fusedMlp: ${tiling.subgroups} subgroups cannot share ${tiling.rows} rows of ${shape.layers.map(l => l.nOut).join(', ')} columns`)
  return tile
}

/** Inputs x, then every matrix and bias; outputs the heads, then, if `keep`, the packed weights and the kept activations, range by range. */
export function matrixForward(shape: MlpShape, rows: number, tiling: MatrixTiling, keep: boolean, buffers: number): WgslWork {
  const tile = tileFor(shape, tiling)
  const packing = matrixPacking(shape, tile.W)
  const heads = mlpMatrices(shape).filter(m => m.head).length
  const packed = keep ? output(heads) : scratch(0)
  const ranges = keep ? keptRanges(shape, rows, tiling, 8) : [{ begin: 0, end: Math.ceil(rows / tile.R) }]
  const kernels = ranges.map((range, i) => tileKernel(shape, rows, tile, packing, packed, range, keep ? output(heads + 1 + i) : undefined))
  const dispatches = [...packKernels(packing, packed, 'f16', buffers), ...kernels]
  return { scratch: keep ? [] : [packing.length / 2], dispatches }
}

function tileKernel(
  shape: MlpShape,
  rows: number,
  tile: MatrixTile,
  packing: Packing,
  packed: Ref,
  { begin, end }: TileRange,
  keep: Ref | undefined,
): Dispatch {
  const { R, W, threads, across, inputStride, sumStride } = tile
  const { layers } = shape
  const kept = keptLayout(shape, W, R)
  const groups = Math.min(end - begin, MAX_GROUPS)
  const heads = mlpMatrices(shape).flatMap(m => (m.head ? [m.head.output] : []))
  const reads: Binding[] = [
    ...mlpInputs(shape).map(({ name, index }) => ({ name, ref: input(index) })),
    { name: 'packed', ref: packed, element: 'f16' },
  ]
  const writes: Binding[] = heads.map(o => ({ name: `y${o}`, ref: output(o) }))
  if (keep) writes.push({ name: 'kept', ref: keep, element: 'vec2u' })
  const keepAt = (at: number | undefined): string | undefined => (keep && at !== undefined ? `keptAt + ${at}u` : undefined)
  const code = `${bindingHeader(reads, writes)}
${HALVES}const across = ${across}u;
var<workgroup> tile: array<f16, ${R * inputStride}>;
var<workgroup> sums: array<f32, ${R * sumStride}>;
fn bias4(at: u32) -> vec4f { return vec4f(f32(packed[at]), f32(packed[at + 1u]), f32(packed[at + 2u]), f32(packed[at + 3u])); }
@compute @workgroup_size(${threads}) fn main(${MATRIX_PARAMETERS}) {
  for (var t = ${begin}u + group.x; t < ${end}u; t += ${groups}u) {
    let row0 = t * ${R}u;
    ${keep ? `let keptAt = (t - ${begin}u) * ${kept.tile}u;` : ''}
${loadRows('tile', tile, rows, shape)}
    workgroupBarrier();
${layers
  .map((_, l) => `${layerPart(shape, tile, packing, l, keepAt(kept.layer[l]))}${headsPart(shape, rows, tile, packing, l, keepAt(kept.heads[l]))}`)
  .join('\n')}
  }
}`
  return matrixDispatch(
    'mlpForwardMatrix',
    code,
    [...reads, ...writes].map(b => b.ref),
    groups,
    forwardFlops(shape, Math.min(end * R, rows) - begin * R),
  )
}

/** The inputs' rows as f16, zeros beyond. */
export function loadRows(array: string, { R, threads, inputStride, nIn16 }: MatrixTile, rows: number, shape: MlpShape): string {
  const take = ({ name, begin, nIn, times: shared }: MlpInput): string =>
    `      if (c >= ${begin}u && c < ${begin + nIn}u && row0 + r < ${rows}u) { v = clamp(${name}[(row0 + r) / ${shared}u * ${nIn}u + c - ${begin}u], -65504.0, 65504.0); }`
  return `    for (var i = index; i < ${R * nIn16}u; i += ${threads}u) {
      let r = i / ${nIn16}u;
      let c = i % ${nIn16}u;
      var v = 0.0;
${mlpInputs(shape).map(take).join('\n')}
      ${array}[r * ${inputStride}u + c] = f16(v);
    }`
}

function layerPart({ layers }: MlpShape, tile: MatrixTile, packing: Packing, l: number, keepAt: string | undefined): string {
  const { R, W, threads, strips, squares, inputStride, sumStride, nIn16 } = tile
  const depth = (l === 0 ? nIn16 : W) / EDGE
  const eachSquare = (line: (t: number, u: number) => string): string => times(strips, t => text(squares, u => line(t, u))).join('\n')
  const value = layers[l].activation === 'relu' ? 'max(v, vec4f())' : 'v'
  return `    {
${eachSquare((t, u) => `      var c_${t}_${u} = Sum();`)}
      for (var k = 0u; k < ${depth}u; k++) {
${text(strips, t => `        let a${t} = ${loadSquare('Left', 'row', 'tile', `${stripOf(tile, t)} * ${EDGE * inputStride}u + k * ${EDGE}u`, inputStride)};`)}
${text(squares, u => `        let b${u} = ${loadSquare('Right', 'row', 'packed', `${packing.kernel[l]}u + k * ${EDGE * W}u + ${squareOf(tile, u)} * ${EDGE}u`, W)};`)}
${eachSquare((t, u) => `        c_${t}_${u} = multiply(a${t}, b${u}, c_${t}_${u});`)}
      }
${eachSquare((t, u) => `      ${storeSquare('sums', `${stripOf(tile, t)} * ${EDGE * sumStride}u + ${squareOf(tile, u)} * ${EDGE}u`, `c_${t}_${u}`, sumStride)}`)}
    }
    workgroupBarrier();
    for (var i = index; i < ${(R * W) / 4}u; i += ${threads}u) {
      let r = i / ${W / 4}u;
      let c = i % ${W / 4}u * 4u;
      let v = ${readSums(sumStride)} + bias4(${packing.bias[l]}u + c);
      let y = finite(${value});
${text(4, q => `      tile[r * ${inputStride}u + c + ${q}u] = f16(y.${COMPONENTS[q]});`)}
      ${keepAt === undefined ? '' : `kept[${keepAt} + i] = toHalves(y);`}
    }
    workgroupBarrier();
`
}

/** The 4 sums of row r from column c on. */
export const readSums = (stride: number): string => `vec4f(${times(4, q => `sums[r * ${stride}u + c + ${q}u]`).join(', ')})`

function headsPart(shape: MlpShape, rows: number, tile: MatrixTile, packing: Packing, l: number, keepAt: string | undefined): string {
  const layer = shape.layers[l]
  const columns = headColumns(layer)
  if (columns === 0) return ''
  const { R, W, threads, subgroups, inputStride, sumStride } = tile
  const h4 = pad4(columns) / 4
  const group = (v: number): string => `      {
        let c = ${4 * v}u;
        var v = ${readSums(sumStride)} + bias4(${packing.headBias[l]}u + c);
${storeHeads(shape, rows, l, v, 'v')}
        ${keepAt === undefined || !keepsHeads(layer) ? '' : `kept[${keepAt} + r * ${h4}u + ${v}u] = toHalves(finite(v));`}
      }`
  return `    for (var s = sub; s < ${R / EDGE}u; s += ${subgroups}u) {
      var c = Sum();
      for (var k = 0u; k < ${W / EDGE}u; k++) {
        let a = ${loadSquare('Left', 'row', 'tile', `s * ${EDGE * inputStride}u + k * ${EDGE}u`, inputStride)};
        let b = ${loadSquare('Right', 'row', 'packed', `${packing.headKernel[l]}u + k * ${EDGE * HEADS}u`, HEADS)};
        c = multiply(a, b, c);
      }
      ${storeSquare('sums', `s * ${EDGE * sumStride}u`, 'c', sumStride)}
    }
    workgroupBarrier();
    for (var r = index; r < ${R}u; r += ${threads}u) {
${text(h4, group)}
    }
    workgroupBarrier();
`
}
