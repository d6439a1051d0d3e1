/** What a capture is like, and what a person who films with a phone should change: numbers and sentences; `captureReport` draws them. */
import { depth } from '../../camera/rays.ts'
import { length, subtract, type Vector3 } from '../../camera/vector.ts'
import type { FileSource } from '../../io/files.ts'
import type { Capture, CaptureFrame } from '../capture.ts'
import { readJson } from '../nerfies.ts'
import { suspects, type Viewpoints, viewpoints } from './viewpoints.ts'

/** One thing about a capture, for a person. */
export interface Finding {
  /** 'good' needs nothing, 'warning' costs quality, 'problem' will show. */
  level: 'good' | 'warning' | 'problem'
  /** In a word. */
  topic: string
  /** What it is and what to do. */
  text: string
}

/** A frame of the video, kept or not. */
export interface RecordedFrame {
  index: number
  time: number
  sharpness: number
  brightness: number
  dropped?: string
}

/** What `checkCapture` found. */
export interface CaptureChecks {
  name: string
  /** Training frames in order of their codes, that is of time. */
  frames: CaptureFrame[]
  findings: Finding[]
  /** All frames of the video it was imported from; empty for other captures. */
  records: RecordedFrame[]
  viewpoints: Viewpoints
  suspects: { id: string; why: string }[]
  /** Mean luma of each frame, 0..1. */
  brightness: number[]
  /** Depths along the optical axes in scene units: of the room's points, ascending, of what the cameras look at, and the bounds. */
  depths: { room: number[]; focus: number[]; near: number; far: number }
  /** capture.json where there is one. */
  about: Record<string, unknown>
}

/** Degrees of yaw and pitch that a good capture spans. */
const GOOD_YAW = 45
const LEAST_YAW = 25
const GOOD_PITCH = 12
const LEAST_FRAMES = 60
/** Change of the mean luma from one frame to the next that is a jump of the exposure. */
export const EXPOSURE_JUMP = 0.05
/** Share of the room's points outside near..far. */
const OUTSIDE = 0.05

/** Checks a loaded capture; `source` is where it came from, for capture.json. */
export async function checkCapture(capture: Capture, source: FileSource): Promise<CaptureChecks> {
  const frames = capture.frames.filter(frame => frame.split === 'train').sort((a, b) => a.code - b.code)
  const about = await readAbout(source)
  const records = readRecords(about)
  const cameras = frames.map(({ id, camera }) => ({ id, camera }))
  const seen = viewpoints(cameras, (capture.near + capture.far) / 2)
  const wrong = suspects(cameras, seen)
  const brightness = frames.map(({ image }) => meanLuma(image))
  const depths = roomDepths(capture, frames, seen.focus)
  const findings = [
    ...countFindings(frames, records, about),
    ...lightFindings(brightness),
    ...viewFindings(seen),
    ...poseFindings(frames.length, wrong),
    ...depthFindings(depths),
    ...maskFindings(frames),
  ]
  return { name: capture.name, frames, findings, records, viewpoints: seen, suspects: wrong, brightness, depths, about }
}

async function readAbout(source: FileSource): Promise<Record<string, unknown>> {
  if (!(await source.exists('capture.json'))) return {}
  const json = await readJson(source, 'capture.json').catch(() => undefined) // only a courtesy: what it says is not needed
  return isObject(json) ? json : {}
}

function readRecords({ video }: Record<string, unknown>): RecordedFrame[] {
  if (!isObject(video) || !Array.isArray(video.records)) return []
  return video.records.flatMap((record: unknown) => {
    if (!Array.isArray(record) || !record.slice(0, 4).every(Number.isFinite)) return []
    const [index, time, sharpness, brightness, dropped] = record as [number, number, number, number, unknown]
    return [{ index, time, sharpness, brightness, ...(typeof dropped === 'string' && { dropped }) }]
  })
}

