/** A small rasterizer: every person, expression and sitting becomes a picture. */
import type { Person } from './person.ts'
import { clamp, type Rgb } from './random.ts'
import type { Rig } from './rig.ts'
import { SIZE, type Sitting } from './sitting.ts'
import { normalsOf, type Surface } from './surface.ts'

/** Samples of a pixel in each direction. */
const FINER = 2
const FINE = FINER * SIZE

/** What a pixel sees: the nearest surface so far. */
interface Frame {
  readonly depth: Float32Array
  readonly color: Float32Array
}

/** A picture of a person with an expression, sRGB [SIZE · SIZE · 3]. */
export function drawFace(rig: Rig, person: Person, coefficients: ArrayLike<number>, sitting: Sitting): Uint8Array {
  const positions = Float32Array.from(person.head)
  for (let mode = 0; mode < coefficients.length; mode++) if (coefficients[mode] !== 0) rig.addExpression(positions, mode, coefficients[mode])
  const frame: Frame = { depth: new Float32Array(FINE * FINE).fill(Number.POSITIVE_INFINITY), color: new Float32Array(FINE * FINE * 3) }
  const hidden = new Set(person.lashes ? [] : rig.regions.flatMap((name, r) => (name.startsWith('Eyelashes') ? [r] : [])))
  drawSurface(frame, { positions, triangles: rig.triangles, colors: person.colors }, sitting, rig.regionOf, hidden)
  drawSurface(frame, person.rest, sitting)
  const picture = new Uint8Array(SIZE * SIZE * 3)
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      for (let c = 0; c < 3; c++) {
        let sum = 0
        for (let s = 0; s < FINER * FINER; s++) {
          const fine = (FINER * y + Math.floor(s / FINER)) * FINE + FINER * x + (s % FINER)
          sum += frame.depth[fine] < Number.POSITIVE_INFINITY ? frame.color[3 * fine + c] : sitting.room[3 * (y * SIZE + x) + c]
        }
        const linear = clamp(sum / FINER ** 2)
        picture[3 * (y * SIZE + x) + c] = Math.round(255 * (linear < 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055))
      }
    }
  }
  return picture
}

/** Shine of wet and bony parts; by region. */
const SHINE = [0.05, 0.03, 0.1, 0, 0, 0.2, 0.25, 0.6, 0.6, 0, 0]

function drawSurface(
  { depth, color }: Frame,
  { positions, triangles, colors }: Surface,
  sitting: Sitting,
  regionOf?: Uint8Array,
  hidden: ReadonlySet<number> = new Set(),
): void {
  const { rotation, target, distance, focal, light, key, ambient } = sitting
  const normals = normalsOf(positions, triangles)
  const count = positions.length / 3
  const screen = new Float32Array(3 * count)
  for (let v = 0; v < count; v++) {
    const [x, y, z] = [positions[3 * v] - target[0], positions[3 * v + 1] - target[1], positions[3 * v + 2] - target[2]]
    const [cx, cy, cz] = rotation.map(row => row[0] * x + row[1] * y + row[2] * z)
    const w = cz + distance
    screen[3 * v] = FINE / 2 + (FINER * focal * cx) / w
    screen[3 * v + 1] = FINE / 2 + (FINER * focal * cy) / w
    screen[3 * v + 2] = w
  }
  const forward = rotation[2]
  const half: Rgb = [light[0] - forward[0], light[1] - forward[1], light[2] - forward[2]]
  const halfNorm = Math.hypot(...half)
  for (let t = 0; t < triangles.length / 3; t++) {
    if (regionOf && hidden.has(regionOf[t])) continue
    const [a, b, c] = [3 * triangles[3 * t], 3 * triangles[3 * t + 1], 3 * triangles[3 * t + 2]]
    const [ax, ay, bx, by, cx, cy] = [screen[a], screen[a + 1], screen[b], screen[b + 1], screen[c], screen[c + 1]]
    const area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if (Math.abs(area) < 1e-9 || screen[a + 2] < 1) continue
    const [x0, x1] = [Math.max(0, Math.ceil(Math.min(ax, bx, cx) - 0.5)), Math.min(FINE - 1, Math.floor(Math.max(ax, bx, cx) - 0.5))]
    const [y0, y1] = [Math.max(0, Math.ceil(Math.min(ay, by, cy) - 0.5)), Math.min(FINE - 1, Math.floor(Math.max(ay, by, cy) - 0.5))]
    const shine = regionOf ? SHINE[regionOf[t]] : 0
    for (let py = y0; py <= y1; py++) {
      for (let px = x0; px <= x1; px++) {
        const [x, y] = [px + 0.5, py + 0.5]
        const wb = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
        const wc = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
        const wa = 1 - wb - wc
        if (wa < 0 || wb < 0 || wc < 0) continue
        const z = wa * screen[a + 2] + wb * screen[b + 2] + wc * screen[c + 2]
        const pixel = py * FINE + px
        if (z >= depth[pixel]) continue
        depth[pixel] = z
        let nx = wa * normals[a] + wb * normals[b] + wc * normals[c]
        let ny = wa * normals[a + 1] + wb * normals[b + 1] + wc * normals[c + 1]
        let nz = wa * normals[a + 2] + wb * normals[b + 2] + wc * normals[c + 2]
        const facing = nx * forward[0] + ny * forward[1] + nz * forward[2] > 0 ? -1 : 1 // seen from behind
        const n = facing / (Math.hypot(nx, ny, nz) || 1)
        nx *= n
        ny *= n
        nz *= n
        const lambert = clamp((nx * light[0] + ny * light[1] + nz * light[2] + 0.25) / 1.25)
        const sky = 0.65 + 0.35 * ny
        const glint = shine > 0 ? shine * clamp((nx * half[0] + ny * half[1] + nz * half[2]) / halfNorm) ** 24 : 0
        for (let channel = 0; channel < 3; channel++) {
          const albedo = wa * colors[a + channel] + wb * colors[b + channel] + wc * colors[c + channel]
          color[3 * pixel + channel] = albedo * (lambert * key[channel] + sky * ambient[channel]) + glint * key[channel]
        }
      }
    }
  }
}
