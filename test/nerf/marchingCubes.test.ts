import { describe, expect, test } from 'vitest'
import { type GridSurface, largestParts, marchingCubes } from '../../src/nerf/marchingCubes.ts'
import { fillCavities, smoothed } from '../../src/nerf/surfaceLattice.ts'
import { HostRandom } from '../../src/tensor/hostRandom.ts'

const N = 20
type Field = (x: number, y: number, z: number) => number
const grid = (field: Field): Float32Array =>
  Float32Array.from({ length: N ** 3 }, (_, i) => field(Math.floor(i / N ** 2), Math.floor(i / N) % N, i % N))
const ball =
  (radius: number, center = (N - 1) / 2): Field =>
  (x, y, z) =>
    radius - Math.hypot(x - center, y - center, z - center)

/** Signed volume, and how often each directed edge occurs. */
function measure({ positions, indices }: GridSurface) {
  let volume = 0
  const edges = new Map<string, number>()
  for (let i = 0; i < indices.length; i += 3) {
    const [a, b, c] = [0, 1, 2].map(k => [...positions.subarray(3 * indices[i + k], 3 * indices[i + k] + 3)])
    volume += (a[0] * (b[1] * c[2] - b[2] * c[1]) + a[1] * (b[2] * c[0] - b[0] * c[2]) + a[2] * (b[0] * c[1] - b[1] * c[0])) / 6
    for (let k = 0; k < 3; k++) {
      const edge = `${indices[i + k]}>${indices[i + ((k + 1) % 3)]}`
      edges.set(edge, (edges.get(edge) ?? 0) + 1)
    }
  }
  // closed: each way along an edge is taken as often as the other
  const open = [...edges].filter(([edge, times]) => edges.get(edge.split('>').reverse().join('>')) !== times)
  return { volume, open: open.length, euler: positions.length / 3 - indices.length / 6 }
}

describe('marchingCubes', () => {
  test('a ball has its volume, its vertices lie on it, and it is one closed sphere', () => {
    const surface = marchingCubes(grid(ball(7)), [N, N, N], 0)
    const { volume, open, euler } = measure(surface)
    expect(volume / ((4 / 3) * Math.PI * 7 ** 3)).toBeCloseTo(1, 1)
    expect([open, euler]).toEqual([0, 2])
    for (let i = 0; i < surface.positions.length; i += 3) {
      const [x, y, z] = surface.positions.subarray(i, i + 3)
      expect(Math.abs(ball(7)(x, y, z))).toBeLessThan(0.05)
    }
  })

  test('noise, in which every case occurs, still gives a closed surface', () => {
    const random = new HostRandom(3)
    const values = grid((x, y, z) => (Math.min(x, y, z) === 0 || Math.max(x, y, z) === N - 1 ? -1 : random.next() - 0.5))
    expect(measure(marchingCubes(values, [N, N, N], 0)).open).toBe(0)
  })

  test('nothing above the level gives nothing', () => {
    expect(marchingCubes(new Float32Array(N ** 3), [N, N, N], 0.5).indices).toHaveLength(0)
  })
})

test('largestParts keeps what is large', () => {
  const two = grid((x, y, z) => Math.max(ball(5, 6)(x, y, z), ball(1.5, 15)(x, y, z)))
  const all = marchingCubes(two, [N, N, N], 0)
  const { surface, parts, kept } = largestParts(all, 0.5)
  expect([parts, kept]).toEqual([2, 1])
  expect(measure(surface)).toMatchObject({ open: 0, euler: 2 })
  expect(Math.max(...surface.positions)).toBeLessThan(12)
  expect(largestParts(all, 0).surface.indices).toHaveLength(all.indices.length)
})

test('a hollow ball is filled, and smoothing keeps what is flat', () => {
  const shell = grid((x, y, z) => (Math.abs(Math.hypot(x - 9.5, y - 9.5, z - 9.5) - 6) < 1 ? 1 : 0))
  expect(largestParts(marchingCubes(shell, [N, N, N], 0.5), 0).parts).toBe(2)
  fillCavities(shell, [N, N, N], 0.5)
  expect(largestParts(marchingCubes(shell, [N, N, N], 0.5), 0).parts).toBe(1)
  const flat = smoothed(
    grid(() => 1),
    [N, N, N],
    1,
  )
  expect([flat[(9 * N + 9) * N + 9], flat[0]]).toEqual([1, 0])
})