function countFindings(frames: readonly CaptureFrame[], records: readonly RecordedFrame[], { poses }: Record<string, unknown>): Finding[] {
  const topic = 'frames'
  const found: Finding[] = [
    frames.length < LEAST_FRAMES
      ? {
          level: 'warning',
          topic,
          text: `Only ${frames.length} pictures to learn from. Film 20 to 60 seconds, so that every expression is seen from several sides.`,
        }
      : { level: 'good', topic, text: `${frames.length} pictures to learn from.` },
  ]
  const candidates = records.filter(record => record.dropped !== 'a sharper one beside it')
  const dropped = (why: string): number => candidates.filter(record => record.dropped === why).length
  const [blurred, lost] = [dropped('blurred'), dropped('no pose') + dropped('wrong pose')]
  if (blurred > 0.1 * candidates.length) {
    found.push({
      level: 'warning',
      topic: 'blur',
      text: `${blurred} stretches of the video are blurred and were left out. Move more slowly, hold the phone with both hands, film in more light.`,
    })
  } else if (records.length > 0) found.push({ level: 'good', topic: 'blur', text: 'The video is sharp.' })
  if (lost > 0.1 * candidates.length) {
    found.push({
      level: 'warning',
      topic: 'poses',
      text: `${lost} pictures could not be placed in the room and were left out. Move more slowly, in front of shelves or pictures instead of a plain wall.`,
    })
  }
  if (isObject(poses) && poses.method === 'face') {
    found.push({
      level: 'warning',
      topic: 'poses',
      text: 'The camera stood still, so poses come from the face and the room was cut away. Moving the phone around a still head gives a sharper result.',
    })
  }
  return found
}

function lightFindings(brightness: readonly number[]): Finding[] {
  const jumps = brightness.slice(1).filter((value, i) => Math.abs(value - brightness[i]) > EXPOSURE_JUMP).length
  const middle = [...brightness].sort((a, b) => a - b)[brightness.length >> 1] ?? 0
  const topic = 'light'
  if (jumps > 0.03 * brightness.length) {
    return [
      {
        level: 'warning',
        topic,
        text: `The brightness jumps ${jumps} times. Lock exposure and focus before filming: hold a finger on the face in the camera app until it says locked.`,
      },
    ]
  }
  if (middle < 0.15) return [{ level: 'warning', topic, text: 'The pictures are dark. Film towards a window or a lamp, with the light on the face.' }]
  return [{ level: 'good', topic, text: 'The light is even.' }]
}

/** Between the 2nd and the 98th percentile: one stray camera widens nothing. */
export function range(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? 0
  return at(0.98) - at(0.02)
}

function viewFindings({ views }: Viewpoints): Finding[] {
  const [yaw, pitch] = [range(views.map(view => view.yaw)), range(views.map(view => view.pitch))]
  const topic = 'viewpoints'
  const found: Finding[] = []
  if (yaw < LEAST_YAW) {
    found.push({
      level: 'problem',
      topic,
      text: `The head is seen from ${yaw.toFixed(0)} degrees from side to side only; its depth stays unknown. Walk the phone from one cheek to the other, about 30 degrees to each side.`,
    })
  } else if (yaw < GOOD_YAW) {
    found.push({
      level: 'warning',
      topic,
      text: `The head is seen from ${yaw.toFixed(0)} degrees from side to side; 60 are good. Reach further around with the phone.`,
    })
  } else found.push({ level: 'good', topic, text: `The head is seen from ${yaw.toFixed(0)} degrees from side to side.` })
  if (pitch < GOOD_PITCH) {
    found.push({
      level: 'warning',
      topic,
      text: `Up and down the views span ${pitch.toFixed(0)} degrees; 20 are good. Raise and lower the phone a little while moving.`,
    })
  } else found.push({ level: 'good', topic, text: `Up and down the views span ${pitch.toFixed(0)} degrees.` })
  return found
}

