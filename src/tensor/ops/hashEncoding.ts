/** Multi-resolution hash encoding (instant-ngp, Mueller et al. 2022, section 3): trilinear features of L grids, each stored in 2^log2Entries slots. */
import { apply1, type Op, type Types } from '../op.ts'
import { elements, input, output, showShape, type Tensor } from '../tensor.ts'
import { constantU32 } from './constant.ts'
import { inputGradientKernel, lookupKernel, tableGradientKernels } from './hashEncodingWgsl.ts'

export interface HashGrid {
  /** Cells along one axis, one number per level. */
  readonly resolutions: readonly number[]
  /** Each level has 2^log2Entries slots, dense where its (resolution + 1)^3 vertices fit, hashed where not. */
  readonly log2Entries: number
  /** Numbers per slot. */
  readonly features: number
  /** The cube [lo, hi]^3 that the grids span; points outside are moved to its surface. */
  readonly lo: number
  readonly hi: number
}

const GRAIN = 256

/** Numbers in the tables of a grid: L * 2^log2Entries * features. */
export function hashTableLength({ resolutions, log2Entries, features }: HashGrid): number {
  return resolutions.length * 2 ** log2Entries * features
}

function checkGrid(x: Tensor, tables: Tensor, grid: HashGrid): void {
  const { resolutions, log2Entries, features, lo, hi } = grid
  if (x.shape.length !== 2 || x.shape[1] !== 3) throw new Error(`hashEncoding: points are ${showShape(x.shape)}; they must be [Q, 3]`)
  for (const r of resolutions)
    if (!(Number.isInteger(r) && r >= 1 && r < 2 ** 20)) throw new Error(`hashEncoding: resolution ${r}; give a whole number of at least 1`)
  if (!(Number.isInteger(log2Entries) && log2Entries >= 1 && log2Entries <= 24))
    throw new Error(`hashEncoding: log2Entries ${log2Entries}; give 1 to 24`)
  if (!(Number.isInteger(features) && features >= 1)) throw new Error(`hashEncoding: ${features} features; give at least 1`)
  if (!(hi > lo)) throw new Error(`hashEncoding: the cube from ${lo} to ${hi} is empty; hi must be above lo`)
  if (elements(tables.shape) !== hashTableLength(grid))
    throw new Error(
      `hashEncoding: tables ${showShape(tables.shape)}, but ${resolutions.length} levels x 2^${log2Entries} x ${features} need ${hashTableLength(grid)} numbers`,
    )
}

/** Calls `visit` for the 8 corners of each point's cell in each level. Steps are rounded to f32 as the kernels do, so that all agree on the cell. */
function eachCorner(x: ArrayLike<number>, grid: HashGrid, visit: (corner: Corner) => void): void {
  const { resolutions, log2Entries } = grid
  const lo = Math.fround(grid.lo)
  const inverse = Math.fround(1 / (grid.hi - grid.lo))
  const entries = 2 ** log2Entries
  const cell = [0, 0, 0]
  const fraction = [0, 0, 0]
  const slope = [0, 0, 0]
  for (let q = 0; q * 3 < x.length; q++) {
    for (const [level, r] of resolutions.entries()) {
      const side = r + 1
      const dense = side ** 3 <= entries
      for (let d = 0; d < 3; d++) {
        const u = Math.fround(Math.fround(x[q * 3 + d] - lo) * inverse)
        const p = Math.fround(Math.min(Math.max(u, 0), 1) * r)
        cell[d] = Math.min(Math.floor(p), r - 1)
        fraction[d] = p - cell[d]
        slope[d] = u >= 0 && u <= 1 ? r * inverse : 0
      }
      for (let corner = 0; corner < 8; corner++) {
        const [bx, by, bz] = [corner & 1, (corner >> 1) & 1, corner >> 2]
        const [cx, cy, cz] = [cell[0] + bx, cell[1] + by, cell[2] + bz]
        const hash = (cx ^ Math.imul(cy, 2654435761) ^ Math.imul(cz, 805459861)) & (entries - 1)
        const slot = level * entries + (dense ? cx + side * (cy + side * cz) : hash)
        const [wx, wy, wz] = [bx ? fraction[0] : 1 - fraction[0], by ? fraction[1] : 1 - fraction[1], bz ? fraction[2] : 1 - fraction[2]]
        visit({
          q,
          level,
          slot,
          weight: wx * wy * wz,
          dx: (bx ? 1 : -1) * wy * wz * slope[0],
          dy: (by ? 1 : -1) * wx * wz * slope[1],
          dz: (bz ? 1 : -1) * wx * wy * slope[2],
        })
      }
    }
  }
}

interface Corner {
  readonly q: number
  readonly level: number
  readonly slot: number
  /** Trilinear weight and its slope along x, y, z. */
  readonly weight: number
  readonly dx: number
  readonly dy: number
  readonly dz: number
}

