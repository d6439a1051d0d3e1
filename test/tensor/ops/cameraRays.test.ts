import { expect, test } from 'vitest'
import { imageRays } from '../../../src/camera/rays.ts'
import { tensor } from '../../../src/tensor/device.ts'
import { CAMERA_NUMBERS, cameraNumbers, cameraRays } from '../../../src/tensor/ops/cameraRays.ts'
import { fill } from '../../../src/tensor/ops/fill.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { DISTORTED } from '../../camera/distorted.ts'
import { compareDevices, testDevices } from '../harness.ts'

test.each([DISTORTED, { ...DISTORTED, radialDistortion: [0, 0, 0] as [number, number, number], tangentialDistortion: [0, 0] as [number, number] }])(
  'rays are those of the host, from any pixel on; beyond the last pixel it repeats',
  async camera => {
    const [first, rays] = [100, 150]
    const host = imageRays(camera)
    const expected = (all: Float32Array): number[] =>
      Array.from({ length: rays }, (_, i) => Math.min(first + i, 17 * 13 - 1)).flatMap(pixel => [...all.slice(3 * pixel, 3 * pixel + 3)])
    for (const { device, compileOnly } of await testDevices()) {
      const made = cameraRays(tensor(device, cameraNumbers(camera, first), [CAMERA_NUMBERS]), rays)
      const [origins, directions] = await evaluate(device, [made.origins, made.directions])
      if (compileOnly) continue
      for (const [i, v] of expected(host.origins).entries()) expect(origins[i]).toBeCloseTo(v, 6)
      for (const [i, v] of expected(host.directions).entries()) expect(directions[i]).toBeCloseTo(v, 6)
    }
  },
)

test('all devices agree', () =>
  compareDevices({
    name: 'cameraRays',
    run: async device => {
      const { directions } = cameraRays(tensor(device, cameraNumbers(DISTORTED), [CAMERA_NUMBERS]), 64)
      return [{ name: 'directions', values: (await evaluate(device, [directions]))[0] }]
    },
  }))

test('names what does not fit', () => {
  expect(() => cameraRays(fill([24], 0), 4)).toThrow('a camera is 32 numbers (see cameraNumbers), got [24]')
  expect(() => cameraRays(fill([CAMERA_NUMBERS], 0), 0)).toThrow('cameraRays: 0 rays')
})
