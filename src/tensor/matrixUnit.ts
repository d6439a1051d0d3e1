/**
 * WGSL's vocabulary of matrix units: a subgroup holds a Left [m, k] and a Right [k, n] of f16 and adds their product to a Sum [m, n] of f32. Kernels are written
 * in these words, so that tests can spell them out on adapters without such units.
 */
import type { MatrixShape } from '../gpu/gpuDevice.ts'

/** How a matrix lies in memory: its rows one after the other, or its columns. */
export type Major = 'row' | 'col'

/** How a workgroup divides its part of a product. */
export interface MatrixTile {
  readonly rows: number
  readonly columns: number
  /** Rows of k in workgroup memory at a time. */
  readonly depth: number
  /** Subgroups down and across the tile. */
  readonly down: number
  readonly across: number
  /** Relative time per element, measured: what the choice between tiles weighs. */
  readonly cost: number
}

export const MATRIX_TILES: readonly MatrixTile[] = [
  { rows: 128, columns: 128, depth: 32, down: 2, across: 4, cost: 1 },
  { rows: 64, columns: 64, depth: 32, down: 2, across: 2, cost: 1.3 },
]

export interface MatrixUnit extends MatrixShape {
  /** Tiles to choose from. */
  readonly tiles: readonly MatrixTile[]
  /** What the module begins with. */
  readonly enable: string
  /** Builtin parameters of main beside workgroup_id `group` and local_invocation_index `index`, and the statement that makes `sub`, the subgroup's number. */
  readonly parameters: string
  readonly subgroup: string
  /** Types Left, Right and Sum, and `multiply(left, right, sum)`. */
  readonly types: string
  /** WGSL expression for the matrix of `type` at element `at` of the array behind `pointer`; `stride` from one row or column to the next. */
  load(type: 'Left' | 'Right', major: Major, pointer: string, at: string, stride: number): string
  /** WGSL statement that writes a Sum into an array of f32, row by row. */
  store(pointer: string, at: string, sum: string, stride: number): string
}

/** Dawn's `chromium_experimental_subgroup_matrix`. Every invocation of a subgroup must take part; loads and stores are uniform by construction, which WGSL cannot see. */
export function subgroupMatrices(shape: MatrixShape, tiles = MATRIX_TILES): MatrixUnit {
  const { m, n, k } = shape
  return {
    ...shape,
    tiles,
    enable: `enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity);
`,
    parameters: ', @builtin(subgroup_id) subgroup: u32',
    subgroup: 'let sub = subgroup;',
    types: `alias Left = subgroup_matrix_left<f16, ${k}, ${m}>;
alias Right = subgroup_matrix_right<f16, ${n}, ${k}>;
alias Sum = subgroup_matrix_result<f32, ${n}, ${m}>;
fn multiply(left: Left, right: Right, sum: Sum) -> Sum { return subgroupMatrixMultiplyAccumulate(left, right, sum); }
`,
    load: (type, major, pointer, at, stride) => `subgroupMatrixLoad<${type}, ${major}_major>(${pointer}, ${at}, ${stride}u)`,
    store: (pointer, at, sum, stride) => `subgroupMatrixStore<row_major>(${pointer}, ${at}, ${sum}, ${stride}u);`,
  }
}
