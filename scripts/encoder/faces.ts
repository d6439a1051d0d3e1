/** Random people before random rooms, drawn from the rig by a small rasterizer: skin, lips, brows, eyes, hair and clothes are all made here. */
import type { HostRandom } from '../../src/tensor/hostRandom.ts'
import type { Rig } from './rig.ts'

type Rgb = readonly [number, number, number]

/** Pictures are this many pixels wide and high, from twice as many in each direction. */
export const SIZE = 112
const FINE = 2 * SIZE

/** How a person looks: everything but the expression and the view. */
export interface Person {
  /** Head at rest, [V · 3]. */
  readonly head: Float32Array
  /** Linear RGB of every vertex, [V · 3]. */
  readonly colors: Float32Array
  /** Hair and clothes, which no expression moves. */
  readonly rest: Surface
  /** Whether the eyelashes are drawn: as cards they are heavier than real ones. */
  readonly lashes: boolean
}

interface Surface {
  readonly positions: Float32Array
  readonly triangles: Uint32Array
  readonly colors: Float32Array
}

/** From where and in what light; the same for all expressions of one sitting. */
export interface Sitting {
  readonly rotation: readonly [Rgb, Rgb, Rgb]
  readonly target: Rgb
  readonly distance: number
  /** Pixels per unit of x / z. */
  readonly focal: number
  readonly centre: readonly [number, number]
  readonly light: Rgb
  readonly key: Rgb
  readonly ambient: Rgb
  /** Linear RGB, [SIZE · SIZE · 3]. */
  readonly room: Float32Array
}

const mixed = (a: Rgb, b: Rgb, t: number): Rgb => [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t]
const clamp = (v: number): number => Math.min(1, Math.max(0, v))
const within = (random: HostRandom, low: number, high: number): number => low + (high - low) * random.next()
const pick = <T>(random: HostRandom, list: readonly T[]): T => list[Math.floor(random.next() * list.length)]

/** Weights of what is painted on the head, by vertex of the head at rest of nobody in particular. */
export interface Paint {
  readonly lips: Float32Array
  readonly brows: Float32Array
  readonly cheeks: Float32Array
  /** How far a vertex lies above the hairline, centimetres. */
  readonly scalp: Float32Array
  /** Angle from the pupil's middle for vertices of the eyeballs, else NaN; radians. */
  readonly eye: Float32Array
  /** Region of each vertex. */
  readonly region: Uint8Array
}

/** Distance in the xy plane to a line through points, and from inside a closed one (negative). */
function toLine(x: number, y: number, line: readonly (readonly [number, number])[], closed: boolean): number {
  let least = Number.POSITIVE_INFINITY
  let inside = false
  for (let i = closed ? 0 : 1; i < line.length; i++) {
    const [ax, ay] = line[(i + line.length - 1) % line.length]
    const [bx, by] = line[i]
    const t = clamp(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2))
    least = Math.min(least, Math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)))
    if (closed && ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) inside = !inside
  }
  return inside ? -least : least
}

export function paintOf({ neutral, triangles, regionOf, regions, landmarks }: Rig): Paint {
  const count = neutral.length / 3
  const point = (i: number): readonly [number, number] => [neutral[3 * landmarks[i]], neutral[3 * landmarks[i] + 1]]
  const line = (from: number, to: number): (readonly [number, number])[] => Array.from({ length: to - from + 1 }, (_, i) => point(from + i))
  const region = new Uint8Array(count).fill(255)
  for (const [t, r] of regionOf.entries()) for (let k = 0; k < 3; k++) region[triangles[3 * t + k]] = r
  const face = regions.indexOf('Face')
  const [lips, brows, cheeks, scalp, eye] = [0, 0, 0, 0, Number.NaN].map(v => new Float32Array(count).fill(v))
  const outer = line(48, 59)
  const browLines = [line(17, 21), line(22, 26)]
  for (let v = 0; v < count; v++) {
    const [x, y, z] = neutral.subarray(3 * v, 3 * v + 3)
    const hairline = 9.3 - 1.05 * Math.max(0, 7.5 - z)
    scalp[v] = region[v] <= 1 ? y - Math.max(hairline, -5) : -9
    if (region[v] !== face) continue
    if (z > 7) lips[v] = clamp(0.5 - toLine(x, y, outer, true) / 0.12)
    if (z > 5) {
      const d = Math.min(...browLines.map(l => toLine(x, y + 0.12, l, false)))
      const along = Math.abs(x) / 5.8 // thinner towards the temple
      brows[v] = clamp((0.42 - 0.2 * along - d) / 0.14 + 0.5)
    }
    cheeks[v] = Math.exp(-((Math.abs(x) - 4) ** 2 + (y + 0.3) ** 2) / 4) + 0.7 * Math.exp(-(x ** 2 + (y - 0.4) ** 2) / 1.2)
  }
  for (const name of ['Sclera left', 'Sclera right']) {
    const own = regions.indexOf(name)
    const all = Array.from(region.keys()).filter(v => region[v] === own)
    const middle = [0, 1, 2].map(c => (Math.max(...all.map(v => neutral[3 * v + c])) + Math.min(...all.map(v => neutral[3 * v + c]))) / 2)
    for (const v of all) {
      const [x, y, z] = [0, 1, 2].map(c => neutral[3 * v + c] - middle[c])
      eye[v] = Math.acos(z / Math.hypot(x, y, z))
    }
  }
  return { lips, brows, cheeks, scalp, eye, region }
}

