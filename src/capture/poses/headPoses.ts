/**
 * Head poses of a video whose camera stands still: landmarks of all frames are explained by one rigid face shape, one focal length and a pose per frame
 * (bundle adjustment). A mean face holds the shape, expressions are outliers (stable landmarks count most, Cauchy's loss does the rest), and poses
 * change smoothly.
 */
import type { Matrix3, Vector3 } from '../../camera/vector.ts'
import { eyeCenter, FIRST_LANDMARK, INTERPUPILLARY_DISTANCE, LANDMARK_COUNT, MEAN_FACE } from '../face/meanFace.ts'
import { type ResidualBlock, solveLeastSquares } from './leastSquares.ts'
import { rotationOf } from './rotationVector.ts'

export interface LandmarkFrame {
  /** Seconds. */
  time: number
  /** px, x, y of 68 landmarks; absent where no face was found. */
  landmarks?: Float64Array
}

export interface HeadPose {
  /** Camera axes (right, down, forward) from head axes (subject's left, up, out of the face). */
  rotation: Matrix3
  /** The head's origin, between the eyes, in camera axes, metres. */
  translation: Vector3
  /** Weighted RMS distance of the landmarks from their explanation, as a share of the distance between the eyes. Absent where no face was found. */
  error?: number
}

export interface HeadPoses {
  /** px. */
  focalLength: number
  /** One for every frame; those without landmarks follow from their neighbours. */
  poses: HeadPose[]
  /** The face's shape, metres, landmark 17 + i at [i]; the origin lies between the eyes. */
  shape: Vector3[]
}

/** How far landmarks lie from where a rigid head would have them, as shares of the distance between the eyes; what expressions move counts less. */
const DEVIATION = {
  brows: 0.6,
  bridge: 0.05,
  noseBase: 0.06,
  eyeCorners: 0.05,
  eyeLids: 0.12,
  mouth: 1,
}
/** Residuals beyond this many deviations are outliers. */
const OUTLIER = 2
/** How far faces differ from the mean face, metres. */
const SHAPE_DEVIATION = 0.003
/** Focal length as a share of the longer side, and the deviation of its logarithm: 0.7 to 1.7 are usual for phones and webcams. */
const FOCAL = { mean: 1.1, deviation: 0.3 }
/** Deviation of the acceleration of a head that talks and turns: rad/s² and m/s². */
const ACCELERATION = { turn: 12, move: 1.5 }
/** Frames further apart than this (s) do not hold each other. */
const LONGEST_GAP = 0.5

/** Base rotation: a head that faces the camera upright. */
const FACING: Matrix3 = [
  [1, 0, 0],
  [0, -1, 0],
  [0, 0, -1],
]

/** Finds the poses. Throws when fewer than three frames show a face. `focalLength` (px), where known, is kept. */
export function headPoses(
  frames: readonly LandmarkFrame[],
  [width, height]: [number, number],
  { focalLength }: { focalLength?: number } = {},
): HeadPoses {
  const seen = frames.flatMap((frame, i) => (frame.landmarks ? [i] : []))
  if (seen.length < 3)
    throw new Error(`head poses: a face was found in ${seen.length} of ${frames.length} frames; film the face from the front, in even light`)
  const problem = setUp(frames, [width, height], focalLength)
  solveLeastSquares(problem.parameters, problem.blocks, { iterations: 60, tolerance: 1e-5 })
  return problem.result()
}

const POSE = 6

