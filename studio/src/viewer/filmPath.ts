/** Where a film's camera is and which face it shows at a time, by the library's curves; and the film as a camera path file has it. */
import { type CameraPath, type ExpressionKeyframe, expressionAt, type PathKeyframe, poseAt } from 'faceclipnerf'
import { fileName } from '../protocol/fileName.ts'
import type { FilmFrame, PathContent } from '../protocol/film.ts'
import type { Face, Pose, SceneInfo } from '../protocol/messages.ts'
import { entryIn, type FaceDocument } from './document.ts'
import { type Film, type FilmFace, type FilmKeyframe, frameCount, keyframeAt, NO_FILM, sorted } from './film.ts'
import { mix } from './vectors.ts'

type Lens = Pick<SceneInfo, 'halfView'>

/** px along the longer edge that a file of the film names, where nobody chose. */
const USUAL_SIDE = 512

/** One face, or one that passes into another by `share`. */
export type FaceNow = { readonly face: FilmFace } | { readonly from: FilmFace; readonly to: FilmFace; readonly share: number }

const UNEDITED: FilmFace = { kind: 'unedited' }

/** The camera at each of these times. Empty for a film without cameras. */
export function filmPoses(film: Film, times: readonly number[], { halfView }: Lens): Pose[] {
  const path = pathOfCameras(film, halfView[1])
  if (path.keyframes.length === 0) return []
  return times.map(time => {
    const { position, orientation, fov } = poseAt(path, time)
    return { position, orientation, zoom: halfView[1] / Math.tan((fov * Math.PI) / 360) }
  })
}

/** A camera path in space units. */
function pathOfCameras({ keyframes, seconds, fps, closed, tension }: Film, halfHeight: number): CameraPath {
  const posed = keyframes.flatMap(({ time, pose }) => (pose ? [{ time, pose }] : []))
  const last = posed.at(-1)?.time ?? 0
  const cameras = posed.map(({ time, pose: { position, orientation, zoom } }, i): PathKeyframe => {
    const fov = (360 / Math.PI) * Math.atan(halfHeight / zoom)
    return { position, orientation, fov, transition: i > 0 ? time - posed[i - 1].time : seconds - last }
  })
  // its size has no part in poses
  return { width: 1, height: 1, fps, seconds, closed, transition: 1, tension, keyframes: cameras, frames: [], expressions: [] }
}

/** The faces at their times; a loop comes back to its first. */
function timedFaces({ keyframes, closed, seconds }: Film): { time: number; face: FilmFace }[] {
  const faces = keyframes.flatMap(({ time, face }) => (face ? [{ time, face }] : []))
  return closed && faces.length > 1 ? [...faces, { time: seconds, face: faces[0].face }] : faces
}

/** The face at a time. Edits that are gone are shown unedited. */
export function faceNow(film: Film, time: number, document: FaceDocument): FaceNow {
  const found = expressionAt(timedFaces(film), time)
  if (!found) return { face: UNEDITED }
  const [from, to] = [known(found.from.face, document), known(found.to.face, document)]
  const { share } = found
  if (share <= 0 || from === to) return { face: from }
  if (share >= 1) return { face: to }
  if (from.kind !== 'edit' && to.kind !== 'edit') return { face: UNEDITED }
  if (from.kind !== 'edit') return to.kind === 'edit' ? { face: { ...to, strength: to.strength * share } } : { face: from }
  if (to.kind !== 'edit') return { face: { ...from, strength: from.strength * (1 - share) } }
  if (from.edit !== to.edit) return { from, to, share }
  const strength = mix(from.strength, to.strength, share)
  const gains = from.gains.map((gain, k) =>
    gain === to.gains[k] || strength === 0 ? mix(gain, to.gains[k], share) : mix(gain * from.strength, to.gains[k] * to.strength, share) / strength,
  )
  return { face: { kind: 'edit', edit: from.edit, strength, gains } }
}

/** A face as far as it can be shown: what is not open, or was removed, is the unedited one. */
function known(face: FilmFace, document: FaceDocument): FilmFace {
  if (face.kind !== 'edit') return UNEDITED
  const entry = entryIn(document, face.edit)
  if (!entry) return UNEDITED
  return face.gains.length === entry.gains.length ? face : { ...face, gains: entry.gains.map(() => 1) }
}