const SKINS: readonly Rgb[] = [
  [0.85, 0.62, 0.5],
  [0.78, 0.55, 0.42],
  [0.66, 0.43, 0.3],
  [0.5, 0.3, 0.19],
  [0.36, 0.2, 0.12],
  [0.22, 0.11, 0.065],
  [0.9, 0.7, 0.6],
]
const HAIRS: readonly Rgb[] = [
  [0.02, 0.015, 0.012],
  [0.06, 0.035, 0.02],
  [0.16, 0.08, 0.04],
  [0.35, 0.2, 0.09],
  [0.6, 0.42, 0.2],
  [0.3, 0.09, 0.03],
  [0.45, 0.43, 0.42],
]
const IRISES: readonly Rgb[] = [
  [0.1, 0.05, 0.02],
  [0.2, 0.11, 0.04],
  [0.15, 0.25, 0.4],
  [0.15, 0.28, 0.14],
  [0.25, 0.27, 0.28],
]

export function makePerson(rig: Rig, paint: Paint, random: HostRandom): Person {
  const head = Float32Array.from(rig.neutral)
  for (let mode = 0; mode < rig.identityModes; mode++) rig.addIdentity(head, mode, Math.max(-2, Math.min(2, 0.9 * random.normal())))
  const skin = mixed(pick(random, SKINS), pick(random, SKINS), within(random, 0, 0.5))
  const hair = pick(random, HAIRS)
  const browColor = mixed(mixed(hair, [0.05, 0.03, 0.02], within(random, 0, 0.7)), skin, within(random, 0, 0.35))
  const lipColor = mixed(
    mixed(skin, [0.55, 0.13, 0.12], within(random, 0.3, 0.75)),
    [0.45, 0.03, 0.06],
    random.next() < 0.15 ? within(random, 0.3, 0.9) : 0,
  )
  const iris = pick(random, IRISES)
  const browWeight = within(random, 0.55, 1)
  const lashTone = within(random, 0, 0.6)
  const flush = within(random, 0, 0.5)
  const bald = random.next() < 0.12
  const hairline = within(random, -0.6, 1) - (random.next() < 0.35 ? within(random, 1, 2.4) : 0) // fringe
  const thick = within(random, 0.2, 1.3)
  const beard = random.next() < 0.15 ? within(random, 0.2, 0.8) : 0
  const colors = new Float32Array(head.length)
  const normals = normalsOf(head, rig.triangles)
  const patches = smoothNoise(random, 2.5, 0.07)
  const strands = smoothNoise(random, 0.6, 0.35)
  const names = rig.regions
  for (let v = 0; v < head.length / 3; v++) {
    const [x, y, z] = rig.neutral.subarray(3 * v, 3 * v + 3)
    const name = names[paint.region[v]] ?? ''
    let color: Rgb
    const depth = clamp((z - 5) / 5.5) ** 2 // light that gets into the mouth
    const dark = ([r, g, b]: Rgb): Rgb => [r * depth, g * depth, b * depth]
    if (name.startsWith('Sclera')) {
      const angle = paint.eye[v]
      color = angle < 0.19 ? [0.01, 0.01, 0.01] : angle < 0.47 ? iris : [0.72, 0.69, 0.67]
    } else if (name === 'Teeth') color = dark([0.8, 0.76, 0.68])
    else if (name === 'Gums and tongue') color = dark([0.42, 0.13, 0.12])
    else if (name === 'Mouth socket') color = dark([0.14, 0.025, 0.025])
    else if (name.startsWith('Eyelashes')) color = mixed([0.03, 0.02, 0.015], skin, lashTone)
    else if (name.startsWith('Eye socket')) color = mixed(skin, [0.5, 0.15, 0.12], 0.3)
    else {
      color = mixed(skin, [0.7, 0.2, 0.16], flush * 0.5 * paint.cheeks[v])
      if (beard > 0 && y < -1.2 && y > -8.5 && z > 2) color = mixed(color, hair, beard * clamp((-1.2 - y) / 2) * (1 - paint.lips[v]))
      color = mixed(color, lipColor, paint.lips[v])
      color = mixed(color, browColor, browWeight * paint.brows[v])
      const p = 1 + patches(x, y, z)
      color = [color[0] * p, color[1] * p, color[2] * p]
      const above = paint.scalp[v] - hairline
      if (!bald && above > -0.3) {
        const s = 1 + strands(6 * Math.atan2(x, z - 2), 0.25 * y, 0.2 * z)
        color = mixed(color, [hair[0] * s, hair[1] * s, hair[2] * s], clamp((above + 0.3) / 0.5))
        const out = thick * clamp(above / 1.2)
        for (let c = 0; c < 3; c++) head[3 * v + c] += out * normals[3 * v + c]
      }
    }
    colors.set(color, 3 * v)
  }
  return {
    head,
    colors,
    lashes: random.next() < 0.6,
    rest: joined([shoulders(random), ...(!bald && random.next() < 0.55 ? [longHair(random, hair, strands)] : [])]),
  }
}

