/** Cameras off the path of their neighbours: a hand moves smoothly, a wrong pose does not. */
import type { Camera } from '../../camera/camera.ts'
import { length, subtract, type Vector3 } from '../../camera/vector.ts'

/** A camera is off when it misses what its four neighbours predict by this many times the usual miss, and by this share of the distance to the head. */
const TIMES_USUAL = 6
const LEAST_SHARE = 0.02
/** Neighbours further apart than this (s) predict nothing. */
const LONGEST_GAP = 0.6

/**
 * Places of the cameras that are off, worst first. `times` ascend; `distance` is that of the cameras to the head, in the units of their positions.
 * The worst is taken out before its neighbours are judged again, so that one wrong camera does not condemn those beside it.
 */
export function strayCameras(cameras: readonly Camera[], times: readonly number[], distance: number): number[] {
  const left = cameras.map((_, i) => i)
  const strays: number[] = []
  const misses = (): { place: number; miss: number }[] =>
    left.flatMap((place, k) => {
      if (k < 2 || k + 2 >= left.length) return []
      const around = [left[k - 2], left[k - 1], left[k + 1], left[k + 2]]
      if (times[around[3]] - times[around[0]] > 4 * LONGEST_GAP) return []
      const predicted = cubic(
        around.map(i => times[i]),
        around.map(i => cameras[i].position),
        times[place],
      )
      return [{ place, miss: length(subtract(cameras[place].position, predicted)) }]
    })
  const first = misses().map(({ miss }) => miss)
  const usual = first.sort((a, b) => a - b)[first.length >> 1] ?? 0
  const limit = Math.max(TIMES_USUAL * usual, LEAST_SHARE * distance)
  for (;;) {
    const worst = misses().reduce((a, b) => (b.miss > a.miss ? b : a), { place: -1, miss: 0 })
    if (worst.miss <= limit) return strays
    strays.push(worst.place)
    left.splice(left.indexOf(worst.place), 1)
  }
}

/** Lagrange's cubic through four points in time. */
function cubic(times: readonly number[], points: readonly Vector3[], time: number): Vector3 {
  const weights = times.map((own, i) => times.reduce((product, other, j) => (i === j ? product : (product * (time - other)) / (own - other)), 1))
  return [0, 1, 2].map(k => points.reduce((sum, point, i) => sum + weights[i] * point[k], 0)) as Vector3
}