function poseFindings(count: number, wrong: readonly { id: string; why: string }[]): Finding[] {
  if (wrong.length === 0) return [{ level: 'good', topic: 'cameras', text: 'No camera stands out.' }]
  const first = wrong.slice(0, 3).map(({ id, why }) => `${id} (${why})`)
  return [
    {
      level: wrong.length > 0.05 * count ? 'problem' : 'warning',
      topic: 'cameras',
      text: `${wrong.length} of ${count} cameras are probably wrong: ${first.join(', ')}${wrong.length > 3 ? ', …' : ''}. Leave them out (in the studio, or in dataset.json), or film again more slowly.`,
    },
  ]
}

function roomDepths(capture: Capture, frames: readonly CaptureFrame[], focus: Vector3): CaptureChecks['depths'] {
  const points = capture.backgroundPoints
  const room: number[] = []
  const some = Math.max(1, Math.floor(points.length / 3 / 2000))
  for (let f = 0; f < frames.length; f += Math.max(1, Math.floor(frames.length / 16))) {
    for (let i = 0; i < points.length; i += 3 * some) {
      const z = depth(frames[f].camera, [points[i], points[i + 1], points[i + 2]])
      if (z > 0) room.push(z)
    }
  }
  return {
    room: room.sort((a, b) => a - b),
    focus: frames.map(({ camera }) => length(subtract(camera.position, focus))),
    near: capture.near,
    far: capture.far,
  }
}

function depthFindings({ room, focus, near, far }: CaptureChecks['depths']): Finding[] {
  const topic = 'near and far'
  const nearest = Math.min(...focus)
  if (near > 0.85 * nearest) {
    return [
      {
        level: 'problem',
        topic,
        text: `near (${near.toPrecision(3)}) lies at or behind the face, which is ${nearest.toPrecision(3)} away at its nearest; the face would be cut off. Set near in scene.json to about ${(0.6 * nearest).toPrecision(2)}.`,
      },
    ]
  }
  if (far < Math.max(...focus)) {
    return [
      {
        level: 'problem',
        topic,
        text: `far (${far.toPrecision(3)}) lies before the head, which is up to ${Math.max(...focus).toPrecision(3)} away. Set far in scene.json behind the room's points.`,
      },
    ]
  }
  const outside = room.filter(z => z < near || z > far).length
  if (outside > OUTSIDE * room.length) {
    return [
      {
        level: 'warning',
        topic,
        text: `${((100 * outside) / room.length).toFixed(0)} % of the room's points lie outside near..far; what is there comes out as fog. Move far in scene.json outwards.`,
      },
    ]
  }
  return [{ level: 'good', topic, text: room.length > 0 ? 'They enclose the head and the room.' : 'They enclose the head.' }]
}

function maskFindings(frames: readonly CaptureFrame[]): Finding[] {
  const topic = 'framing'
  const masks = frames.flatMap(({ mask, camera }) => (mask ? [{ mask, width: camera.imageSize[0] }] : []))
  if (masks.length === 0)
    return [{ level: 'warning', topic: 'masks', text: 'There are no masks of the person; colours of the room may leak into hair and shoulders.' }]
  const cut = masks.filter(({ mask, width }) => mask.subarray(0, width).reduce((sum, value) => sum + value, 0) > 0.1 * width).length
  const small = masks.filter(({ mask }) => mask.reduce((sum, value) => sum + value, 0) < 0.1 * mask.length).length
  if (cut > 0.2 * masks.length)
    return [{ level: 'warning', topic, text: `The top of the head is cut off in ${cut} pictures. Hold the phone a little higher or farther away.` }]
  if (small > 0.2 * masks.length)
    return [
      { level: 'warning', topic, text: 'The person is small in the picture. Come closer: at arm’s length the face fills a third of the height.' },
    ]
  return [{ level: 'good', topic, text: 'The head is whole and large enough.' }]
}

function meanLuma(image: Float32Array): number {
  let sum = 0
  for (let i = 0; i < image.length; i += 3) sum += 0.2126 * image[i] + 0.7152 * image[i + 1] + 0.0722 * image[i + 2]
  return (3 * sum) / image.length
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
