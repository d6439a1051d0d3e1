/** Random people: shape, skin, lips, brows, eyes, hair and clothes. */
import { multiply } from '../../src/camera/vector.ts'
import type { HostRandom } from '../../src/tensor/hostRandom.ts'
import type { Paint } from './paint.ts'
import { clamp, mixed, pick, type Rgb, randomColor, smoothNoise, within } from './random.ts'
import type { Rig } from './rig.ts'
import { ellipsoid, joined, normalsOf, type Surface } from './surface.ts'

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

/** Takes its chances from `random` in a fixed order: the same seed is the same person. */
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
    if (name.startsWith('Sclera')) {
      const angle = paint.eye[v]
      color = angle < 0.19 ? [0.01, 0.01, 0.01] : angle < 0.47 ? iris : [0.72, 0.69, 0.67]
    } else if (name === 'Teeth') color = multiply([0.8, 0.76, 0.68], depth)
    else if (name === 'Gums and tongue') color = multiply([0.42, 0.13, 0.12], depth)
    else if (name === 'Mouth socket') color = multiply([0.14, 0.025, 0.025], depth)
    else if (name.startsWith('Eyelashes')) color = mixed([0.03, 0.02, 0.015], skin, lashTone)
    else if (name.startsWith('Eye socket')) color = mixed(skin, [0.5, 0.15, 0.12], 0.3)
    else {
      color = mixed(skin, [0.7, 0.2, 0.16], flush * 0.5 * paint.cheeks[v])
      if (beard > 0 && y < -1.2 && y > -8.5 && z > 2) color = mixed(color, hair, beard * clamp((-1.2 - y) / 2) * (1 - paint.lips[v]))
      color = mixed(color, lipColor, paint.lips[v])
      color = mixed(color, browColor, browWeight * paint.brows[v])
      color = multiply(color, 1 + patches(x, y, z))
      const above = paint.scalp[v] - hairline
      if (!bald && above > -0.3) {
        const strand = multiply(hair, 1 + strands(6 * Math.atan2(x, z - 2), 0.25 * y, 0.2 * z))
        color = mixed(color, strand, clamp((above + 0.3) / 0.5))
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

function shoulders(random: HostRandom): Surface {
  const [a, b] = [randomColor(random), randomColor(random)]
  const stripe = random.next() < 0.4 ? within(random, 1.5, 4) : 0
  const [width, top] = [within(random, 18, 24), within(random, -17, -13)]
  return ellipsoid([0, top - 13, -3], [width, 14, 9.5], (_, y) => (stripe > 0 && Math.floor(y / stripe) % 2 === 0 ? b : a))
}

function longHair(random: HostRandom, hair: Rgb, strands: (x: number, y: number, z: number) => number): Surface {
  const [length, front] = [within(random, 0, 9), within(random, -1, 4.5)]
  const colorAt = (x: number, y: number, z: number): Rgb => multiply(hair, 1 + strands(14 * Math.atan2(x, z), 0.1 * y, 0))
  return ellipsoid(
    [0, 3.5 - length / 2, -1],
    [within(random, 9.3, 10.8), 11.5 + length / 2, 10],
    colorAt,
    (_, y, z) => z < front - 0.15 * Math.max(0, y - 4) ** 1.5,
  )
}
