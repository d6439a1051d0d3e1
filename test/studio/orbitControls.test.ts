import { expect, test } from 'vitest'
import type { Pose, Vector } from '../../studio/src/protocol/messages.ts'
import { OrbitControls } from '../../studio/src/viewer/orbitControls.ts'
import { cross, dot, length, subtract } from '../../studio/src/viewer/vectors.ts'
import { FRONTAL } from './frontalPose.ts'

const UP: Vector = [0, -1, 0]

function settled(change: (controls: OrbitControls) => void): OrbitControls {
  const controls = new OrbitControls(UP, FRONTAL)
  change(controls)
  for (let i = 0; i < 200 && controls.advance(1 / 60); i++);
  return controls
}

function close(a: Vector, b: readonly number[]): void {
  for (const [k, v] of a.entries()) expect(v).toBeCloseTo(b[k], 4)
}

test('begins at its home, a right-handed rotation, and stands still', () => {
  const controls = new OrbitControls(UP, FRONTAL)
  close(controls.pose.position, FRONTAL.position)
  for (const [k, row] of FRONTAL.orientation.entries()) close(controls.pose.orientation[k], row)
  expect(controls.advance(1)).toBe(false)
})

test('turning keeps the distance and the face in the middle, and the picture level', () => {
  const { position, orientation } = settled(c => c.rotate(0.7, 0.4)).pose
  expect(length(position)).toBeCloseTo(2)
  expect(dot(orientation[2], position)).toBeCloseTo(-2)
  expect(dot(orientation[0], UP)).toBeCloseTo(0)
  close(cross(orientation[0], orientation[1]), orientation[2])
})

test('it cannot tip over the pole', () => {
  const { orientation } = settled(c => c.rotate(0, 10)).pose
  expect(dot(orientation[1], UP)).toBeLessThan(0)
})

test('glides: half way soon, there in the end, never beyond', () => {
  const controls = new OrbitControls(UP, FRONTAL)
  controls.dolly(0.5)
  let last = 2
  for (let i = 0; i < 200 && controls.advance(1 / 60); i++) {
    const now = length(controls.pose.position)
    expect(now).toBeLessThanOrEqual(last + 1e-9)
    expect(now).toBeGreaterThanOrEqual(1 - 1e-9)
    last = now
  }
  expect(last).toBeCloseTo(1)
  expect(controls.advance(1 / 60)).toBe(false)
})

test('with reduced motion each move is done at once', () => {
  const controls = new OrbitControls(UP, FRONTAL)
  controls.reducedMotion = true
  controls.rotate(0.5, 0)
  controls.advance(1 / 60)
  close(controls.pose.position, controls.goalPose.position)
})

test('a drag to the right carries the face to the right: the camera goes left', () => {
  const { position } = settled(c => c.pan(0.25, 0, 1)).pose
  close(position, [-0.5, 0, -2])
})

test('flying carries camera and target along the view', () => {
  close(settled(c => c.fly(0, 0, 0.5)).pose.position, [0, 0, -1])
})

test('a jump ends where the camera is, tilted as it was held, and home is the way back', () => {
  const tilted: Pose = {
    position: [1, 0.2, -1.8],
    orientation: [
      [0.8, 0.6, 0],
      [-0.6, 0.8, 0],
      [0, 0, 1],
    ],
    zoom: 1,
  }
  const controls = settled(c => c.jump(tilted))
  close(controls.pose.position, tilted.position)
  for (const [k, row] of tilted.orientation.entries()) close(controls.pose.orientation[k], row)
  controls.reset()
  for (let i = 0; i < 300 && controls.advance(1 / 60); i++);
  expect(length(subtract(controls.pose.position, FRONTAL.position))).toBeLessThan(1e-3)
})

test('coming nearer never ends in the head: from the nearest distance on the lens gets longer, and shorter again first', () => {
  const controls = new OrbitControls(UP, FRONTAL, 1)
  controls.reducedMotion = true
  const seen = (): number[] => {
    controls.advance(1)
    const { position, zoom } = controls.pose
    return [length(position), zoom]
  }
  controls.dolly(0.8)
  expect(seen()).toEqual([expect.closeTo(1.6), 1])
  controls.dolly(0.25)
  expect(seen()).toEqual([expect.closeTo(1), expect.closeTo(2.5)])
  controls.dolly(2)
  expect(seen()).toEqual([expect.closeTo(1), expect.closeTo(1.25)])
  controls.dolly(2.5)
  expect(seen()).toEqual([expect.closeTo(2), 1])
})
