/** Where the page looks from and what it shows: plain data, and the address that remembers it. */
import { type Camera, type OrbitRange, scaleCamera } from 'faceclipnerf'

export interface View {
  /** Radians to the right of and above the mean view. */
  readonly yaw: number
  readonly pitch: number
  /** Times the capture's mean distance. */
  readonly distance: number
  /** A capture's camera to look through instead. */
  readonly camera: string | undefined
  readonly expression: number
  readonly strength: number
}

export const FRONT: View = { yaw: 0, pitch: 0, distance: 1, camera: undefined, expression: 0, strength: 1 }

/** How far beyond the capture's own views one may look: what no camera saw is made up. */
const BEYOND = 1.25
const DISTANCES = { least: 0.55, most: 1.6 }

/** The view inside its limits. */
export function limited(view: View, { yaw, pitch }: Pick<OrbitRange, 'yaw' | 'pitch'>): View {
  const within = (value: number, most: number): number => Math.min(most, Math.max(-most, value))
  return {
    ...view,
    yaw: within(view.yaw, BEYOND * yaw),
    pitch: within(view.pitch, BEYOND * Math.max(pitch, yaw / 3)),
    distance: Math.min(DISTANCES.most, Math.max(DISTANCES.least, view.distance)),
  }
}

/** The camera of a view, `width` px wide. */
export function cameraOf(view: View, range: OrbitRange, cameras: ReadonlyMap<string, Camera>, width: number): Camera {
  const camera = (view.camera !== undefined && cameras.get(view.camera)) || range.at(view.yaw, view.pitch, view.distance)
  const [w, h] = camera.imageSize
  const factor = width / w
  return scaleCamera(camera, factor, [width, Math.max(1, Math.round(h * factor))])
}

/** '#expression=1&strength=0.8&yaw=0.2' -> what it says; what it does not say, or says wrongly, stays. */
export function viewFromHash(hash: string, view: View): View {
  const fields = new URLSearchParams(hash.replace(/^#/, ''))
  const number = (name: string, otherwise: number): number => {
    const value = Number(fields.get(name) ?? Number.NaN)
    return Number.isFinite(value) ? value : otherwise
  }
  return {
    yaw: number('yaw', view.yaw),
    pitch: number('pitch', view.pitch),
    distance: number('distance', view.distance),
    camera: fields.get('camera') ?? view.camera,
    expression: number('expression', view.expression),
    strength: number('strength', view.strength),
  }
}

/** The inverse of `viewFromHash`: only what differs from the front view. */
export function hashOf(view: View): string {
  const said = Object.entries(view).filter(([name, value]) => value !== undefined && value !== FRONT[name as keyof View])
  return said.map(([name, value]) => `${name}=${typeof value === 'number' ? Number(value.toFixed(3)) : encodeURIComponent(String(value))}`).join('&')
}
