/** Heads of known pose, seen by a known camera: what bundle adjustment makes of their landmarks. */
import { describe, expect, it } from 'vitest'
import type { Camera } from '../../../src/camera/camera.ts'
import { lookAt } from '../../../src/camera/paths.ts'
import { project } from '../../../src/camera/rays.ts'
import { length, type Matrix3, multiply, subtract, type Vector3 } from '../../../src/camera/vector.ts'
import { eyeCenter, FIRST_LANDMARK, INTERPUPILLARY_DISTANCE, LANDMARK_COUNT, MEAN_FACE } from '../../../src/capture/face/meanFace.ts'
import { headBounds } from '../../../src/capture/poses/headBounds.ts'
import { headPoses } from '../../../src/capture/poses/headPoses.ts'
import { angleBetween } from '../../../src/capture/poses/rotationVector.ts'
import { viewpointPairs } from '../../../src/capture/poses/viewpointPairs.ts'
import { cameraInFrame, headFrame } from '../../../src/capture/poses/worldFrame.ts'
import { HostRandom } from '../../../src/tensor/hostRandom.ts'

const SIZE: [number, number] = [640, 640]

/** A camera at yaw and pitch (radians) around a head at the origin of head axes. */
function around(yaw: number, pitch: number, distance = 0.55): Camera {
  const position = multiply([Math.sin(yaw) * Math.cos(pitch), Math.sin(pitch), Math.cos(yaw) * Math.cos(pitch)], distance) as Vector3
  return {
    orientation: lookAt(position, [0, -0.03, 0], [0, 1, 0]),
    position,
    focalLength: 700,
    principalPoint: [320, 320],
    skew: 0,
    pixelAspectRatio: 1,
    radialDistortion: [0, 0, 0],
    tangentialDistortion: [0, 0],
    imageSize: SIZE,
  }
}

/** px of the mean face's 68 landmarks with noise of `sigma` px; the jaw, which is not used, is left at 0. */
function landmarks(camera: Camera, sigma: number, random: HostRandom): Float64Array {
  const out = new Float64Array(2 * LANDMARK_COUNT)
  out.set(project(camera, MEAN_FACE.flat()), 2 * FIRST_LANDMARK)
  return out.map(value => value + sigma * (random.next() + random.next() + random.next() - 1.5) * 2)
}

const cameras = Array.from({ length: 40 }, (_, i) => around(0.5 * Math.sin(i / 4), 0.15 * Math.cos(i / 5)))

describe('head poses', () => {
  const random = new HostRandom(7, 1)
  const frames = cameras.map((camera, i) => ({ time: i / 12, landmarks: i === 11 ? undefined : landmarks(camera, 2, random) }))

  it('come back within a degree and a half of the truth, also where no face was found', () => {
    const { poses, focalLength } = headPoses(frames, SIZE)
    const turned = poses.map(({ rotation }, i) => (180 / Math.PI) * angleBetween(rotation, cameras[i].orientation as Matrix3)).sort((a, b) => a - b)
    expect(turned[20]).toBeLessThan(1.5)
    expect(turned[36]).toBeLessThan(3.5)
    expect(poses[11].error).toBeUndefined()
    expect(poses[12].error).toBeLessThan(0.05)
    expect(focalLength / 700).toBeGreaterThan(0.8)
    expect(focalLength / 700).toBeLessThan(1.25)
  })

  it('keep a focal length that is known, and then find the distance', () => {
    const { poses, focalLength } = headPoses(frames, SIZE, { focalLength: 700 })
    expect(focalLength).toBeCloseTo(700, 0)
    expect(length(poses[20].translation)).toBeCloseTo(0.55, 1)
  })

  it('need a face', () => {
    expect(() => headPoses([{ time: 0 }, { time: 1 }], SIZE)).toThrow(/a face was found in 0 of 2 frames/)
  })

  it('pair views from one side that lie apart in time', () => {
    const pairs = viewpointPairs(headPoses(frames, SIZE).poses)
    expect(pairs.length).toBeGreaterThan(10)
    for (const [a, b] of pairs) {
      expect(b - a).toBeGreaterThanOrEqual(12)
      expect(angleBetween(cameras[a].orientation, cameras[b].orientation)).toBeLessThan(0.2)
    }
  })
})

describe('the world of the head', () => {
  it('undoes an arbitrary similarity: origin between the eyes, +y up, metres', () => {
    const random = new HostRandom(3, 1)
    // the reconstruction's world: turned, moved and 7.3 times as large
    const turn = lookAt([0, 0, 0], [1, 2, 3], [0, 0, 1])
    const inOther = (camera: Camera): Camera => ({
      ...camera,
      orientation: camera.orientation.map(row => turn.map(axis => axis[0] * row[0] + axis[1] * row[1] + axis[2] * row[2])) as Matrix3,
      position: turn.map(
        (axis, k) => 7.3 * (axis[0] * camera.position[0] + axis[1] * camera.position[1] + axis[2] * camera.position[2]) + [4, -5, 6][k],
      ) as Vector3,
    })
    const frame = headFrame(cameras.map(camera => ({ camera: inOther(camera), landmarks: landmarks(camera, 1, random) })))
    expect(frame.warning).toBeUndefined()
    expect(frame.scale * 7.3).toBeCloseTo(1, 1)
    const middle = multiply([0, 1, 2].map(k => eyeCenter(MEAN_FACE, 0)[k] + eyeCenter(MEAN_FACE, 1)[k]) as Vector3, 0.5)
    for (const [i, camera] of cameras.entries()) {
      const back = cameraInFrame(inOther(camera), frame)
      expect(angleBetween(back.orientation, camera.orientation)).toBeLessThan(0.03)
      expect(length(subtract(back.position, subtract(camera.position, middle)))).toBeLessThan(i === 0 ? 0.02 : 0.03)
    }
    expect(INTERPUPILLARY_DISTANCE).toBe(0.063)
  })

  it('without a face takes an arm’s length and says so', () => {
    const frame = headFrame(cameras.map(camera => ({ camera: { ...camera, position: multiply(camera.position, 10) } })))
    expect(frame.warning).toMatch(/0\.5 m away/)
    expect(frame.scale).toBeCloseTo(0.5 / 5.5, 2)
  })

  it('has bounds that enclose the head, and the room where it is known', () => {
    const near = headBounds(cameras)
    expect(near.near).toBeLessThan(0.45)
    expect(near.far).toBeGreaterThan(0.7)
    const points = Float32Array.from({ length: 300 }, (_, i) => [0.1, 0.2, -1.5][i % 3])
    expect(headBounds(cameras, points).far).toBeGreaterThan(2)
  })
})
