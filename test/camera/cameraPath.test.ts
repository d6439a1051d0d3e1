import { describe, expect, it } from 'vitest'
import { type CameraPath, expressionAt, keyframeOf, keyframeTimes, pathCameras, pathFrames, poseAt } from '../../src/camera/cameraPath.ts'
import { cameraPathFromJson, cameraPathToJson } from '../../src/camera/cameraPathFile.ts'
import { lookAt } from '../../src/camera/paths.ts'
import { cameraAt } from '../nerf/smallScene.ts'

/** As nerfstudio's viewer writes it: a camera at (0, 0, 4) that looks along -z, and one beside it. */
const at = (x: number): number[] => [1, 0, 0, x, 0, 1, 0, 0, 0, 0, 1, 4, 0, 0, 0, 1]
const nerfstudio = {
  default_fov: 50,
  default_transition_sec: 2,
  keyframes: [
    { matrix: at(0), fov: 50, aspect: 1.5, override_transition_enabled: false, override_transition_sec: null },
    { matrix: at(1), fov: 60, aspect: 1.5, override_transition_enabled: true, override_transition_sec: 1 },
  ],
  camera_type: 'perspective',
  render_height: 100,
  render_width: 150,
  fps: 10,
  seconds: 1,
  is_cycle: false,
  smoothness_value: 0,
  camera_path: [
    { camera_to_world: at(0), fov: 50, aspect: 1.5 },
    { camera_to_world: at(0.25), fov: 55, aspect: 1.5 },
  ],
}
const path = cameraPathFromJson(nerfstudio, 'p.json')

describe('camera_path.json', () => {
  it('gives the cameras of its frames: OpenGL axes, vertical field of view', () => {
    const cameras = pathCameras(path)
    expect(cameras).toHaveLength(2)
    expect(cameras[1].position).toEqual([0.25, 0, 4])
    expect(cameras[0].orientation).toEqual([
      [1, 0, 0],
      [0, -1, 0],
      [0, 0, -1],
    ])
    expect(cameras[0].focalLength).toBeCloseTo(50 / Math.tan((25 * Math.PI) / 180), 10)
    expect([cameras[0].imageSize, cameras[0].principalPoint]).toEqual([
      [150, 100],
      [75, 50],
    ])
  })

  it('comes back as it was, timeline and all', () => {
    const expressions = [{ time: 0 }, { time: 0.5, edit: 's.edit', strength: 0.8, gains: [1, 0.5] }, { time: 1, weights: { '000003': 0.5 } }]
    const whole = { ...path, expressions }
    const json = JSON.parse(JSON.stringify(cameraPathToJson(whole)))
    expect(cameraPathFromJson(json, 'again')).toEqual(whole)
    const { faceclipnerf, ...theirs } = json
    expect(theirs).toEqual(nerfstudio)
    expect(faceclipnerf).toEqual({ version: 1, expressions })
  })

  it('a camera survives the way through a file', () => {
    const camera = cameraAt(0.3, 100)
    const key = keyframeOf(camera)
    const one: CameraPath = { ...path, width: 100, keyframes: [key], frames: [], seconds: 0.1 }
    const [again] = pathCameras(cameraPathFromJson(JSON.parse(JSON.stringify(cameraPathToJson(one))), 'again'))
    for (const [i, row] of again.orientation.entries()) for (const [j, v] of row.entries()) expect(v).toBeCloseTo(camera.orientation[i][j], 12)
    expect(again.focalLength).toBeCloseTo(camera.focalLength, 9)
    expect(again.position).toEqual(camera.position)
  })

  const broken: [string, (json: typeof nerfstudio) => unknown, RegExp][] = [
    ['no object', () => [1], /p\.json: is \[1\], not a camera path/],
    ['nothing in it', json => ({ ...json, keyframes: [], camera_path: [] }), /p\.json: neither "camera_path" nor "keyframes" has an entry/],
    ['a fisheye', json => ({ ...json, camera_type: 'fisheye' }), /"camera_type" is "fisheye"; only perspective cameras are rendered/],
    ['no size', ({ render_width: _, ...json }) => json, /"render_width" is undefined; it must be a finite number/],
    ['half a pixel', json => ({ ...json, render_height: 100.5 }), /"render_height" is 100\.5; it must be a whole number of pixels/],
    ['fps 0', json => ({ ...json, fps: 0 }), /"fps" is 0; it must be above 0/],
    ['endless', json => ({ ...json, camera_path: [], fps: 1e6 }), /"fps" 1000000 times "seconds" 1 are more than 100000 frames/],
    [
      'a short matrix',
      json => ({ ...json, camera_path: [{ camera_to_world: [1, 2] }] }),
      /"camera_path" 0: "camera_to_world" is \[1,2\]; it must be 16/,
    ],
    [
      'a mirror image',
      json => ({ ...json, keyframes: [{ ...json.keyframes[0], matrix: at(0).map((v, i) => (i === 0 ? -v : v)) }] }),
      /"keyframes" 0: the rotation .* is a mirror image/,
    ],
    ['a wide angle', json => ({ ...json, camera_path: [{ camera_to_world: at(0), fov: 200 }] }), /"camera_path" 0: "fov" is 200; it must be degrees/],
    ['a list that is none', json => ({ ...json, keyframes: 3 }), /"keyframes" is 3; it must be a list/],
    ['a newer timeline', json => ({ ...json, faceclipnerf: { version: 2 } }), /"faceclipnerf": "version" is 2, this program reads 1/],
    [
      'two faces at once',
      json => ({ ...json, faceclipnerf: { version: 1, expressions: [{ time: 0, edit: 'a', frame: 'b' }] } }),
      /"expressions" 0: "edit" and "frame" exclude each other; keep one/,
    ],
    [
      'gains that are none',
      json => ({ ...json, faceclipnerf: { version: 1, expressions: [{ time: 0, edit: 'a', gains: [1, null] }] } }),
      /"gains" is \[1,null\]; it must be finite numbers, one for each anchor/,
    ],
    [
      'a weight that is none',
      json => ({ ...json, faceclipnerf: { version: 1, expressions: [{ time: 0, weights: { '000001': 'much' } }] } }),
      /"weights": "000001" is "much"; it must be a finite number/,
    ],
  ]
  it.each(broken)('%s is refused by name', (_, change, message) => {
    expect(() => cameraPathFromJson(change(nerfstudio), 'p.json')).toThrow(message)
  })
})

