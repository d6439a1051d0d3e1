/** nerfstudio's camera_path.json as a `CameraPath`, and back. Row-major camera-to-world matrices in OpenGL's axes, fields of view vertical in degrees. */
import type { CameraPath, ExpressionKeyframe, PathKeyframe, PathPose } from './cameraPath.ts'
import { pathFrames } from './cameraPath.ts'
import { poseFromOpenGl, poseToOpenGl } from './openGlPose.ts'

const OWN_KEY = 'faceclipnerf'
const REMEDY = 'export the path again'
/** More frames than anybody waits for: a wrong fps or length. */
const MOST_FRAMES = 100_000

type Fields = Record<string, unknown>

/**
 * A path from its JSON (already parsed); `name` is what errors call the file. Throws, naming the field and its value, for a missing or wrong one, a matrix that
 * is no rotation, cameras that are not perspective, and a path of no frames.
 */
export function cameraPathFromJson(json: unknown, name: string): CameraPath {
  const root = fieldsOf(json, name, 'a camera path')
  const type = root.camera_type ?? 'perspective'
  if (type !== 'perspective')
    throw new Error(`${name}: "camera_type" is ${show(type)}; only perspective cameras are rendered, choose that in the viewer`)
  const fov = root.default_fov === undefined ? 50 : angle(root, 'default_fov', name)
  const transition = root.default_transition_sec === undefined ? 2 : positive(root, 'default_transition_sec', name)
  const keyframes = list(root, 'keyframes', name).map((item, i) => keyframe(item, `${name}: "keyframes" ${i}`, fov))
  const frames = list(root, 'camera_path', name).map((item, i) => pose(item, 'camera_to_world', `${name}: "camera_path" ${i}`, fov))
  if (keyframes.length === 0 && frames.length === 0) throw new Error(`${name}: neither "camera_path" nor "keyframes" has an entry; ${REMEDY}`)
  const path: CameraPath = {
    width: pixels(root, 'render_width', name),
    height: pixels(root, 'render_height', name),
    fps: positive(root, 'fps', name),
    seconds: positive(root, 'seconds', name),
    closed: root.is_cycle === true,
    transition,
    tension: root.smoothness_value === undefined ? 0 : share(root, 'smoothness_value', name),
    keyframes,
    frames,
    expressions: expressions(root[OWN_KEY], name),
  }
  if (frames.length === 0 && path.fps * path.seconds > MOST_FRAMES)
    throw new Error(`${name}: "fps" ${path.fps} times "seconds" ${path.seconds} are more than ${MOST_FRAMES} frames; correct one of them`)
  return path
}

/** The JSON object of a path, frames and all; `cameraPathFromJson` reads it back, and so does nerfstudio. */
export function cameraPathToJson(path: CameraPath): Record<string, unknown> {
  const { width, height, fps, seconds, closed, transition, tension, keyframes, expressions: timeline } = path
  const aspect = width / height
  return {
    default_fov: keyframes[0]?.fov ?? pathFrames(path)[0].fov,
    default_transition_sec: transition,
    keyframes: keyframes.map(key => ({
      matrix: poseToOpenGl(key).flat(),
      fov: key.fov,
      aspect,
      override_transition_enabled: key.transition !== undefined,
      override_transition_sec: key.transition ?? null,
    })),
    camera_type: 'perspective',
    render_height: height,
    render_width: width,
    fps,
    seconds,
    is_cycle: closed,
    smoothness_value: tension,
    camera_path: pathFrames(path).map(frame => ({ camera_to_world: poseToOpenGl(frame).flat(), fov: frame.fov, aspect })),
    ...(timeline.length > 0 && { [OWN_KEY]: { version: 1, expressions: timeline } }),
  }
}

function keyframe(item: unknown, where: string, fov: number): PathKeyframe {
  const fields = fieldsOf(item, where, 'a keyframe')
  const found = pose(item, 'matrix', where, fov)
  const isOwn = fields.override_transition_enabled === true && fields.override_transition_sec !== null
  return isOwn ? { ...found, transition: positive(fields, 'override_transition_sec', where) } : found
}

