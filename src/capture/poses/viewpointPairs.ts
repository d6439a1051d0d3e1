/** Pictures that show the head from one side although others lie between them: matched, they keep a reconstruction from drifting. */
import type { HeadPose } from './headPoses.ts'
import { angleBetween } from './rotationVector.ts'

/** Pictures nearer in order than this are matched anyway. */
const APART = 12
/** Radians within which two views are from one side. */
const SIDE = 0.14
/** Partners of each picture, and how far they are from each other in order. */
const PARTNERS = 3

/** For each pose the nearest views before it; places in `poses`. */
export function viewpointPairs(poses: readonly HeadPose[]): [number, number][] {
  const pairs: [number, number][] = []
  for (let i = APART; i < poses.length; i++) {
    const candidates = poses
      .slice(0, i - APART)
      .map((pose, j) => ({ j, angle: angleBetween(pose.rotation, poses[i].rotation) }))
      .filter(({ angle }) => angle < SIDE)
      .sort((a, b) => a.angle - b.angle)
    const taken: number[] = []
    for (const { j } of candidates) {
      if (taken.length === PARTNERS) break
      if (taken.some(other => Math.abs(other - j) < APART)) continue
      taken.push(j)
      pairs.push([j, i])
    }
  }
  return pairs
}