describe('a path through keyframes', () => {
  const pose = (x: number, angle: number, fov = 50) => ({
    position: [x, 0, 4] as [number, number, number],
    orientation: lookAt([0, 0, 0], [Math.sin(angle), 0, 1], [0, 1, 0]),
    fov,
  })
  const keyframes = [pose(0, 0), pose(1, 0.4, 60), { ...pose(3, 0.2), transition: 4 }]
  const through: CameraPath = { ...path, keyframes, frames: [], seconds: 6 }

  it('is at each keyframe at its time, and nowhere jumps', () => {
    expect(keyframeTimes(through)).toEqual([0, 2, 6])
    for (const [k, time] of [0, 2, 6].entries()) {
      const { position, fov } = poseAt(through, time)
      expect(position[0]).toBeCloseTo(keyframes[k].position[0], 10)
      expect(fov).toBeCloseTo(keyframes[k].fov, 10)
    }
    const xs = pathFrames(through).map(({ position }) => position[0])
    expect(xs).toHaveLength(60)
    for (let i = 1; i < xs.length; i++) expect(Math.abs(xs[i] - xs[i - 1])).toBeLessThan(0.12)
  })

  it('has one velocity on both sides of a keyframe, whatever the transitions', () => {
    const speed = (t: number, step: number): number => (poseAt(through, t + step).position[0] - poseAt(through, t).position[0]) / step
    expect(speed(2, 1e-5)).toBeCloseTo(speed(2, -1e-5), 3)
  })

  it('keeps an even motion even, stops at keyframes with tension 1, and stands still beyond its ends', () => {
    const even = { ...through, keyframes: [pose(0, 0), pose(1, 0), pose(2, 0)] }
    for (const t of [0.3, 1.7, 3.1]) expect(poseAt(even, t).position[0]).toBeCloseTo(t / 2, 10)
    expect(poseAt({ ...even, tension: 1 }, 1.999).position[0]).toBeCloseTo(1, 4)
    expect(poseAt(even, -1).position[0]).toBe(0)
    expect(poseAt(even, 99).position[0]).toBe(2)
  })

  it('leads back to its beginning when closed', () => {
    const closed = { ...through, closed: true }
    expect(keyframeTimes(closed)).toEqual([0, 2, 6, 8])
    expect(poseAt(closed, 8).position[0]).toBeCloseTo(0, 10)
    const speed = (t: number, step: number): number => (poseAt(closed, t + step).position[0] - poseAt(closed, t).position[0]) / step
    expect(speed(0, 1e-5)).toBeCloseTo(speed(8, -1e-5), 3)
  })
})

it('expressionAt finds the keyframes around a time, in any order', () => {
  const keys = [{ time: 2 }, { time: 0 }, { time: 1 }]
  expect(expressionAt(keys, 0.25)).toEqual({ from: { time: 0 }, to: { time: 1 }, share: 0.25 })
  expect(expressionAt(keys, -1)).toEqual({ from: { time: 0 }, to: { time: 0 }, share: 0 })
  expect(expressionAt(keys, 5)).toEqual({ from: { time: 2 }, to: { time: 2 }, share: 0 })
  expect(expressionAt([], 1)).toBeUndefined()
})
