/** Time and held keys for the camera: moves it on with each picture of the screen while there is something to move. */
import type { Pose, SceneInfo } from '../protocol/messages.ts'
import { OrbitControls } from './orbitControls.ts'
import type { Motion } from './shortcuts.ts'
import { add, length, multiply, subtract } from './vectors.ts'

const NOWHERE: Pose = {
  position: [0, 0, -1],
  orientation: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  zoom: 1,
}
/** Space units that a face comes towards the camera, at most. */
const FACE = 0.75
/** Seconds of one move, at most: a tab that was hidden does not leap. */
const LONGEST = 0.1

export class CameraMover {
  private controls: OrbitControls | undefined
  private readonly held = new Map<string, Motion>()
  private running = false
  private last = 0
  private readonly listeners = new Set<() => void>()
  private viewWidth = 1
  moving = false

  /** @param changed called after each move, and once when the camera has come to rest */
  constructor(private readonly changed: () => void) {}

  get pose(): Pose {
    return this.controls?.pose ?? NOWHERE
  }

  /** Where it is going. */
  get goal(): Pose {
    return this.controls?.goalPose ?? NOWHERE
  }

  /** Begins at the camera in the middle of all: it sees the face most straight. */
  take({ up, frames, halfView, near }: SceneInfo): void {
    this.viewWidth = 2 * halfView[0]
    this.controls = new OrbitControls(up, middle(frames.map(frame => frame.pose)), near + FACE)
    this.controls.reducedMotion = matchMedia('(prefers-reduced-motion: reduce)').matches
    this.changed()
    for (const listener of this.listeners) listener()
  }

  /** Calls back whenever the camera has moved; returns what ends it. */
  readonly follow = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Does something with the controls and lets the camera go there. */
  readonly move = (how: (controls: OrbitControls, viewWidth: number) => void): void => {
    if (!this.controls) return
    how(this.controls, this.viewWidth)
    this.run()
  }

  jump(pose: Pose): void {
    this.move(controls => controls.jump(pose))
  }

  /** Is there at once, without gliding. */
  place(pose: Pose): void {
    this.controls?.place(pose)
    this.changed()
    for (const listener of this.listeners) listener()
  }

  reset(): void {
    this.move(controls => controls.reset())
  }

  hold(key: string, motion: Motion): void {
    this.held.set(key, motion)
    this.run()
  }

  release(key: string): void {
    this.held.delete(key)
  }

  releaseAll(): void {
    this.held.clear()
  }

  private run(): void {
    if (this.running || !this.controls) return
    this.running = true
    this.last = performance.now()
    requestAnimationFrame(this.step)
  }

  private readonly step = (now: number): void => {
    const { controls } = this
    if (!controls) return
    const seconds = Math.min(LONGEST, Math.max(0, (now - this.last) / 1000))
    this.last = now
    for (const { fly, turn } of this.held.values()) {
      if (fly) controls.fly(fly[0] * seconds, fly[1] * seconds, fly[2] * seconds)
      if (turn) controls.rotate(turn[0] * seconds, turn[1] * seconds)
    }
    const moved = controls.advance(seconds)
    this.moving = moved || this.held.size > 0
    this.running = this.moving
    this.changed()
    for (const listener of this.listeners) listener()
    if (this.moving) requestAnimationFrame(this.step)
  }
}

function middle(poses: readonly Pose[]): Pose {
  const center = multiply(poses.map(pose => pose.position).reduce(add), 1 / poses.length)
  const far = (pose: Pose): number => length(subtract(pose.position, center))
  return poses.reduce((best, pose) => (far(pose) < far(best) ? pose : best))
}
