import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Camera, cameraFromJson, cameraToJson, scaleCamera, toScene, validateCamera } from '../../src/camera/camera.ts'
import { depth, imageRays, pixelsToRays, project } from '../../src/camera/rays.ts'
import type { Matrix3, Vector3 } from '../../src/camera/vector.ts'
import { expectGolden, type Golden, loadGolden } from '../golden.ts'

const ADA = new URL('../../assets/captures/ada-mini/camera/000000.json', import.meta.url)
const adaJson = (): Record<string, unknown> => JSON.parse(readFileSync(ADA, 'utf8'))

function goldenCamera(golden: Golden, name: string): Camera {
  const values = (field: string) => [...golden.get(`${name}/in/${field}`)]
  const m = values('orientation')
  return {
    orientation: [m.slice(0, 3), m.slice(3, 6), m.slice(6, 9)] as Matrix3,
    position: values('position') as Vector3,
    focalLength: values('focal_length')[0],
    principalPoint: values('principal_point') as [number, number],
    skew: values('skew')[0],
    pixelAspectRatio: values('pixel_aspect_ratio')[0],
    radialDistortion: values('radial_distortion') as Vector3,
    tangentialDistortion: values('tangential_distortion') as [number, number],
    imageSize: values('image_size') as [number, number],
  }
}

describe('camera against the original code', () => {
  const golden = loadGolden('camera')
  it.each(['pinhole', 'distorted'])('%s: rays, projection, scale', name => {
    const camera = goldenCamera(golden, name)
    validateCamera(camera, name)
    expectGolden(golden, `${name}/out/rays`, pixelsToRays(camera, golden.get(`${name}/in/pixels`)))
    expectGolden(golden, `${name}/out/projected`, project(camera, golden.get(`${name}/in/points`)))
    const half = scaleCamera(camera, 0.5)
    expectGolden(golden, `${name}/out/scaled_half/focal_length`, [half.focalLength])
    expectGolden(golden, `${name}/out/scaled_half/principal_point`, half.principalPoint)
  })

  it('projects a point of a ray back to its pixel through the lens', () => {
    const camera = goldenCamera(golden, 'distorted')
    const pixels = [3.5, 7.25, 100, 40, 61, 99]
    const rays = pixelsToRays(camera, pixels)
    const points = rays.map((value, i) => camera.position[i % 3] + 2.5 * value)
    const back = project(camera, points)
    for (let i = 0; i < pixels.length; i++) expect(back[i]).toBeCloseTo(pixels[i], 3)
    expect(depth(camera, [points[0], points[1], points[2]])).toBeGreaterThan(0)
  })
})

describe('image rays', () => {
  it('has one unit ray per pixel centre, row by row, in scene units', () => {
    const camera = { ...cameraFromJson(adaJson(), 'ada'), imageSize: [5, 3] as [number, number] }
    const { origins, directions } = imageRays(camera, { scale: 0.5, center: [0.1, 0, 0] })
    expect(directions.length).toBe(5 * 3 * 3)
    const single = pixelsToRays(camera, [3.5, 1.5])
    expect([...directions.subarray(3 * 8, 3 * 9)]).toEqual([...single])
    expect(Math.hypot(...directions.subarray(6, 9))).toBeCloseTo(1, 6)
    const moved = toScene(camera, 0.5, [0.1, 0, 0])
    expect([...origins.subarray(12, 15)]).toEqual([...Float32Array.from(moved.position)])
    expect(imageRays(moved).origins).toEqual(origins)
  })

  it('projects the centre column of a half-size camera where the full one does', () => {
    const camera = cameraFromJson({ ...adaJson(), skew: 3 }, 'ada')
    const half = scaleCamera(camera, 0.5)
    const point = [0.02, 0.01, 0.03]
    const [full, small] = [project(camera, point), project(half, point)]
    expect(small[0] * 2).toBeCloseTo(full[0], 4)
    expect(small[1] * 2).toBeCloseTo(full[1], 4)
    expect(half.imageSize).toEqual([32, 32])
  })
})

describe('camera JSON', () => {
  it('round-trips, and reads the legacy tangential field', () => {
    const camera = cameraFromJson(adaJson(), 'ada')
    expect(cameraFromJson(cameraToJson(camera), 'again')).toEqual(camera)
    const { tangential_distortion: _, ...rest } = adaJson()
    expect(cameraFromJson({ ...rest, tangential: [0.1, 0.2] }, 'legacy').tangentialDistortion).toEqual([0.1, 0.2])
  })

  it.each(Object.keys(adaJson()))('names a missing %s', field => {
    const { [field]: _, ...rest } = adaJson()
    expect(() => cameraFromJson(rest, 'ada/camera/000000.json')).toThrow(new RegExp(`000000.json: no "${field}"; add`))
  })

  it.each([
    ['position', [Number.NaN, 0, 0], /"position" is \["NaN",0,0\]; it must be 3 finite numbers/],
    ['position', [1, 2], /"position" is \[1,2\]/],
    ['focal_length', '80', /"focal_length" is "80"/],
    ['focal_length', -4, /focal length is -4 px/],
    [
      'orientation',
      [
        [1, 0, 0],
        [0, 1, 0],
      ],
      /three rows of three/,
    ],
    [
      'orientation',
      [
        [1, 0, 0],
        [0, 2, 0],
        [0, 0, 1],
      ],
      /row 1 has length 2.00000/,
    ],
    [
      'orientation',
      [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0.6, 0.8],
      ],
      /rows 1 and 2 have product 0.6/,
    ],
    [
      'orientation',
      [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, -1],
      ],
      /mirror image/,
    ],
    ['image_size', [64.5, 64], /whole numbers/],
    ['pixel_aspect_ratio', 0, /pixel aspect ratio is 0/],
  ])('refuses %s = %j', (field, value, message) => {
    expect(() => cameraFromJson({ ...adaJson(), [field]: value }, 'x.json')).toThrow(message)
  })

  it('refuses a camera that is not an object and a bad scale factor', () => {
    expect(() => cameraFromJson(null, 'x.json')).toThrow(/x.json: not a camera object/)
    expect(() => scaleCamera(cameraFromJson(adaJson(), 'a'), 0)).toThrow(/factor is 0/)
    expect(() => pixelsToRays(cameraFromJson(adaJson(), 'a'), [1, 2, 3])).toThrow(/3 values/)
  })
})
