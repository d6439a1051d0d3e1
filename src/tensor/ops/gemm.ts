/**
 * The matrix product C = A·B of every dense kernel, A [m, k] and B [k, n]. Which kernel computes it follows from the sizes and the GPU:
 *
 * | kernel | tile of C | for |
 * |---|---|---|
 * | gemmMatrix.ts | 128 x 128 and smaller | matrix units, where the device's precision lets them be used |
 * | gemmLarge.ts | 128 x 128, 128 x 64, 64 x 64 | many rows: a step's samples |
 * | gemmSmall.ts | 16 x 32 | few rows: a transformer's 50 tokens make 96 workgroups of a 768-wide layer, where a large tile makes 12 |
 *
 * Where tiles are few and k is long, k is cut into slices over workgroups, whose partial sums a second kernel adds. Sums have a fixed order: same device,
 * same numbers.
 */
import type { GpuTraits } from '../gpuTraits.ts'
import type { MatrixTile } from '../matrixUnit.ts'
import type { Dispatch, Ref, WgslWork } from '../tensor.ts'
import { scratch } from '../tensor.ts'
import { LARGE_TILES, type LargeTile, largeKernel } from './gemmLarge.ts'
import { fits, matrixKernel } from './gemmMatrix.ts'
import type { Operand } from './gemmOperand.ts'
import { SMALL_TILE, smallKernel } from './gemmSmall.ts'
import { type SliceSum, sumSlices } from './sumSlices.ts'
import { type Binding, itemKernel, MAX_GROUPS } from './wgsl.ts'

export interface Gemm {
  readonly label: string
  readonly m: number
  readonly n: number
  readonly k: number
  readonly a: Operand
  readonly b: Operand
  readonly out: Ref
  /** WGSL expression in v (the sum), r and c: what is stored; `v` by default. `storeReads` is what it reads. */
  readonly store?: string
  readonly storeReads?: readonly Binding[]
  /** WGSL functions that `store` calls. */
  readonly storeFunctions?: string
  /** Slices of k; by default as many as keep the device busy. */
  readonly slices?: number
  /** An operand may be of any magnitude, as gradients are, and has no factors: not for f16. */
  readonly anyMagnitude?: boolean
  /** Factors of operands, for matrix units. */
  readonly factors?: Factors
  /** Partial sums of something else, which are added up along the way. */
  readonly alsoSum?: SliceSum
}

/** Powers of two that bring an operand's rows of k into f16's range. */
export interface Factors {
  readonly reads: readonly Binding[]
  /** WGSL f32 in `block`: what the block of FACTOR_ROWS rows of k was multiplied by. */
  readonly of: string
}

/** A kernel's choice of tile; the benchmark tries others. */
export type Tile =
  | { readonly kind: 'matrix'; readonly tile: MatrixTile }
  | { readonly kind: 'large'; readonly tile: LargeTile }
  | { readonly kind: 'small' }

/** One kernel's part of a product. */
export interface TileWork extends Gemm {
  readonly store: string
  readonly storeReads: readonly Binding[]
  readonly slices: number
  /** Rows of k in a slice; a multiple of every tile's depth. */
  readonly slice: number
}

/** Large tiles pay from this many workgroups on: a GPU has about as many compute units. */
const ENOUGH_GROUPS = 128
/** Slices of k are made until there are this many workgroups, each at least SLICE_DEPTH deep: shallower ones cost more to add up than they save. */
const MANY_GROUPS = 384
const SLICE_DEPTH = 768
/** Every kernel's depth of k divides it. */
const SLICE_UNIT = 64

/** The dispatches of one product. @param scratchIndex which scratch of the node the partial sums may take; `scratch` has one length or none. */
export function gemm(
  product: Gemm,
  gpu: GpuTraits,
  scratchIndex = 0,
  tile = chooseTile(product, gpu),
): WgslWork & { readonly scratch: readonly number[] } {
  const { m, n, k, label, out, store = 'v', storeReads = [], alsoSum } = product
  const [rows, columns] = sizeOf(tile)
  const groups = Math.ceil(m / rows) * Math.ceil(n / columns)
  const wanted = product.slices ?? Math.max(1, Math.min(Math.floor(k / SLICE_DEPTH), Math.floor(MANY_GROUPS / groups)))
  const slice = Math.ceil(k / wanted / SLICE_UNIT) * SLICE_UNIT
  const slices = Math.ceil(k / slice)
  const others = alsoSum ? [sumSlices(`${label}Sum`, alsoSum)] : []
  if (slices === 1) return { scratch: [], dispatches: [kernelOf({ ...product, store, storeReads, slices, slice }, tile, gpu), ...others] }
  const partial = scratch(scratchIndex)
  const part = { ...product, out: partial, store: 'v', storeReads: [], storeFunctions: '', slices, slice }
  const own = { partial, slices, outputs: [{ ref: out, length: m * n }] }
  const both = alsoSum && store === 'v' ? sumSlices(`${label}Sum`, own, alsoSum) : undefined
  if (both && both.groups[0] <= MAX_GROUPS) return { scratch: [slices * m * n], dispatches: [kernelOf(part, tile, gpu), both] }
  const sum = itemKernel({
    label: `${label}Sum`,
    reads: [{ name: 'partial', ref: partial }, ...storeReads],
    writes: [{ name: 'y', ref: out }],
    items: m * n,
    declarations: product.storeFunctions,
    body: `  let r = i / ${n}u;
  let c = i % ${n}u;
  var v = 0.0;
  for (var s = 0u; s < ${slices}u; s++) { v += partial[s * ${m * n}u + i]; }
  y[i] = ${store};`,
  })
  return { scratch: [slices * m * n], dispatches: [kernelOf(part, tile, gpu), sum, ...others] }
}

function kernelOf(work: TileWork, choice: Tile, gpu: GpuTraits): Dispatch {
  if (choice.kind === 'large') return largeKernel(work, choice.tile)
  if (choice.kind === 'small') return smallKernel(work)
  if (!gpu.matrix) throw new Error(`gemm ${work.label}: a matrix tile on a device without matrix units`)
  return matrixKernel(work, choice.tile, gpu.matrix)
}

function sizeOf(choice: Tile): readonly [rows: number, columns: number] {
  const { rows, columns } = choice.kind === 'small' ? SMALL_TILE : choice.tile
  return [rows, columns]
}

/** The tile that computes the fewest elements beyond the matrix, the larger one among equals; a small one where large ones are too few. */
export function chooseTile(product: Gemm, gpu: GpuTraits): Tile {
  const { m, n, slices = 1 } = product
  const groups = ({ rows, columns }: LargeTile): number => Math.ceil(m / rows) * Math.ceil(n / columns) * slices
  const cost = (t: LargeTile): number => groups(t) * t.rows * t.columns * t.cost
  const best = <T extends LargeTile>(tiles: readonly T[]): T | undefined =>
    tiles.filter(t => groups(t) >= ENOUGH_GROUPS).sort((a, b) => cost(a) - cost(b))[0]
  if (gpu.matrix && matrixWorthwhile(product)) {
    const tile = best(gpu.matrix.tiles.filter(t => fits(t, gpu)))
    if (tile) return { kind: 'matrix', tile }
  }
  const tile = best(LARGE_TILES)
  return tile ? { kind: 'large', tile } : { kind: 'small' }
}

/** Narrower matrices fill too little of a matrix unit's tiles. */
const LEAST_WIDTH = 24
const matrixWorthwhile = ({ m, n, k, anyMagnitude }: Gemm): boolean => anyMagnitude !== true && Math.min(m, n, k) >= LEAST_WIDTH