function pose(item: unknown, field: string, where: string, otherwise: number): PathPose {
  const fields = fieldsOf(item, where, 'an entry with a camera')
  const matrix = Array.isArray(fields[field]) ? (fields[field] as unknown[]).flat() : undefined
  if (matrix?.length !== 16 || !matrix.every(value => typeof value === 'number' && Number.isFinite(value)))
    throw new Error(`${where}: "${field}" is ${show(fields[field])}; it must be 16 finite numbers, a 4 x 4 matrix row by row; ${REMEDY}`)
  const { orientation, position } = poseFromOpenGl(matrix as number[], where, () => undefined, field)
  return { orientation, position, fov: fields.fov === undefined ? otherwise : angle(fields, 'fov', where) }
}

function expressions(json: unknown, name: string): ExpressionKeyframe[] {
  if (json === undefined) return []
  const where = `${name}: "${OWN_KEY}"`
  const fields = fieldsOf(json, where, 'a timeline')
  if (fields.version !== 1) {
    const remedy = fields.version === undefined ? 'add "version": 1' : 'use a matching release'
    throw new Error(`${where}: "version" is ${show(fields.version)}, this program reads 1; ${remedy}`)
  }
  return list(fields, 'expressions', where).map((item, i) => expression(item, `${where}: "expressions" ${i}`))
}

function expression(item: unknown, where: string): ExpressionKeyframe {
  const fields = fieldsOf(item, where, 'an expression')
  const { edit, frame, weights } = fields
  const time = number(fields, 'time', where)
  if (time < 0) throw new Error(`${where}: "time" is ${time}; it must be seconds from 0`)
  for (const [field, value] of [['edit', edit] as const, ['frame', frame] as const])
    if (value !== undefined && typeof value !== 'string') throw new Error(`${where}: "${field}" is ${show(value)}; it must be a text`)
  const said = Object.entries({ edit, frame, weights }).flatMap(([field, value]) => (value === undefined ? [] : [`"${field}"`]))
  if (said.length > 1) throw new Error(`${where}: ${said.join(' and ')} exclude each other; keep one`)
  if (weights !== undefined) {
    const shares = fieldsOf(weights, `${where}: "weights"`, 'an object of numbers by frame')
    for (const id of Object.keys(shares)) number(shares, id, `${where}: "weights"`)
  }
  return {
    time,
    ...(typeof edit === 'string' && { edit }),
    ...(typeof frame === 'string' && { frame }),
    ...(weights !== undefined && { weights: weights as Record<string, number> }),
    ...(fields.strength !== undefined && { strength: number(fields, 'strength', where) }),
    ...(fields.gains !== undefined && { gains: factors(fields, where) }),
  }
}

function factors(fields: Fields, where: string): number[] {
  if (typeof fields.edit !== 'string') throw new Error(`${where}: "gains" without "edit"; they are of an edit's anchors, name it or leave them out`)
  const given = list(fields, 'gains', where)
  if (given.length > 0 && given.every((value): value is number => typeof value === 'number' && Number.isFinite(value))) return given
  throw new Error(`${where}: "gains" is ${show(given)}; it must be finite numbers, one for each anchor; ${REMEDY}`)
}

function fieldsOf(value: unknown, where: string, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw new Error(`${where}: is ${show(value)}, not ${what}; ${REMEDY}`)
}

function list(fields: Fields, field: string, where: string): unknown[] {
  const value = fields[field] ?? []
  if (Array.isArray(value)) return value
  throw new Error(`${where}: "${field}" is ${show(value)}; it must be a list; ${REMEDY}`)
}

function number(fields: Fields, field: string, where: string): number {
  const value = fields[field]
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw new Error(`${where}: "${field}" is ${show(value)}; it must be a finite number; ${REMEDY}`)
}

function checked(fields: Fields, field: string, where: string, [test, must]: readonly [(value: number) => boolean, string]): number {
  const value = number(fields, field, where)
  if (test(value)) return value
  throw new Error(`${where}: "${field}" is ${value}; it must be ${must}; ${REMEDY}`)
}

const positive = (fields: Fields, field: string, where: string): number => checked(fields, field, where, [v => v > 0, 'above 0'])
const angle = (fields: Fields, field: string, where: string): number =>
  checked(fields, field, where, [v => v > 0 && v < 180, 'degrees between 0 and 180'])
const share = (fields: Fields, field: string, where: string): number => checked(fields, field, where, [v => v >= -1 && v <= 1, 'from -1 to 1'])
const pixels = (fields: Fields, field: string, where: string): number =>
  checked(fields, field, where, [v => Number.isInteger(v) && v > 0 && v <= 16384, 'a whole number of pixels from 1 to 16384'])

const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
