/**
 * The surface of a face under a code field, as a mesh with vertex colours: densities are sampled on a grid around the person, marching cubes finds where they
 * cross a threshold, and each vertex gets the colour that a short ray along its normal sees.
 */

import { lookAt } from '../camera/paths.ts'
import { quaternion } from '../camera/rotation.ts'
import { mean, multiply, normalize } from '../camera/vector.ts'
import type { Mesh } from '../io/mesh.ts'
import { turnTaker } from '../tensor/turns.ts'
import type { CodeField } from './codeField.ts'
import { fieldSampler } from './fieldSampler.ts'
import { largestParts, marchingCubes } from './marchingCubes.ts'
import type { SceneManipulator } from './sceneManipulator.ts'
import { fillCavities, occupiedLattice, smoothed } from './surfaceLattice.ts'

/** Where the surface is and how finely it is found. */
export interface SurfaceOptions {
  /** T's code; default w_R, as edits are shown. */
  readonly warp?: CodeField
  /** Cells along the longest edge of the box around the person; default 160. */
  readonly resolution?: number
  /** Density of the surface, per space unit (half a picture's width at the face); default 4: half of the light ends within a sixth of it. */
  readonly density?: number
  /** Radius of the ball about the point that the cameras look at, in space units, outside of which everything is background; default 1. */
  readonly radius?: number
  /** Parts of at least this share of the largest part's triangles are kept; default 0.1. */
  readonly share?: number
  /** Times that the samples are averaged with their neighbours before the surface is sought: the field is rougher than a skin. Default 1, 0 is as it is. */
  readonly smoothing?: number
  readonly signal?: AbortSignal
}

/** How far an extraction is. */
export interface SurfaceStep {
  readonly stage: 'densities' | 'colours'
  /** Of `steps`, in points. */
  readonly step: number
  readonly steps: number
}

const MOST_RESOLUTION = 512

/**
 * Extracts the mesh: yields how far it is, returns the mesh in the capture's world (the units and axes of its camera files).
 * Throws when nothing is as dense as the threshold, for options out of range, and when aborted.
 */
export async function* extractSurface(
  scene: SceneManipulator,
  codes: CodeField = scene.referenceField,
  { warp = scene.referenceField, resolution = 160, density = 4, radius = 1, share = 0.1, smoothing = 1, signal }: SurfaceOptions = {},
): AsyncGenerator<SurfaceStep, Mesh> {
  if (!(Number.isInteger(resolution) && resolution >= 8 && resolution <= MOST_RESOLUTION))
    throw new Error(`extractSurface: resolution ${resolution}; give a whole number of cells from 8 to ${MOST_RESOLUTION}, such as 160`)
  if (!(density > 0 && Number.isFinite(density))) throw new Error(`extractSurface: density ${density}; give a positive number, such as 4`)
  if (!(Number.isInteger(smoothing) && smoothing >= 0 && smoothing <= 8))
    throw new Error(`extractSurface: smoothing ${smoothing}; give a whole number from 0 to 8`)
  if (!(radius > 0 && radius <= 2)) throw new Error(`extractSurface: radius ${radius}; give one above 0 and up to 2 space units, such as 1`)
  const lattice = await occupiedLattice(scene, { resolution, radius, density })
  using sampler = fieldSampler(scene, { codes, warp }, lattice.samples.length)
  const sampled = new Float32Array(lattice.size[0] * lattice.size[1] * lattice.size[2])
  let densest = 0
  const takeTurn = turnTaker()
  for (let done = 0; done < lattice.samples.length; ) {
    await takeTurn()
    signal?.throwIfAborted()
    const part = lattice.samples.subarray(done, done + sampler.points)
    const { sigma } = await sampler.sample(lattice.places(part), [0, 0, 0])
    for (const [i, sample] of part.entries()) sampled[sample] = opacity(sigma[i], density)
    densest = sigma.reduce((a, b) => Math.max(a, b), densest)
    done += part.length
    yield { stage: 'densities', step: done, steps: lattice.samples.length }
  }
  const values = smoothed(sampled, lattice.size, smoothing)
  fillCavities(values, lattice.size, LEVEL)
  const { surface, parts } = largestParts(marchingCubes(values, lattice.size, LEVEL), share)
  if (parts === 0) throw emptySurface(densest, density)
  const normals = gradientNormals(surface.positions, values, lattice.size)
  const places = lattice.toSpace(surface.positions)
  const colors = new Uint8Array(places.length)
  const vertices = places.length / 3
  const vertexCount = Math.max(1, Math.floor(sampler.points / RAY_STEPS))
  for (let begin = 0; begin < vertices; begin += vertexCount) {
    await takeTurn()
    signal?.throwIfAborted()
    const end = Math.min(vertices, begin + vertexCount)
    const rays = { places: places.subarray(3 * begin, 3 * end), normals: normals.subarray(3 * begin, 3 * end), step: lattice.cell }
    const { points, directions } = inwardRays(rays)
    const { sigma, rgb } = await sampler.sample(points, directions)
    colors.set(seenColors(sigma, rgb, lattice.cell), 3 * begin)
    yield { stage: 'colours', step: end, steps: vertices }
  }
  return { positions: worldPoints(places, scene), normals, colors, indices: surface.indices, upright: uprightRotation(scene) }
}

