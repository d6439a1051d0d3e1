/** Densities and colours of a scene at any points: one plan, run as often as the points need. */
import { Storage } from '../tensor/device.ts'
import { compileRepeated } from '../tensor/repeatedPlan.ts'
import type { FieldCodes } from './radianceField.ts'
import { templateNames } from './rayLevels.ts'
import type { SceneManipulator } from './sceneManipulator.ts'

export interface FieldSampler extends Disposable {
  /** Points at once, at most. */
  readonly points: number
  /**
   * Points [n · 3] in space units, seen along unit directions [n · 3], or all along one [3] -> sigma [n] per space unit and rgb [n · 3] in 0..1.
   * Throws for more than `points`.
   */
  sample(places: Float32Array, directions: Float32Array | readonly [number, number, number]): Promise<{ sigma: Float32Array; rgb: Float32Array }>
}

/** Points that go through the networks at once. */
const POINTS_AT_ONCE = { gpu: 2 ** 17, cpu: 2 ** 13 }
const LEAST_POINTS = 256

/** A sampler of the field that pictures show. @param most points that will be asked for in all: a plan for more would compute them in vain */
export function fieldSampler(scene: SceneManipulator, codes: FieldCodes, most = Number.POSITIVE_INFINITY): FieldSampler {
  const { device, config } = scene
  const points = Math.min(POINTS_AT_ONCE[device.kind], 2 ** Math.ceil(Math.log2(Math.max(LEAST_POINTS, most))))
  const x = new Storage(device, 3 * points)
  const d = new Storage(device, 3 * points)
  const names = templateNames(config.sampling)
  const { sigma, rgb } = scene.field(names[names.length - 1], codes)(x.tensor([points, 3]), d.tensor([points, 3]))
  const repeated = compileRepeated(device, { outputs: [sigma, rgb] }, [x, d])
  repeated.prepare()
  return {
    points,
    async sample(places, directions) {
      const count = places.length / 3
      if (count > points) throw new Error(`fieldSampler: ${count} points at once; give at most ${points}`)
      x.write(places)
      d.write(directions instanceof Float32Array ? directions : Float32Array.from(places, (_, i) => directions[i % 3]))
      repeated.plan.run()
      const [s, c] = await Promise.all([repeated.plan.read(sigma), repeated.plan.read(rgb)])
      return { sigma: s.subarray(0, count), rgb: c.subarray(0, 3 * count) }
    },
    [Symbol.dispose]() {
      repeated[Symbol.dispose]()
      x.release()
      d.release()
    },
  }
}