/** What the worker draws. */
export function shownFace(now: FaceNow): Face {
  const one = (face: FilmFace): Omit<Face, 'toward'> =>
    face.kind === 'edit' ? { edit: face.edit, strengths: face.gains.map(gain => gain * face.strength) } : {}
  return 'face' in now ? one(now.face) : { ...one(now.from), toward: { face: one(now.to), share: now.share } }
}

/** Every picture of the film. Empty for a film without cameras. */
export function filmFrames(film: Film, lens: Lens, document: FaceDocument): FilmFrame[] {
  const times = Array.from({ length: frameCount(film) }, (_, i) => i / film.fps)
  return filmPoses(film, times, lens).map((pose, i) => ({ pose, face: shownFace(faceNow(film, times[i], document)) }))
}

/** The keyframes whose face is not here, and why, for a person. */
export function faceTrouble({ face }: FilmKeyframe, document: FaceDocument): string | undefined {
  if (face?.kind === 'edit' && !entryIn(document, face.edit)) return 'Its edit was removed: undo brings it back, or choose another face.'
  if (face?.kind !== 'absent') return undefined
  const { edit, frame } = face.named
  if (edit !== undefined) return `The file names “${edit}”, which is not open: open it and then the path again, or choose another face.`
  return `The file names ${frame === undefined ? 'a mix of frames' : `frame ${frame}`}, which the studio does not show: choose another face.`
}

/** The name of each edit's file, each once. */
function editFiles({ edits }: FaceDocument): Map<number, string> {
  const names = new Map<number, string>()
  const taken = new Set<string>()
  for (const { id, prompt } of edits) {
    const base = fileName(prompt)
    let name = `${base}.edit`
    for (let k = 2; taken.has(name); k++) name = `${base}-${k}.edit`
    taken.add(name)
    names.set(id, name)
  }
  return names
}

/** The film as its file has it. */
export function contentOf(film: Film, document: FaceDocument): PathContent {
  const { keyframes, seconds, fps, closed, tension, side = USUAL_SIDE } = film
  const names = editFiles(document)
  const expressions = timedFaces(film).map(({ time, face }): ExpressionKeyframe => {
    if (face.kind === 'absent') return { ...face.named, time }
    const edit = face.kind === 'edit' ? names.get(face.edit) : undefined
    if (face.kind !== 'edit' || edit === undefined) return { time, strength: 0 }
    const { strength, gains } = face
    // without any, the edit's file has them
    const told = [...gains, ...(entryIn(document, face.edit)?.gains ?? [])].some(gain => gain !== 1)
    return { time, edit, strength, ...(told && { gains }) }
  })
  const cameras = keyframes.flatMap(({ time, pose }) => (pose ? [{ time, pose }] : []))
  return { cameras, expressions, seconds, fps, closed, tension, side }
}

/** The film of a file; edits are those of the document whose files have the names. */
export function filmOf({ cameras, expressions, seconds, fps, closed, tension, side }: PathContent, document: FaceDocument): Film {
  const byName = new Map([...editFiles(document)].map(([id, name]) => [name, id]))
  const faceOf = (named: ExpressionKeyframe): FilmFace => {
    const { edit, frame, weights, strength = 1, gains } = named
    if (edit === undefined && frame === undefined && weights === undefined) return UNEDITED
    const entry = edit === undefined ? undefined : entryIn(document, byName.get(edit.split(/[/\\]/).at(-1) ?? edit))
    return entry ? { kind: 'edit', edit: entry.id, strength, gains: gains ?? entry.gains } : { kind: 'absent', named }
  }
  const posed = cameras.map(({ time, pose }, i): FilmKeyframe => ({ id: i + 1, time, pose }))
  let film: Film = { ...NO_FILM, keyframes: posed, fps, closed, tension, side }
  const comesBack = closed && expressions.length > 1
  for (const [k, named] of expressions.entries()) {
    if (comesBack && k === expressions.length - 1 && Math.abs(named.time - seconds) < 0.5 / fps) continue
    const face = faceOf(named)
    const there = keyframeAt(film, named.time)
    const keyframes = there
      ? film.keyframes.map(key => (key === there ? { ...key, face } : key))
      : [...film.keyframes, { id: 1 + film.keyframes.length, time: named.time, face }]
    film = { ...film, keyframes: sorted(keyframes) }
  }
  const last = film.keyframes.at(-1)?.time ?? 0
  return { ...film, seconds: Math.max(seconds, closed ? last + 1 / fps : last) }
}
