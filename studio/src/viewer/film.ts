/** A film: keyframes of camera and face, how long it is, whether it loops. Plain values, never changed in place; the first keyframe stands at 0. */
import type { ExpressionKeyframe } from 'faceclipnerf'
import type { Pose } from '../protocol/messages.ts'

/** The face of a keyframe: unedited, an edit, or what a file names that is not open here (drawn unedited, and kept for the file). */
export type FilmFace =
  | { readonly kind: 'unedited' }
  | { readonly kind: 'edit'; readonly edit: number; readonly strength: number; readonly gains: readonly number[] }
  | { readonly kind: 'absent'; readonly named: ExpressionKeyframe }

export interface FilmKeyframe {
  readonly id: number
  /** Seconds. */
  readonly time: number
  /** Absent: the camera follows the path here. */
  readonly pose?: Pose | undefined
  /** Absent: the face is between those of its neighbours. */
  readonly face?: FilmFace | undefined
}

export interface Film {
  /** By time. */
  readonly keyframes: readonly FilmKeyframe[]
  readonly seconds: number
  readonly fps: number
  /** Whether it leads back to its first keyframe. */
  readonly closed: boolean
  /** How tightly the camera follows its keyframes, as in nerfstudio: 0 is a smooth curve, 1 stops at each. */
  readonly tension: number
  /** px along the longer edge, where a file says so. */
  readonly side?: number | undefined
}

/** Seconds from one keyframe to the next, where nobody says otherwise. */
const STEP = 2
export const MOST_SECONDS = 600
export const MOST_FPS = 60

export const NO_FILM: Film = { keyframes: [], seconds: STEP, fps: 24, closed: false, tension: 0 }

export const keyframeIn = ({ keyframes }: Film, id: number | undefined): FilmKeyframe | undefined => keyframes.find(key => key.id === id)

export const frameCount = ({ fps, seconds }: Film): number => Math.max(1, Math.round(fps * seconds))

/** The keyframe that stands at a time, to half a picture. */
export const keyframeAt = ({ keyframes, fps }: Film, time: number): FilmKeyframe | undefined =>
  keyframes.find(key => Math.abs(key.time - time) < 0.5 / fps)

export const sorted = (keyframes: readonly FilmKeyframe[]): readonly FilmKeyframe[] => [...keyframes].sort((a, b) => a.time - b.time)

/** Adds a keyframe at a time; where one stands there already, behind the last one, and the film grows by a step. */
export function withKeyframe(film: Film, content: Pick<FilmKeyframe, 'pose' | 'face'>, time: number): { film: Film; id: number } {
  const { keyframes, seconds, fps, closed } = film
  const id = 1 + Math.max(0, ...keyframes.map(key => key.id))
  const last = keyframes.at(-1)?.time
  if (last === undefined) return { film: { ...film, keyframes: [{ id, time: 0, ...content }] }, id }
  const wanted = Math.round(time * fps) / fps
  if (wanted > 0 && wanted < seconds - 0.5 / fps && !keyframeAt(film, wanted))
    return { film: { ...film, keyframes: sorted([...keyframes, { id, time: wanted, ...content }]) }, id }
  const at = seconds > last + 0.5 / fps ? seconds : last + STEP
  const length = closed ? at + (at - last) : at
  return { film: { ...film, keyframes: [...keyframes, { id, time: at, ...content }], seconds: Math.min(MOST_SECONDS, length) }, id }
}

/** Without a keyframe; after the first, the next one begins the film. */
export function withoutKeyframe(film: Film, id: number): Film {
  const [first, next] = film.keyframes
  const left = film.keyframes.filter(key => key.id !== id)
  if (first?.id !== id || !next) return { ...film, keyframes: left }
  return { ...film, keyframes: [{ ...next, time: 0, pose: next.pose ?? first.pose }, ...left.slice(1)] }
}

export const withContent = (film: Film, id: number, content: Partial<Pick<FilmKeyframe, 'pose' | 'face'>>): Film => ({
  ...film,
  keyframes: film.keyframes.map(key => (key.id === id ? { ...key, ...content } : key)),
})

/** A keyframe at another time: on a whole picture that no other keyframe has. The first one stays; the film grows where it must. */
export function withTime(film: Film, id: number, time: number): Film {
  const { keyframes, fps, closed } = film
  if (!Number.isFinite(time) || keyframes[0]?.id === id || !keyframeIn(film, id)) return film
  const others = new Set(keyframes.filter(key => key.id !== id).map(key => Math.round(key.time * fps)))
  const most = Math.floor(MOST_SECONDS * fps) - 1
  const wanted = Math.min(most, Math.max(1, Math.round(time * fps)))
  let frame = wanted
  for (let away = 1; others.has(frame); away++) frame = !others.has(wanted + away) ? wanted + away : Math.max(1, wanted - away)
  const at = frame / fps
  const seconds = Math.max(film.seconds, closed ? at + 1 / fps : at)
  return { ...film, seconds, keyframes: sorted(keyframes.map(key => (key.id === id ? { ...key, time: at } : key))) }
}

/** Faster or slower: all keyframes move with the length. */
export function withSeconds(film: Film, seconds: number): Film {
  if (!(seconds > 0)) return film
  const wanted = Math.min(MOST_SECONDS, Math.max(film.keyframes.length / film.fps, seconds))
  const factor = wanted / film.seconds
  return { ...film, seconds: wanted, keyframes: film.keyframes.map(key => ({ ...key, time: key.time * factor })) }
}

export const withFps = (film: Film, fps: number): Film => (fps >= 1 ? { ...film, fps: Math.min(MOST_FPS, Math.round(fps)) } : film)

/** A loop needs time for its way back; without one the film ends with its last keyframe. */
export function withLoop(film: Film, closed: boolean): Film {
  const last = film.keyframes.at(-1)?.time ?? 0
  const seconds = closed ? (film.seconds > last + 0.5 / film.fps ? film.seconds : last + STEP) : last > 0 ? last : film.seconds
  return { ...film, closed, seconds }
}
