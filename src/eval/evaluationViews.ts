/** From where edits are looked at when they are measured: views that no camera had, their near neighbours, and those of which there are true pictures. */
import type { Camera } from '../camera/camera.ts'
import { spiral } from '../camera/paths.ts'
import { add, cross, dot, multiply, subtract, type Vector3 } from '../camera/vector.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { outOfSpace } from '../nerf/space.ts'
import type { TrueEdit } from './groundTruth.ts'

/** Cameras in scene units. */
export interface EvaluationViews {
  /** All over the range of the recorded cameras, none of them one of those: what networks judge. */
  readonly novel: readonly Camera[]
  /** For the first of the novel views, the same view a few degrees to the side. */
  readonly neighbours: readonly Camera[]
  /** Held-out views that are shown to people; with true edits, their cameras. */
  readonly shown: readonly { readonly name: string; readonly camera: Camera }[]
}

/** Novel views that get a neighbour, and held-out ones that are shown where there are no true edits. */
const [PAIRS, SHOWN] = [4, 4]
/** Angle between neighbours, radians: 4°. */
const BASELINE = (4 * Math.PI) / 180

/** The views from which edits of a scene are measured. Throws for fewer than 2. @param count novel views */
export function evaluationViews(scene: SceneManipulator, count: number, truth?: readonly TrueEdit[]): EvaluationViews {
  if (!Number.isInteger(count) || count < 2) throw new Error(`evaluate: ${count} views; give a whole number from 2`)
  const { space, frames } = scene.description
  const novel = spiral(scene.trainingCameras, { frames: count, turns: 2, zoom: 0 }).map(camera => outOfSpace(camera, space))
  const heldOut = new Map<string, { name: string; camera: Camera }>()
  for (const { id, camera, split } of frames)
    if (split === 'val') heldOut.set(camera.position.join(), { name: id, camera: outOfSpace(camera, space) })
  const shown = truth
    ? truth[0].views.map(({ name, camera }) => ({ name, camera }))
    : heldOut.size > 0
      ? [...heldOut.values()].slice(0, SHOWN)
      : novel.slice(0, SHOWN).map((camera, i) => ({ name: `view ${i + 1}`, camera }))
  return { novel, neighbours: novel.slice(0, PAIRS).map(camera => turned(camera, space.center, BASELINE)), shown }
}

/** The camera moved on a circle about a point, around its own upward axis, still looking at what it looked at. */
export function turned(camera: Camera, about: Vector3, angle: number): Camera {
  const axis = camera.orientation[1]
  const turn = (v: Vector3): Vector3 => {
    // Rodrigues' formula
    const [c, s] = [Math.cos(angle), Math.sin(angle)]
    return add(add(multiply(v, c), multiply(cross(axis, v), s)), multiply(axis, dot(axis, v) * (1 - c)))
  }
  const [right, down, forward] = camera.orientation
  return { ...camera, orientation: [turn(right), turn(down), turn(forward)], position: add(about, turn(subtract(camera.position, about))) }
}
