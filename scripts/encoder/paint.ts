/** Where the head is painted: lips, brows, cheeks, scalp and irises. */
import { clamp } from './random.ts'
import type { Rig } from './rig.ts'

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

/** By what the rig calls its parts, and by its landmarks: brows and lips are lines and a ring of those. */
export function paintOf({ neutral, triangles, regionOf, regions, landmarks }: Rig): Paint {
  const count = neutral.length / 3
  const point = (i: number): readonly [number, number] => [neutral[3 * landmarks[i]], neutral[3 * landmarks[i] + 1]]
  const line = (from: number, to: number): (readonly [number, number])[] => Array.from({ length: to - from + 1 }, (_, i) => point(from + i))
  const region = new Uint8Array(count).fill(255)
  for (const [t, r] of regionOf.entries()) for (let k = 0; k < 3; k++) region[triangles[3 * t + k]] = r
  const [face, neck] = ['Face', 'Head and Neck'].map(name => regions.indexOf(name))
  const [lips, brows, cheeks, scalp, eye] = [0, 0, 0, 0, Number.NaN].map(v => new Float32Array(count).fill(v))
  const outer = line(48, 59)
  const browLines = [line(17, 21), line(22, 26)]
  for (let v = 0; v < count; v++) {
    const [x, y, z] = neutral.subarray(3 * v, 3 * v + 3)
    const hairline = 9.3 - 1.05 * Math.max(0, 7.5 - z)
    scalp[v] = region[v] === face || region[v] === neck ? y - Math.max(hairline, -5) : -9
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
