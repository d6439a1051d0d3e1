import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Camera, cameraFromJson, validateCamera } from '../../src/camera/camera.ts'
import { focusPoint, interpolate, lookAt, orbit, spiral } from '../../src/camera/paths.ts'
import { project } from '../../src/camera/rays.ts'
import { dot, length, normalize, subtract, type Vector3 } from '../../src/camera/vector.ts'

const FOLDER = new URL('../../assets/captures/ada-mini/camera/', import.meta.url)
const cameras = readdirSync(FOLDER)
  .filter(file => file.startsWith('0'))
  .map(file => cameraFromJson(JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')), file))

function at(position: Vector3, target: Vector3): Camera {
  return { ...cameras[0], position, orientation: lookAt(position, target, [0, 1, 0]) }
}

describe('lookAt', () => {
  it('has right, down and forward axes', () => {
    const rows = lookAt([0, 0, 5], [0, 0, 0], [0, 1, 0])
    expect(rows.flat().map(value => value + 0)).toEqual([1, 0, 0, 0, -1, 0, 0, 0, -1])
    expect(() => lookAt([0, 0, 0], [0, 1, 0], [0, 1, 0])).toThrow(/no direction/)
  })
})

describe('focusPoint', () => {
  it('finds where the axes meet', () => {
    const target: Vector3 = [0.1, -0.2, 0.3]
    const focus = focusPoint([at([1, 0, 2], target), at([-1, 0.5, 2], target), at([0, 1, 3], target)])
    for (let k = 0; k < 3; k++) expect(focus[k]).toBeCloseTo(target[k], 9)
  })

  it('goes the given distance ahead when axes are parallel, single, or meet behind', () => {
    const parallel = [at([-1, 0, 5], [-1, 0, 0]), at([1, 0, 5], [1, 0, 0])]
    expect(focusPoint(parallel, { distance: 2 }).map(v => Math.round(v * 1e9) / 1e9 + 0)).toEqual([0, 0, 3])
    expect(focusPoint([parallel[0]], { distance: 5 })[2]).toBeCloseTo(0, 9)
    const diverging = [at([-1, 0, 5], [-3, 0, 0]), at([1, 0, 5], [3, 0, 0])]
    expect(focusPoint(diverging, { distance: 2 })[2]).toBeCloseTo(3, 9)
    expect(() => focusPoint([])).toThrow(/no cameras/)
  })
})

describe('orbit and spiral', () => {
  it('look at the focus from inside the range of the training cameras', () => {
    const focus = focusPoint(cameras)
    const direction = (camera: Camera) => normalize(subtract(camera.position, focus), 'test')
    const spread = (list: Camera[]) => Math.max(...list.map(a => Math.max(...list.map(b => Math.acos(Math.min(1, dot(direction(a), direction(b))))))))
    for (const path of [orbit(cameras, { frames: 24 }), spiral(cameras, { frames: 24 })]) {
      expect(path).toHaveLength(24)
      for (const camera of path) {
        validateCamera(camera, 'path')
        const [x, y] = project(camera, focus)
        expect(x).toBeCloseTo(camera.principalPoint[0], 3)
        expect(y).toBeCloseTo(camera.principalPoint[1], 3)
      }
      expect(spread(path)).toBeLessThanOrEqual(spread(cameras) * 1.1)
    }
  })

  it('begins at the right, obeys its options and scales its images', () => {
    const path = orbit(cameras, { frames: 4, yaw: 0.3, pitch: 0, height: 128 })
    expect(path[0].position[0]).toBeGreaterThan(path[2].position[0])
    expect(path[0].imageSize).toEqual([128, 128])
    expect(path[0].focalLength).toBeCloseTo(2 * cameras[0].focalLength, 9)
    const single = orbit([at([0, 0, 2], [0, 0, 0])], { frames: 2, distance: 2 })
    expect(length(subtract(single[0].position, single[1].position))).toBeCloseTo(2 * 2 * Math.sin(0.1), 6)
    expect(() => orbit(cameras, { frames: 0 })).toThrow(/frames is 0/)
  })
})

describe('interpolate', () => {
  it('passes its keyframes and keeps rotations rotations', () => {
    const keys = [cameras[0], cameras[10], cameras[20]]
    const path = interpolate(keys, { frames: 9 })
    for (const camera of path) validateCamera(camera, 'path')
    for (const [frame, key] of [
      [0, 0],
      [4, 1],
      [8, 2],
    ]) {
      for (let k = 0; k < 3; k++) expect(path[frame].position[k]).toBeCloseTo(keys[key].position[k], 9)
      for (let k = 0; k < 9; k++) expect(path[frame].orientation.flat()[k]).toBeCloseTo(keys[key].orientation.flat()[k], 5)
    }
    const loop = interpolate(keys, { frames: 6, closed: true })
    for (let k = 0; k < 3; k++) expect(loop[4].position[k]).toBeCloseTo(keys[2].position[k], 9)
    expect(interpolate([keys[0]], { frames: 3 }).map(camera => camera.position)).toEqual([keys[0].position, keys[0].position, keys[0].position])
  })

  it('turns by the shorter arc, also half a turn', () => {
    const turned = interpolate([at([0, 0, 1], [0, 0, 0]), at([0, 0, 1], [1, 0, 1])], { frames: 3 })[1]
    const half = Math.SQRT1_2
    expect(turned.orientation[2][0]).toBeCloseTo(half, 9)
    expect(turned.orientation[2][2]).toBeCloseTo(-half, 9)
    const back = interpolate([at([0, 0, 1], [0, 0, 0]), at([0, 0, 1], [0, 0, 2])], { frames: 5 })
    for (const camera of back) validateCamera(camera, 'half turn')
  })
})