function setUp(frames: readonly LandmarkFrame[], [width, height]: [number, number], known: number | undefined) {
  const center: [number, number] = [width / 2, height / 2]
  const start = known ?? FOCAL.mean * Math.max(width, height)
  const shapeAt = POSE * frames.length
  const focalAt = shapeAt + 3 * MEAN_FACE.length
  const parameters = new Float64Array(focalAt + 1)
  parameters.set(MEAN_FACE.flat(), shapeAt)
  parameters[focalAt] = Math.log(start)
  const spans = frames.map(frame => (frame.landmarks ? eyeSpan(frame.landmarks) : undefined))
  startPoses(parameters, frames, start, center)
  const blocks: ResidualBlock[] = []
  frames.forEach(({ landmarks }, f) => {
    const span = spans[f]
    if (!landmarks || span === undefined) return
    const pose = Array.from({ length: POSE }, (_, k) => POSE * f + k)
    MEAN_FACE.forEach((_, i) => {
      const at = 2 * (FIRST_LANDMARK + i)
      const share = 1 / (deviationOf(FIRST_LANDMARK + i) * span)
      blocks.push({
        parameters: [...pose, shapeAt + 3 * i, shapeAt + 3 * i + 1, shapeAt + 3 * i + 2, focalAt],
        size: 2,
        cauchy: OUTLIER,
        evaluate(v, out) {
          const [x, y] = projected(v, [v[6], v[7], v[8]], Math.exp(v[9]), center)
          out[0] = (x - landmarks[at]) * share
          out[1] = (y - landmarks[at + 1]) * share
        },
      })
    })
  })
  blocks.push(...smoothness(frames), ...priors(shapeAt, focalAt, Math.log(start), known === undefined ? FOCAL.deviation : 1e-4, seenCount(frames)))
  return { parameters, blocks, result: () => readResult(parameters, frames, spans, shapeAt, focalAt, center) }
}

function seenCount(frames: readonly LandmarkFrame[]): number {
  return frames.filter(frame => frame.landmarks).length
}

function deviationOf(landmark: number): number {
  if (landmark < 27) return DEVIATION.brows
  if (landmark < 31) return DEVIATION.bridge
  if (landmark < 36) return DEVIATION.noseBase
  if (landmark >= 48) return DEVIATION.mouth
  return (landmark - 36) % 3 === 0 ? DEVIATION.eyeCorners : DEVIATION.eyeLids
}

/** px between the outer corners of the eyes over 1.43, the mean face's ratio of that to the distance of the pupils. */
function eyeSpan(landmarks: Float64Array): number {
  return Math.max(4, Math.hypot(landmarks[72] - landmarks[90], landmarks[73] - landmarks[91]) / 1.43)
}

/** Every head starts upright and facing the camera, at the place and distance that the eyes' corners say; frames without a face take their neighbour's. */
function startPoses(parameters: Float64Array, frames: readonly LandmarkFrame[], focal: number, center: [number, number]): void {
  let last: number[] | undefined
  const fill = (f: number): void => {
    const { landmarks } = frames[f]
    if (landmarks) {
      const depth = (focal * INTERPUPILLARY_DISTANCE) / eyeSpan(landmarks)
      const [x, y] = [(landmarks[72] + landmarks[90]) / 2, (landmarks[73] + landmarks[91]) / 2]
      last = [0, 0, 0, ((x - center[0]) * depth) / focal, ((y - center[1]) * depth) / focal, depth]
    }
    if (last) parameters.set(last, POSE * f)
  }
  for (let f = 0; f < frames.length; f++) fill(f)
  last = undefined
  for (let f = frames.length - 1; f >= 0; f--) if (frames[f].landmarks || parameters[POSE * f + 5] === 0) fill(f)
}

/** Accelerations between three neighbours in time. */
function smoothness(frames: readonly LandmarkFrame[]): ResidualBlock[] {
  const blocks: ResidualBlock[] = []
  for (let f = 1; f + 1 < frames.length; f++) {
    const [before, after] = [frames[f].time - frames[f - 1].time, frames[f + 1].time - frames[f].time]
    if (before > LONGEST_GAP || after > LONGEST_GAP || before <= 0 || after <= 0) continue
    for (let k = 0; k < POSE; k++) {
      const scale = 2 / (before + after) / (k < 3 ? ACCELERATION.turn : ACCELERATION.move)
      blocks.push({
        parameters: [POSE * (f - 1) + k, POSE * f + k, POSE * (f + 1) + k],
        size: 1,
        evaluate(v, out) {
          out[0] = ((v[2] - v[1]) / after - (v[1] - v[0]) / before) * scale
        },
      })
    }
  }
  return blocks
}

