/** The grid of samples around a person that a surface is sought in, and what is done to its values before. Host work, plain numbers. */
import type { Vector3 } from '../camera/vector.ts'
import { widened } from './brickIndex.ts'
import type { SceneManipulator } from './sceneManipulator.ts'

type Size = readonly [number, number, number]

/** Samples of the grid that a scene's density grid does not know to be empty. */
export interface Lattice {
  readonly size: Size
  /** Edge of a cell, space units. */
  readonly cell: number
  /** Indices of samples to compute; the others are empty. */
  readonly samples: Uint32Array
  /** Samples by index -> points [n · 3] in space units. */
  places(samples: Uint32Array): Float32Array
  /** Grid coordinates [n · 3] -> space units. */
  toSpace(positions: Float32Array): Float32Array
}

/** Share of the threshold below which the scene's own grid says that a place is empty: it remembers maxima, coarsely. */
const EMPTY_SHARE = 0.05
/** A threshold beyond all densities still finds out how dense the scene is. */
const MOST_EMPTY = 0.2

export async function occupiedLattice(
  scene: SceneManipulator,
  { resolution, radius, density }: { resolution: number; radius: number; density: number },
): Promise<Lattice> {
  const occupied = await occupancy(scene, Math.min(EMPTY_SHARE * density, MOST_EMPTY))
  const { low, high } = occupied.box(radius)
  const cell = Math.max(...high.map((v, k) => v - low[k]), 1e-3) / resolution
  // one empty sample all around closes the surface
  const origin = low.map(v => v - cell)
  const size = high.map((v, k) => Math.ceil((v - low[k]) / cell - 1e-6) + 3) as unknown as Size
  const [, ny, nz] = size
  const coordinates = (sample: number): Vector3 => [
    origin[0] + cell * Math.floor(sample / (ny * nz)),
    origin[1] + cell * (Math.floor(sample / nz) % ny),
    origin[2] + cell * (sample % nz),
  ]
  const samples: number[] = []
  const last = size.map(n => n - 1)
  for (let x = 1; x < last[0]; x++)
    for (let y = 1; y < last[1]; y++)
      for (let z = 1; z < last[2]; z++) {
        const sample = (x * ny + y) * nz + z
        const [px, py, pz] = coordinates(sample)
        if (px * px + py * py + pz * pz <= radius * radius && occupied.at(px, py, pz)) samples.push(sample)
      }
  return {
    size,
    cell,
    samples: Uint32Array.from(samples),
    places: part => Float32Array.from({ length: 3 * part.length }, (_, i) => coordinates(part[Math.floor(i / 3)])[i % 3]),
    toSpace: positions => positions.map((v, i) => origin[i % 3] + cell * v),
  }
}

/** Where the scene's density grid, widened by a cell, has more than `least`; everywhere for scenes without one. */
async function occupancy(scene: SceneManipulator, least: number) {
  const { sampling } = scene.config
  const G = sampling.kind === 'grid' ? sampling.gridResolution : 0
  const grid = scene.grid && widened(await scene.grid.read(), G)
  // inside the unit ball contraction changes nothing; beyond it every place counts as occupied
  const cellOf = (v: number): number => Math.min(G - 1, Math.max(0, Math.floor(((v + 2) * G) / 4)))
  const at = (x: number, y: number, z: number): boolean =>
    !grid || x * x + y * y + z * z > 1 || grid[(cellOf(x) * G + cellOf(y)) * G + cellOf(z)] > least
  const box = (radius: number): { low: number[]; high: number[] } => {
    const whole = { low: [-radius, -radius, -radius], high: [radius, radius, radius] }
    if (!grid || radius > 1) return whole
    const low = [Infinity, Infinity, Infinity]
    const high = [-Infinity, -Infinity, -Infinity]
    for (const [i, value] of grid.entries()) {
      if (!(value > least)) continue
      const place = [Math.floor(i / (G * G)), Math.floor(i / G) % G, i % G].map(k => (4 * k) / G - 2)
      if (Math.hypot(...place.map(v => v + 2 / G)) > radius + 4 / G) continue
      for (const [k, v] of place.entries()) {
        low[k] = Math.min(low[k], Math.max(v, -radius))
        high[k] = Math.max(high[k], Math.min(v + 4 / G, radius))
      }
    }
    return low[0] > high[0] ? whole : { low, high }
  }
  return { at, box }
}

/** Values [nx · ny · nz] averaged with their neighbours along each axis by (1, 2, 1) / 4, `times` times; the border keeps its zeros. */
export function smoothed(values: Float32Array, [nx, ny, nz]: Size, times: number): Float32Array {
  let from = values
  for (let time = 0; time < times; time++)
    for (const stride of [ny * nz, nz, 1]) {
      const to = new Float32Array(from.length)
      for (let x = 1; x < nx - 1; x++)
        for (let y = 1; y < ny - 1; y++)
          for (let z = 1; z < nz - 1; z++) {
            const i = (x * ny + y) * nz + z
            to[i] = (from[i - stride] + 2 * from[i] + from[i + stride]) / 4
          }
      from = to
    }
  return from
}

/** Fills what lies below the level and cannot be reached from the border: nobody sees it, and it would be half of the triangles. */
export function fillCavities(values: Float32Array, [nx, ny, nz]: Size, level: number): void {
  const reached = new Uint8Array(values.length)
  const stack = [0]
  reached[0] = 1
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const place = [Math.floor(at / (ny * nz)), Math.floor(at / nz) % ny, at % nz]
    for (const [axis, stride, count] of [[0, ny * nz, nx] as const, [1, nz, ny] as const, [2, 1, nz] as const])
      for (const to of [place[axis] > 0 ? at - stride : at, place[axis] < count - 1 ? at + stride : at]) {
        if (reached[to] || values[to] > level) continue
        reached[to] = 1
        stack.push(to)
      }
  }
  for (let i = 0; i < values.length; i++) if (!reached[i] && values[i] <= level) values[i] = 1
}
