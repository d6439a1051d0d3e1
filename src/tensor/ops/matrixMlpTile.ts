/**
 * What the forward and the backward kernel of a fused MLP on matrix units share. Tiles of rows lie row by row in workgroup memory as f16, subgroups multiply squares of
 * 16, and sums, f32, go through workgroup memory, where single invocations add biases and apply activations. Squares of a layer are dealt to S subgroups in a grid.
 */
import type { Dispatch, Ref } from '../tensor.ts'
import { headColumns, type Keeping, type MlpShape, mlpMatrices, type Packing, tileWidth } from './fusedMlpLayout.ts'

/** How the work is cut for matrix units; see `BlockTiling` for `groups` and `layersPerDispatch`. */
export interface MatrixTiling extends Keeping {
  readonly units: 'matrices'
  /** Rows of a tile: 32, 64 or 128. */
  readonly rows: number
  /** Subgroups of a workgroup, and invocations of each. */
  readonly subgroups: number
  readonly lanes: number
  readonly groups: number
  readonly layersPerDispatch: number
}

/** Edge of the squares. */
export const EDGE = 16
export const pad16 = (n: number): number => Math.ceil(n / EDGE) * EDGE
/** Columns that the heads of one layer fill. */
export const HEADS = EDGE

/** Sizes that kernels are written with. */
export interface MatrixTile {
  readonly R: number
  readonly W: number
  readonly nIn16: number
  readonly threads: number
  readonly subgroups: number
  /** Subgroups across the columns of a layer and along the rows; strips of 16 rows and squares across that each has. */
  readonly across: number
  readonly along: number
  readonly strips: number
  readonly squares: number
  /** Row lengths in workgroup memory: of the layer's input, of dz and of the sums; a little longer than they need be, against bank conflicts. */
  readonly inputStride: number
  readonly gradientStride: number
  readonly sumStride: number
}

/** Undefined where the subgroups cannot share the tile out evenly or the shape does not fuse. */
export function matrixTile(shape: MlpShape, { rows: R, subgroups, lanes }: MatrixTiling): MatrixTile | undefined {
  const W = tileWidth(shape)
  if (W === undefined) return undefined
  const squares = Math.min(2, W / EDGE)
  const across = W / EDGE / squares
  const along = subgroups / across
  const strips = R / EDGE / along
  if (!Number.isInteger(along) || !Number.isInteger(strips) || strips < 1) return undefined
  const nIn16 = pad16(shape.nIn)
  const widest = Math.max(W, nIn16)
  const threads = subgroups * lanes
  return {
    R,
    W,
    nIn16,
    threads,
    subgroups,
    across,
    along,
    strips,
    squares,
    inputStride: widest + 8,
    gradientStride: W + HEADS + 8,
    sumStride: widest + 4,
  }
}

/** Head of a kernel on matrix units. */
export const MATRIX_HEADER = `enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity);
alias Left = subgroup_matrix_left<f16, ${EDGE}, ${EDGE}>;
alias Right = subgroup_matrix_right<f16, ${EDGE}, ${EDGE}>;
alias Sum = subgroup_matrix_result<f32, ${EDGE}, ${EDGE}>;
fn multiply(left: Left, right: Right, sum: Sum) -> Sum { return subgroupMatrixMultiplyAccumulate(left, right, sum); }
`
export const MATRIX_PARAMETERS = '@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32, @builtin(subgroup_id) sub: u32'

export const loadSquare = (type: 'Left' | 'Right', major: 'row' | 'col', array: string, at: string, stride: number): string =>
  `subgroupMatrixLoad<${type}, ${major}_major>(&${array}, ${at}, ${stride}u)`
export const storeSquare = (array: string, at: string, sum: string, stride: number): string =>
  `subgroupMatrixStore<row_major>(&${array}, ${at}, ${sum}, ${stride}u);`

/** 4 numbers as two words of two f16 each, kept finite, and back. */
export const HALVES = `fn toHalves(v: vec4f) -> vec2u { return vec2u(pack2x16float(v.xy), pack2x16float(v.zw)); }
fn fromHalves(h: vec2u) -> vec4f { return vec4f(unpack2x16float(h.x), unpack2x16float(h.y)); }
fn finite(v: vec4f) -> vec4f { return clamp(v, vec4f(-65504.0), vec4f(65504.0)); }
`

/** Row strip t and square across u of this subgroup. */
export const stripOf = ({ strips }: MatrixTile, t: number): string => `(sub / across * ${strips}u + ${t}u)`
export const squareOf = ({ squares }: MatrixTile, u: number): string => `(sub % across * ${squares}u + ${u}u)`

/** Where packed kernels [in16, W], biases [W], heads' kernels [W, 16] and biases [16] begin, in numbers. */
export function matrixPacking(shape: MlpShape, width: number): Packing {
  const matrices = mlpMatrices(shape)
  const blocks: Packing['blocks'][number][] = []
  let length = 0
  const add = (rows: number, columns: number, sources: Packing['blocks'][number]['sources']): number => {
    blocks.push({ rows, columns, sources, transposed: false })
    length += rows * columns
    return length - rows * columns
  }
  const found = shape.layers.map((layer, l) => {
    const own = matrices.findIndex(m => m.layer === l && !m.head)
    const heads = matrices.flatMap((m, i) => (m.layer === l && m.head ? [{ i, ...m, column: m.head.column }] : []))
    const { nIn, nOut } = matrices[own]
    return {
      kernel: add(l === 0 ? pad16(nIn) : width, width, [{ input: 1 + 2 * own, nIn, nOut, column: 0 }]),
      bias: add(1, width, [{ input: 2 + 2 * own, nIn: 1, nOut, column: 0 }]),
      headKernel:
        headColumns(layer) > 0
          ? add(
              width,
              HEADS,
              heads.map(m => ({ input: 1 + 2 * m.i, nIn: m.nIn, nOut: m.nOut, column: m.column })),
            )
          : 0,
      headBias:
        headColumns(layer) > 0
          ? add(
              1,
              HEADS,
              heads.map(m => ({ input: 2 + 2 * m.i, nIn: 1, nOut: m.nOut, column: m.column })),
            )
          : 0,
    }
  })
  const each = (key: 'kernel' | 'bias' | 'headKernel' | 'headBias'): number[] => found.map(f => f[key])
  return { blocks, kernel: each('kernel'), bias: each('bias'), headKernel: each('headKernel'), headBias: each('headBias'), length }
}

/** A dispatch of a kernel on matrix units. */
export const matrixDispatch = (label: string, code: string, bindings: readonly Ref[], groups: number, flops: number): Dispatch => ({
  label,
  code: `${MATRIX_HEADER}${code}`,
  bindings,
  groups: [groups, 1, 1],
  flops,
})
