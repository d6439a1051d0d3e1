/**
 * A camera that turns about a point: angles and distance glide towards where the hand has put them. Pure numbers; pointers, keys and time come in
 * through `rotate`, `pan`, `dolly`, `fly` and `advance`. OpenCV axes: +x right, +y down, +z forward.
 */
import type { Pose, Vector } from '../protocol/messages.ts'
import { add, cross, dot, length, mix, multiply, normalize, subtract } from './vectors.ts'

interface State {
  /** Radians about `up`, and above the horizon. */
  readonly yaw: number
  readonly pitch: number
  /** Radians about the view, from a camera that was not held level. */
  readonly roll: number
  readonly distance: number
  readonly target: Vector
  readonly zoom: number
}

/** Seconds in which the camera comes 63 % nearer to where it is wanted. */
const GLIDE = 0.07
const MOST_PITCH = 1.5
const DISTANCES = [0.15, 12] as const
const ZOOMS = [0.25, 6] as const
/** Below these the camera stands still: a hundredth of a pixel of a picture. */
const STILL = 1e-4

const clamp = (value: number, [low, high]: readonly [number, number]): number => Math.min(high, Math.max(low, value))

export class OrbitControls {
  private readonly frame: { readonly up: Vector; readonly front: Vector; readonly right: Vector }
  private goal: State
  private now: State
  /** No gliding: each move is done at once. */
  reducedMotion = false

  /** @param up the world's; @param home where the camera begins and `reset` goes; @param nearest distance at which the lens goes on in place of the camera */
  constructor(
    up: Vector,
    private readonly home: Pose,
    private readonly nearest = 0,
  ) {
    const unit = normalize(up)
    const back = normalize(home.position)
    const level = subtract(back, multiply(unit, dot(back, unit)))
    const front = normalize(length(level) > 1e-6 ? level : cross(unit, [unit[1], unit[2], unit[0]]))
    this.frame = { up: unit, front, right: cross(unit, front) }
    this.goal = this.stateOf(home)
    this.now = this.goal
  }

  /** Radians; through a long lens less, so that what is seen moves no faster. */
  rotate(yaw: number, pitch: number): void {
    const slower = Math.max(1, this.goal.zoom / this.home.zoom)
    const level = clamp(this.goal.pitch + pitch / slower, [-MOST_PITCH, MOST_PITCH])
    this.goal = { ...this.goal, yaw: this.goal.yaw + yaw / slower, pitch: level }
  }

  /** Moves the face in the picture, in picture widths at its depth. */
  pan(x: number, y: number, viewWidth: number): void {
    const { orientation, zoom } = poseOf(this.goal, this.frame)
    const size = (viewWidth * this.goal.distance) / zoom
    const step = add(multiply(orientation[0], -x * size), multiply(orientation[1], -y * size))
    this.goal = { ...this.goal, target: add(this.goal.target, step) }
  }

  /** Nearer (factor below 1) or farther. From the nearest distance on the lens gets longer in place of it, as the camera would stand in the head next. */
  dolly(factor: number): void {
    const { distance, zoom } = this.goal
    const nearest = Math.min(distance, this.nearest)
    const longest = factor < 1 ? Math.max(zoom, (zoom * nearest) / (distance * factor)) : Math.max(Math.min(zoom, this.home.zoom), zoom / factor)
    const lens = clamp(longest, ZOOMS)
    const walked = factor < 1 ? Math.max(nearest, distance * factor) : (distance * factor * lens) / zoom
    this.goal = { ...this.goal, zoom: lens, distance: clamp(walked, DISTANCES) }
  }

  /** Longer (above 1) or shorter lens. */
  lens(factor: number): void {
    this.goal = { ...this.goal, zoom: clamp(this.goal.zoom * factor, ZOOMS) }
  }

  /** Carries camera and target along the camera's axes: right, down, forward, in distances. */
  fly(right: number, down: number, forward: number): void {
    const { orientation } = poseOf(this.goal, this.frame)
    const [x, y, z] = [right, down, forward].map(v => v * this.goal.distance)
    const step = add(add(multiply(orientation[0], x), multiply(orientation[1], y)), multiply(orientation[2], z))
    this.goal = { ...this.goal, target: add(this.goal.target, step) }
  }

  /** Goes where a camera is. */
  jump(pose: Pose): void {
    const wanted = this.stateOf(pose)
    // the short way round
    const turns = Math.round((this.goal.yaw - wanted.yaw) / (2 * Math.PI))
    this.goal = { ...wanted, yaw: wanted.yaw + 2 * Math.PI * turns }
  }

  /** Is where a camera is, at once. */
  place(pose: Pose): void {
    this.jump(pose)
    this.now = this.goal
  }

  reset(): void {
    this.jump(this.home)
  }

  /** Moves on by `seconds`; whether the camera moved. */
  advance(seconds: number): boolean {
    if (this.now === this.goal) return false
    const t = this.reducedMotion ? 1 : 1 - Math.exp(-seconds / GLIDE)
    const between = blend(this.now, this.goal, t)
    this.now = apart(between, this.goal) < STILL ? this.goal : between
    return true
  }

  get pose(): Pose {
    return poseOf(this.now, this.frame)
  }

  /** Where the camera is going. */
  get goalPose(): Pose {
    return poseOf(this.goal, this.frame)
  }

  private stateOf({ position, orientation, zoom }: Pose): State {
    const { up, front, right } = this.frame
    const forward = orientation[2]
    // the point on the view's axis that is nearest to the face, but in front of the camera
    const distance = clamp(-dot(position, forward), DISTANCES)
    const target = add(position, multiply(forward, distance))
    const back = multiply(forward, -1)
    const yaw = Math.atan2(dot(back, right), dot(back, front))
    const pitch = Math.asin(clamp(dot(back, up), [-1, 1]))
    const level = poseOf({ yaw, pitch, roll: 0, distance, target, zoom }, this.frame).orientation
    const roll = Math.atan2(dot(orientation[0], level[1]), dot(orientation[0], level[0]))
    return { yaw, pitch, roll, distance, target, zoom }
  }
}

function poseOf({ yaw, pitch, roll, distance, target, zoom }: State, { up, front, right }: { up: Vector; front: Vector; right: Vector }): Pose {
  const level = add(multiply(front, Math.cos(yaw)), multiply(right, Math.sin(yaw)))
  const back = add(multiply(level, Math.cos(pitch)), multiply(up, Math.sin(pitch)))
  const forward = multiply(back, -1)
  const side = normalize(cross(forward, up))
  const down = cross(forward, side)
  const [c, s] = [Math.cos(roll), Math.sin(roll)]
  const orientation: Pose['orientation'] = [add(multiply(side, c), multiply(down, s)), add(multiply(side, -s), multiply(down, c)), forward]
  return { position: add(target, multiply(back, distance)), orientation, zoom }
}

function blend(a: State, b: State, t: number): State {
  return {
    yaw: mix(a.yaw, b.yaw, t),
    pitch: mix(a.pitch, b.pitch, t),
    roll: mix(a.roll, b.roll, t),
    distance: mix(a.distance, b.distance, t),
    target: [0, 1, 2].map(k => mix(a.target[k], b.target[k], t)) as Vector,
    zoom: mix(a.zoom, b.zoom, t),
  }
}

function apart(a: State, b: State): number {
  return (
    Math.abs(a.yaw - b.yaw) +
    Math.abs(a.pitch - b.pitch) +
    Math.abs(a.roll - b.roll) +
    Math.abs(a.distance / b.distance - 1) +
    Math.abs(a.zoom / b.zoom - 1) +
    length(subtract(a.target, b.target))
  )
}
