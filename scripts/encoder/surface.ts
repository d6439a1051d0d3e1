/** Triangles with colours. */
import type { Vector3 } from '../../src/camera/vector.ts'
import type { Rgb } from './random.ts'

export interface Surface {
  readonly positions: Float32Array
  readonly triangles: Uint32Array
  readonly colors: Float32Array
}

/** An ellipsoid; `keep` cuts it open. */
export function ellipsoid(
  centre: Vector3,
  radii: Vector3,
  colorAt: (x: number, y: number, z: number) => Rgb,
  keep: (x: number, y: number, z: number) => boolean = () => true,
): Surface {
  const [rows, columns] = [28, 56]
  const positions: number[] = []
  const colors: number[] = []
  for (let i = 0; i <= rows; i++) {
    for (let j = 0; j < columns; j++) {
      const [a, b] = [(Math.PI * i) / rows, (2 * Math.PI * j) / columns]
      const p = [
        centre[0] + radii[0] * Math.sin(a) * Math.sin(b),
        centre[1] + radii[1] * Math.cos(a),
        centre[2] + radii[2] * Math.sin(a) * Math.cos(b),
      ] as const
      positions.push(...p)
      colors.push(...colorAt(...p))
    }
  }
  const triangles: number[] = []
  const kept = (v: number): boolean => keep(positions[3 * v], positions[3 * v + 1], positions[3 * v + 2])
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const [a, b, c, d] = [i * columns + j, i * columns + ((j + 1) % columns), (i + 1) * columns + j, (i + 1) * columns + ((j + 1) % columns)]
      if ([a, b, c, d].every(kept)) triangles.push(a, c, b, b, c, d)
    }
  }
  return { positions: Float32Array.from(positions), triangles: Uint32Array.from(triangles), colors: Float32Array.from(colors) }
}

export function joined(surfaces: readonly Surface[]): Surface {
  const starts = surfaces.map((_, i) => surfaces.slice(0, i).reduce((sum, { positions }) => sum + positions.length / 3, 0))
  return {
    positions: Float32Array.from(surfaces.flatMap(({ positions }) => [...positions])),
    triangles: Uint32Array.from(surfaces.flatMap(({ triangles }, i) => [...triangles].map(v => v + starts[i]))),
    colors: Float32Array.from(surfaces.flatMap(({ colors }) => [...colors])),
  }
}

/** Unit normals of vertices [V · 3], by area. */
export function normalsOf(positions: Float32Array, triangles: Uint32Array): Float32Array {
  const normals = new Float32Array(positions.length)
  for (let t = 0; t < triangles.length; t += 3) {
    const [a, b, c] = [3 * triangles[t], 3 * triangles[t + 1], 3 * triangles[t + 2]]
    const ux = positions[b] - positions[a]
    const uy = positions[b + 1] - positions[a + 1]
    const uz = positions[b + 2] - positions[a + 2]
    const vx = positions[c] - positions[a]
    const vy = positions[c + 1] - positions[a + 1]
    const vz = positions[c + 2] - positions[a + 2]
    const [nx, ny, nz] = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx]
    for (const v of [a, b, c]) {
      normals[v] += nx
      normals[v + 1] += ny
      normals[v + 2] += nz
    }
  }
  for (let v = 0; v < normals.length; v += 3) {
    const n = Math.hypot(normals[v], normals[v + 1], normals[v + 2]) || 1
    for (let c = 0; c < 3; c++) normals[v + c] /= n
  }
  return normals
}