/** The mean face and the usual focal length. Landmark noise of all frames adds up against the priors, most of it the same in each frame: priors grow with it. */
function priors(shapeAt: number, focalAt: number, logFocal: number, focalDeviation: number, seen: number): ResidualBlock[] {
  const strength = Math.sqrt(seen)
  const shape = MEAN_FACE.map(
    (mean, i): ResidualBlock => ({
      parameters: [shapeAt + 3 * i, shapeAt + 3 * i + 1, shapeAt + 3 * i + 2],
      size: 3,
      evaluate(v, out) {
        for (let k = 0; k < 3; k++) out[k] = ((v[k] - mean[k]) / SHAPE_DEVIATION) * strength
      },
    }),
  )
  const focal: ResidualBlock = {
    parameters: [focalAt],
    size: 1,
    evaluate(v, out) {
      out[0] = ((v[0] - logFocal) / focalDeviation) * strength
    },
  }
  return [...shape, focal]
}

function projected(pose: ArrayLike<number>, point: Vector3, focal: number, center: [number, number]): [number, number] {
  const [x, y, z] = posed(pose, point)
  return [center[0] + (focal * x) / z, center[1] + (focal * y) / z]
}

/** exp(ω) · facing · point + t */
function posed(pose: ArrayLike<number>, [x, y, z]: Vector3): Vector3 {
  const r = rotationOf([pose[0], pose[1], pose[2]])
  const facing: Vector3 = [x, -y, -z]
  return [0, 1, 2].map(k => r[k][0] * facing[0] + r[k][1] * facing[1] + r[k][2] * facing[2] + pose[3 + k]) as Vector3
}

/** Scales to the interpupillary distance of a mean adult and moves the origin between the eyes. */
function readResult(
  parameters: Float64Array,
  frames: readonly LandmarkFrame[],
  spans: readonly (number | undefined)[],
  shapeAt: number,
  focalAt: number,
  center: [number, number],
): HeadPoses {
  const focalLength = Math.exp(parameters[focalAt])
  const found = MEAN_FACE.map((_, i) => [0, 1, 2].map(k => parameters[shapeAt + 3 * i + k]) as Vector3)
  const [right, left] = [eyeCenter(found, 0), eyeCenter(found, 1)]
  const scale = INTERPUPILLARY_DISTANCE / Math.hypot(left[0] - right[0], left[1] - right[1], left[2] - right[2])
  const middle = [0, 1, 2].map(k => (left[k] + right[k]) / 2) as Vector3
  const poses = frames.map(({ landmarks }, f): HeadPose => {
    const pose = parameters.slice(POSE * f, POSE * f + POSE)
    const turn = rotationOf([pose[0], pose[1], pose[2]])
    const rotation = turn.map(row => FACING[0].map((_, j) => row[j] * FACING[j][j])) as Matrix3
    const translation = posed(pose, middle).map(value => value * scale) as Vector3
    const span = spans[f]
    if (!landmarks || span === undefined) return { rotation, translation }
    let sum = 0
    let total = 0
    for (let i = 0; i < LANDMARK_COUNT - FIRST_LANDMARK; i++) {
      const at = 2 * (FIRST_LANDMARK + i)
      const weight = 1 / deviationOf(FIRST_LANDMARK + i) ** 2
      const [x, y] = projected(pose, found[i], focalLength, center)
      sum += weight * ((x - landmarks[at]) ** 2 + (y - landmarks[at + 1]) ** 2)
      total += weight
    }
    return { rotation, translation, error: Math.sqrt(sum / total) / span }
  })
  return { focalLength, poses, shape: found.map(point => point.map((value, k) => (value - middle[k]) * scale) as Vector3) }
}