/** Noise of a point that changes over `size`, with standard deviation about `amount`. */
function smoothNoise(random: HostRandom, size: number, amount: number): (x: number, y: number, z: number) => number {
  const waves = Array.from({ length: 10 }, () => {
    const k = [0, 1, 2].map(() => random.normal() / size)
    return [...k, 2 * Math.PI * random.next()]
  })
  return (x, y, z) =>
    (amount * Math.SQRT2 * waves.reduce((s, [a, b, c, phase]) => s + Math.sin(a * x + b * y + c * z + phase), 0)) / Math.sqrt(waves.length)
}

/** An ellipsoid; `keep` cuts it open. */
function ellipsoid(
  centre: Rgb,
  radii: Rgb,
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

function randomColor(random: HostRandom, most = 0.7): Rgb {
  const color: Rgb = [most * random.next() ** 2, most * random.next() ** 2, most * random.next() ** 2]
  const grey = (color[0] + color[1] + color[2]) / 3
  return mixed(color, [grey, grey, grey], 0.8 * random.next())
}

function shoulders(random: HostRandom): Surface {
  const [a, b] = [randomColor(random), randomColor(random)]
  const stripe = random.next() < 0.4 ? within(random, 1.5, 4) : 0
  const [width, top] = [within(random, 18, 24), within(random, -17, -13)]
  return ellipsoid([0, top - 13, -3], [width, 14, 9.5], (_, y) => (stripe > 0 && Math.floor(y / stripe) % 2 === 0 ? b : a))
}

function longHair(random: HostRandom, hair: Rgb, strands: (x: number, y: number, z: number) => number): Surface {
  const [length, front] = [within(random, 0, 9), within(random, -1, 4.5)]
  const colorAt = (x: number, y: number, z: number): Rgb => {
    const s = 1 + strands(14 * Math.atan2(x, z), 0.1 * y, 0)
    return [hair[0] * s, hair[1] * s, hair[2] * s]
  }
  return ellipsoid(
    [0, 3.5 - length / 2, -1],
    [within(random, 9.3, 10.8), 11.5 + length / 2, 10],
    colorAt,
    (_, y, z) => z < front - 0.15 * Math.max(0, y - 4) ** 1.5,
  )
}

function joined(surfaces: readonly Surface[]): Surface {
  const starts = surfaces.map((_, i) => surfaces.slice(0, i).reduce((sum, { positions }) => sum + positions.length / 3, 0))
  return {
    positions: Float32Array.from(surfaces.flatMap(({ positions }) => [...positions])),
    triangles: Uint32Array.from(surfaces.flatMap(({ triangles }, i) => [...triangles].map(v => v + starts[i]))),
    colors: Float32Array.from(surfaces.flatMap(({ colors }) => [...colors])),
  }
}

export function makeSitting(random: HostRandom): Sitting {
  const yaw = (within(random, -38, 38) * Math.PI) / 180
  const pitch = (within(random, -14, 14) * Math.PI) / 180
  const roll = (4 * random.normal() * Math.PI) / 180
  const [cy, sy, cp, sp, cr, sr] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch), Math.cos(roll), Math.sin(roll)]
  // rows: right, down, forward of a camera that looks at the face
  const forward: Rgb = [-sy * cp, -sp, -cy * cp]
  const right0: Rgb = [cy, 0, -sy]
  const down0: Rgb = [
    forward[1] * right0[2] - forward[2] * right0[1],
    forward[2] * right0[0] - forward[0] * right0[2],
    forward[0] * right0[1] - forward[1] * right0[0],
  ]
  const turn = (a: Rgb, b: Rgb, c: number, s: number): Rgb => [a[0] * c + b[0] * s, a[1] * c + b[1] * s, a[2] * c + b[2] * s]
  const extent = within(random, 21, 42) // of the picture at the face, centimetres
  const distance = within(random, 42, 75)
  const light: Rgb = [within(random, -1, 1), within(random, -0.2, 1), within(random, 0.3, 1)]
  const norm = Math.hypot(...light)
  const warm = within(random, -0.12, 0.12)
  const strength = within(random, 0.45, 1.1)
  const fill = within(random, 0.18, 0.5)
  return {
    rotation: [turn(right0, down0, cr, sr), turn(down0, right0, cr, -sr), forward],
    target: [0.6 * random.normal(), 1.5 + 1.2 * random.normal(), 8],
    distance,
    focal: (FINE * distance) / extent,
    centre: [FINE / 2, FINE / 2],
    light: [light[0] / norm, light[1] / norm, light[2] / norm],
    key: [strength * (1 + warm), strength, strength * (1 - warm)],
    ambient: [fill * (1 - warm / 2), fill, fill * (1 + warm / 2)],
    room: makeRoom(random),
  }
}