const ENCODE: Op<HashGrid> = {
  name: 'hashEncoding',
  shape: ([x], { resolutions, features }) => [{ shape: [x.shape[0], resolutions.length * features], dtype: 'f32' }],
  wgsl: ({ inputs: [x] }, grid) => ({ dispatches: [lookupKernel(x.shape[0], grid)] }),
  reference: ([x, tables], [y], _, grid) => {
    const { features, resolutions } = grid
    y.fill(0)
    eachCorner(x, grid, ({ q, level, slot, weight }) => {
      const at = (q * resolutions.length + level) * features
      for (let f = 0; f < features; f++) y[at + f] += weight * tables[slot * features + f]
    })
  },
  simd: ({ inputs: [x] }, grid) => ({
    calls: [
      {
        kernel: 'hashEncoding',
        items: x.shape[0],
        grain: GRAIN,
        args: [input(0), input(1), output(0), input(2), ...levelArgs(grid), ...spanArgs(grid)],
      },
    ],
  }),
  backward: ({ inputs: [x, tables, resolutions], grads: [dy], needs, attrs }) => {
    if (!dy) return []
    return [
      needs[0] ? apply1(BACKWARD_INPUT, [x, tables, dy, resolutions], attrs) : undefined,
      needs[1] ? apply1(BACKWARD_TABLES, [x, dy, resolutions], { ...attrs, tableShape: tables.shape }) : undefined,
      undefined,
    ]
  },
}

/** Slope of the trilinear interpolation: zero outside the cube. Inputs: x, tables, dy, resolutions. */
const BACKWARD_INPUT: Op<HashGrid> = {
  name: 'hashEncodingBackwardInput',
  shape: ([x]) => [{ shape: x.shape, dtype: 'f32' }],
  wgsl: ({ inputs: [x] }, grid) => ({ dispatches: [inputGradientKernel(x.shape[0], grid)] }),
  reference: ([x, tables, dy], [dx], _, grid) => {
    const { features, resolutions } = grid
    const sums = new Float64Array(dx.length)
    eachCorner(x, grid, ({ q, level, slot, dx, dy: slopeY, dz }) => {
      let s = 0
      for (let f = 0; f < features; f++) s += tables[slot * features + f] * dy[(q * resolutions.length + level) * features + f]
      sums[q * 3] += s * dx
      sums[q * 3 + 1] += s * slopeY
      sums[q * 3 + 2] += s * dz
    })
    dx.set(sums)
  },
  simd: ({ inputs: [x] }, grid) => ({
    calls: [
      {
        kernel: 'hashEncodingBackwardInput',
        items: x.shape[0],
        grain: GRAIN,
        args: [input(0), input(1), input(2), output(0), input(3), ...levelArgs(grid), ...spanArgs(grid)],
      },
    ],
  }),
}

/** Scatter of weight * dy into the slots. Inputs: x, dy, resolutions. */
const BACKWARD_TABLES: Op<HashGrid & { tableShape: readonly number[] }> = {
  name: 'hashEncodingBackwardTables',
  shape: (_, { tableShape }) => [{ shape: tableShape, dtype: 'f32' }],
  wgsl: ({ inputs: [x] }, grid) => tableGradientKernels(x.shape[0], grid),
  reference: ([x, dy], [dTables], _, grid) => {
    const { features, resolutions } = grid
    const sums = new Float64Array(dTables.length)
    eachCorner(x, grid, ({ q, level, slot, weight }) => {
      for (let f = 0; f < features; f++) sums[slot * features + f] += weight * dy[(q * resolutions.length + level) * features + f]
    })
    dTables.set(sums)
  },
  // The kernel clears a level, then adds to it. One task per level keeps a slot's additions on one thread, in the order of the points: the
  // same bits for any number of threads.
  simd: ({ inputs: [x] }: Types, grid) => ({
    calls: [
      {
        kernel: 'hashEncodingBackwardTables',
        items: grid.resolutions.length,
        grain: 1,
        args: [input(0), input(1), output(0), input(2), { i32: x.shape[0] }, ...levelArgs(grid), ...spanArgs(grid)],
      },
    ],
  }),
}

const levelArgs = ({ resolutions, log2Entries, features }: HashGrid) => [{ i32: resolutions.length }, { i32: log2Entries }, { i32: features }]
const spanArgs = ({ lo, hi }: HashGrid) => [{ f32: lo }, { f32: 1 / (hi - lo) }]

/**
 * Points [Q, 3] and tables [L * 2^log2Entries * F] -> features [Q, L * F], level by level. Gradients go to the tables and, by the slope
 * of the trilinear interpolation, to the points. Throws when sizes do not fit the grid.
 */
export function hashEncoding(x: Tensor, tables: Tensor, grid: HashGrid): Tensor {
  checkGrid(x, tables, grid)
  return apply1(ENCODE, [x, tables, constantU32(grid.resolutions)], grid)
}
