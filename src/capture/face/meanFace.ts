/**
 * A mean adult face as landmarks, from rounded anthropometric means (distances between the corners of the eyes, breadth and height of nose and
 * mouth, depth of the nose's tip, as textbooks of facial measurement list them). It starts bundle adjustment and holds what pictures leave open.
 */
import type { Vector3 } from '../../camera/vector.ts'

/** Landmarks in use: the jaw (0–16) slides along the outline as the head turns and is left out. */
export const FIRST_LANDMARK = 17
export const LANDMARK_COUNT = 68

/** Distance between the centres of the pupils of a mean adult, metres: what makes a reconstruction metric. */
export const INTERPUPILLARY_DISTANCE = 0.063

/** mm of the subject's left half and middle; x to the subject's left, y up, z out of the face, origin between the eyes. */
const BROW: readonly Vector3[] = [
  [13, 20, 11],
  [25, 24, 8],
  [37, 25, 3],
  [47, 22, -4],
  [55, 15, -13],
]
const BRIDGE: readonly Vector3[] = [
  [0, 3, 11],
  [0, -10, 17],
  [0, -23, 25],
  [0, -37, 33],
]
const NOSE_BASE: readonly Vector3[] = [
  [0, -47, 21],
  [6, -46, 19],
  [13.5, -43.5, 13],
]
/** Inner corner, upper lid (inner, outer), outer corner, lower lid (outer, inner). */
const EYE: readonly Vector3[] = [
  [17, 0, -2],
  [26, 4.5, 1],
  [36, 4.5, -1],
  [45, 0, -11],
  [36, -4, -2],
  [26, -4.5, 0],
]
const LIPS = {
  corner: [25.5, -72, 7],
  upper: [
    [0, -65, 21],
    [7, -63.5, 21],
    [16, -66, 16],
  ],
  lower: [
    [0, -82, 19],
    [9, -81, 17.5],
    [18, -78, 13],
  ],
  innerCorner: [22, -72, 8],
  innerUpper: [
    [0, -71, 18],
    [8, -70.5, 17],
  ],
  innerLower: [
    [0, -73.5, 17],
    [8, -73, 16.5],
  ],
} as const satisfies Record<string, Vector3 | readonly Vector3[]>

/** The mean face, metres: landmark 17 + i at [i]. */
export const MEAN_FACE: readonly Vector3[] = assemble().map(point => point.map(mm => mm / 1000) as Vector3)

function assemble(): Vector3[] {
  const mirror = ([x, y, z]: Vector3): Vector3 => [-x, y, z]
  const right = (points: readonly Vector3[]): Vector3[] => points.map(mirror)
  const [inner, upperInner, upperOuter, outer, lowerOuter, lowerInner] = EYE
  const { corner, upper, lower, innerCorner, innerUpper, innerLower } = LIPS
  return [
    ...right(BROW).reverse(), // 17–21, from the subject's right temple inwards
    ...BROW, // 22–26
    ...BRIDGE, // 27–30
    ...right([NOSE_BASE[2], NOSE_BASE[1]]),
    ...NOSE_BASE, // 31–35
    ...right([outer, upperOuter, upperInner, inner, lowerInner, lowerOuter]), // 36–41
    ...[inner, upperInner, upperOuter, outer, lowerOuter, lowerInner], // 42–47
    mirror(corner), // 48
    ...right([upper[2], upper[1]]),
    ...upper, // 49–53
    corner, // 54
    lower[2],
    lower[1],
    lower[0],
    ...right([lower[1], lower[2]]), // 55–59
    mirror(innerCorner), // 60
    mirror(innerUpper[1]),
    ...innerUpper, // 61–63
    innerCorner, // 64
    innerLower[1],
    innerLower[0],
    mirror(innerLower[1]), // 65–67
  ]
}

/** Mean of the six landmarks of an eye, which lies at the pupil of a face that looks ahead. `side` 0 is the subject's right eye. */
export function eyeCenter(points: readonly Vector3[], side: 0 | 1): Vector3 {
  const from = 36 + 6 * side - FIRST_LANDMARK
  return [0, 1, 2].map(k => points.slice(from, from + 6).reduce((sum, p) => sum + p[k], 0) / 6) as Vector3
}