/** A wall with things on it, out of boxes. */
function makeRoom(random: HostRandom): Float32Array {
  const room = new Float32Array(SIZE * SIZE * 3)
  const [top, bottom] = [randomColor(random, 0.7), randomColor(random, 0.7)]
  for (let i = 0; i < SIZE * SIZE; i++) room.set(mixed(top, bottom, Math.floor(i / SIZE) / SIZE), 3 * i)
  const things = random.next() < 0.25 ? 0 : Math.floor(within(random, 5, 60))
  for (let n = 0; n < things; n++) {
    const color = randomColor(random)
    const [x0, y0] = [within(random, -10, SIZE), within(random, -10, SIZE)].map(Math.floor)
    const [w, h] = [within(random, 2, 24), within(random, 3, 34)].map(Math.floor)
    for (let y = Math.max(0, y0); y < Math.min(SIZE, y0 + h); y++)
      for (let x = Math.max(0, x0); x < Math.min(SIZE, x0 + w); x++) room.set(color, 3 * (y * SIZE + x))
  }
  return room
}

/** Unit normals of vertices [V · 3], by area. */
function normalsOf(positions: Float32Array, triangles: Uint32Array): Float32Array {
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
        for (let s = 0; s < 4; s++) {
          const fine = (2 * y + (s >> 1)) * FINE + 2 * x + (s & 1)
          sum += frame.depth[fine] < Number.POSITIVE_INFINITY ? frame.color[3 * fine + c] : sitting.room[3 * (y * SIZE + x) + c]
        }
        const linear = clamp(sum / 4)
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
  const { rotation, target, distance, focal, centre, light, key, ambient } = sitting
  const normals = normalsOf(positions, triangles)
  const count = positions.length / 3
  const screen = new Float32Array(3 * count)
  for (let v = 0; v < count; v++) {
    const [x, y, z] = [positions[3 * v] - target[0], positions[3 * v + 1] - target[1], positions[3 * v + 2] - target[2]]
    const [cx, cy, cz] = rotation.map(row => row[0] * x + row[1] * y + row[2] * z)
    const w = cz + distance
    screen[3 * v] = centre[0] + (focal * cx) / w
    screen[3 * v + 1] = centre[1] + (focal * cy) / w
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