/** Values are opacities over the length at which the threshold's density halves light, so that its level is one half and dense insides do not pull vertices in. */
const LEVEL = 0.5
const opacity = (sigma: number, density: number): number => 1 - 2 ** (-sigma / density)

function emptySurface(densest: number, density: number): Error {
  const lower = densest > 0 ? `give a lower density, such as ${(densest / 2).toPrecision(1)}, ` : ''
  return new Error(`extractSurface: no surface of density ${density}; the densest place found has ${densest.toPrecision(2)}; ${lower}or train longer`)
}

/** Unit vectors against the gradient of the values at grid positions [n · 3]: out of the surface. */
function gradientNormals(positions: Float32Array, values: Float32Array, [nx, ny, nz]: readonly [number, number, number]): Float32Array {
  const most = [nx - 1, ny - 1, nz - 1]
  const valueAt = (p: readonly number[]): number => {
    const [x, y, z] = p.map((v, k) => Math.min(Math.max(v, 0), most[k] - 1e-6))
    const [ix, iy, iz] = [Math.floor(x), Math.floor(y), Math.floor(z)]
    const [fx, fy, fz] = [x - ix, y - iy, z - iz]
    let sum = 0
    for (let corner = 0; corner < 8; corner++) {
      const [cx, cy, cz] = [corner >> 2, (corner >> 1) & 1, corner & 1]
      const weight = (cx ? fx : 1 - fx) * (cy ? fy : 1 - fy) * (cz ? fz : 1 - fz)
      sum += weight * values[((ix + cx) * ny + iy + cy) * nz + iz + cz]
    }
    return sum
  }
  const normals = new Float32Array(positions.length)
  for (let at = 0; at < positions.length; at += 3) {
    const place = [positions[at], positions[at + 1], positions[at + 2]]
    const slope = [0, 1, 2].map(axis => {
      const moved = (by: number): number => valueAt(place.map((v, k) => (k === axis ? v + by : v)))
      return moved(-1) - moved(1)
    })
    const size = Math.hypot(...slope)
    for (let axis = 0; axis < 3; axis++) normals[at + axis] = size > 1e-9 ? slope[axis] / size : axis === 1 ? 1 : 0
  }
  return normals
}

/** Samples of a colour ray, a cell apart, the first ones outside the surface. */
const RAY_STEPS = 8
const RAY_OUTSIDE = 2

function inwardRays({ places, normals, step }: { places: Float32Array; normals: Float32Array; step: number }): {
  points: Float32Array
  directions: Float32Array
} {
  const points = new Float32Array(places.length * RAY_STEPS)
  const directions = new Float32Array(places.length * RAY_STEPS)
  for (let at = 0; at < places.length; at += 3)
    for (let s = 0; s < RAY_STEPS; s++)
      for (let axis = 0; axis < 3; axis++) {
        const to = at * RAY_STEPS + 3 * s + axis
        points[to] = places[at + axis] + normals[at + axis] * step * (RAY_OUTSIDE - s)
        directions[to] = -normals[at + axis]
      }
  return { points, directions }
}

/** Volume rendering (paper Eq. 1) along those rays, their weights brought to sum 1: sRGB bytes [n · 3]. */
function seenColors(sigma: Float32Array, rgb: Float32Array, step: number): Uint8Array {
  const rays = sigma.length / RAY_STEPS
  const out = new Uint8Array(3 * rays)
  for (let ray = 0; ray < rays; ray++) {
    const sum = [0, 0, 0]
    let light = 1
    let weights = 0
    for (let s = 0; s < RAY_STEPS; s++) {
      const at = ray * RAY_STEPS + s
      // the last sample takes what light is left, so that a thin surface is no black one
      const weight = s === RAY_STEPS - 1 ? light + 1e-6 : light * (1 - Math.exp(-sigma[at] * step))
      light -= weight
      weights += weight
      for (let c = 0; c < 3; c++) sum[c] += weight * rgb[3 * at + c]
    }
    for (let c = 0; c < 3; c++) out[3 * ray + c] = Math.round(255 * Math.min(1, Math.max(0, sum[c] / weights)))
  }
  return out
}

/** Points [n · 3] in space units -> the capture's world. */
function worldPoints(places: Float32Array, { description: { space, world } }: SceneManipulator): Float32Array {
  return places.map((v, i) => (v * space.radius + space.center[i % 3]) / world.scale + world.center[i % 3])
}

/** The rotation that takes the cameras' mean up to +y and the way from the face to them to +z: (x, y, z, w). */
function uprightRotation(scene: SceneManipulator): [number, number, number, number] {
  const cameras = scene.trainingCameras
  const up = normalize(mean(cameras.map(({ orientation }) => multiply(orientation[1], -1))), 'extractSurface: the mean up axis of the cameras')
  const toward = normalize(mean(cameras.map(({ position }) => position)), 'extractSurface: the mean camera position')
  const [right, down, back] = lookAt([0, 0, 0], toward, up)
  const [w, x, y, z] = quaternion([multiply(right, -1), multiply(down, -1), back])
  return [x, y, z, w]
}
