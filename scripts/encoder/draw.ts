/** A small rasterizer: every person, expression and sitting becomes a picture. */
import { dot, multiply, normalize, subtract, transform } from '../../src/camera/vector.ts'
import { encodeSrgb } from '../../src/capture/reducePicture.ts'
import type { Person } from './person.ts'
import { clamp } from './random.ts'
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
  const shines = rig.regions.map(name => (name.startsWith('Eyelashes') && !person.lashes ? undefined : (SHINE[name] ?? 0)))
  drawSurface(frame, { positions, triangles: rig.triangles, colors: person.colors }, sitting, t => shines[rig.regionOf[t]])
  drawSurface(frame, person.rest, sitting, () => 0)
  const picture = new Uint8Array(SIZE * SIZE * 3)
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      for (let c = 0; c < 3; c++) {
        let sum = 0
        for (let s = 0; s < FINER * FINER; s++) {
          const fine = (FINER * y + Math.floor(s / FINER)) * FINE + FINER * x + (s % FINER)
          sum += frame.depth[fine] < Number.POSITIVE_INFINITY ? frame.color[3 * fine + c] : sitting.room[3 * (y * SIZE + x) + c]
        }
        picture[3 * (y * SIZE + x) + c] = encodeSrgb(sum / FINER ** 2)
      }
    }
  }
  return picture
}

/** Shine of wet and bony parts; the rest is dull. */
const SHINE: Readonly<Record<string, number>> = {
  Face: 0.05,
  'Head and Neck': 0.03,
  'Mouth socket': 0.1,
  'Gums and tongue': 0.2,
  Teeth: 0.25,
  'Sclera left': 0.6,
  'Sclera right': 0.6,
}

/** @param shineOf of a triangle; one without is not drawn */
function drawSurface(
  { depth, color }: Frame,
  { positions, triangles, colors }: Surface,
  sitting: Sitting,
  shineOf: (triangle: number) => number | undefined,
): void {
  const { rotation, target, distance, focal, light, key, ambient } = sitting
  const normals = normalsOf(positions, triangles)
  const count = positions.length / 3
  const screen = new Float32Array(3 * count)
  for (let v = 0; v < count; v++) {
    const [cx, cy, cz] = transform(rotation, subtract([positions[3 * v], positions[3 * v + 1], positions[3 * v + 2]], target))
    const w = cz + distance
    screen[3 * v] = FINE / 2 + (FINER * focal * cx) / w
    screen[3 * v + 1] = FINE / 2 + (FINER * focal * cy) / w
    screen[3 * v + 2] = w
  }
  const forward = rotation[2]
  const half = normalize(subtract(light, forward), 'the middle between lamp and camera')
  for (let t = 0; t < triangles.length / 3; t++) {
    const shine = shineOf(t)
    if (shine === undefined) continue
    const [a, b, c] = [3 * triangles[3 * t], 3 * triangles[3 * t + 1], 3 * triangles[3 * t + 2]]
    const [ax, ay, bx, by, cx, cy] = [screen[a], screen[a + 1], screen[b], screen[b + 1], screen[c], screen[c + 1]]
    const area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if (Math.abs(area) < 1e-9 || screen[a + 2] < 1) continue
    const [x0, x1] = [Math.max(0, Math.ceil(Math.min(ax, bx, cx) - 0.5)), Math.min(FINE - 1, Math.floor(Math.max(ax, bx, cx) - 0.5))]
    const [y0, y1] = [Math.max(0, Math.ceil(Math.min(ay, by, cy) - 0.5)), Math.min(FINE - 1, Math.floor(Math.max(ay, by, cy) - 0.5))]
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
        const nx = wa * normals[a] + wb * normals[b] + wc * normals[c]
        const ny = wa * normals[a + 1] + wb * normals[b + 1] + wc * normals[c + 1]
        const nz = wa * normals[a + 2] + wb * normals[b + 2] + wc * normals[c + 2]
        const facing = dot([nx, ny, nz], forward) > 0 ? -1 : 1 // seen from behind
        const normal = multiply([nx, ny, nz], facing / (Math.hypot(nx, ny, nz) || 1))
        const lambert = clamp((dot(normal, light) + 0.25) / 1.25)
        const sky = 0.65 + 0.35 * normal[1]
        const glint = shine > 0 ? shine * clamp(dot(normal, half)) ** 24 : 0
        for (let channel = 0; channel < 3; channel++) {
          const albedo = wa * colors[a + channel] + wb * colors[b + channel] + wc * colors[c + channel]
          color[3 * pixel + channel] = albedo * (lambert * key[channel] + sky * ambient[channel]) + glint * key[channel]
        }
      }
    }
  }
}
