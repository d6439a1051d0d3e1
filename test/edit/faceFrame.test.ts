import { afterAll, describe, expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { type FaceFrame, faceFrame, namedRegion, REGION_NAMES } from '../../src/edit/faceFrame.ts'
import { regionWeight } from '../../src/edit/faceRegion.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { Storage, tensor } from '../../src/tensor/device.ts'
import { evaluate } from '../../src/tensor/plan.ts'
import { compareDevices, randomValues } from '../tensor/harness.ts'
import { expressiveScene } from './expressiveScene.ts'
import { anchorsOf } from './smallAnchors.ts'

const device = cpuBackend(await openCpuDevice({ threads: 1 }))
afterAll(() => device[Symbol.dispose]())

/** Eyes 0.4 apart, between them (0, 0.2, 0.1); x to the right, y up, z towards the cameras. */
const FRAME: FaceFrame = {
  origin: [0, 0.2, 0.1],
  axes: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  eyeDistance: 0.4,
}

async function weightsAt(name: string, points: number[][]): Promise<number[]> {
  const [weights] = await evaluate(device, [regionWeight(device, namedRegion(FRAME, name))(tensor(device, points.flat(), [points.length, 3]))])
  return [...weights]
}

describe('a named region', () => {
  const [LEFT_EYE, RIGHT_EYE, MOUTH] = [
    [0.2, 0.2, 0.1],
    [-0.2, 0.2, 0.1],
    [0, -0.3, 0.1],
  ]
  test('lies where an average face has it: 1 there, 0 to the last bit at the other parts', async () => {
    expect(await weightsAt('mouth', [MOUTH, LEFT_EYE, RIGHT_EYE])).toEqual([expect.closeTo(1, 3), 0, 0])
    expect(await weightsAt('left eye', [LEFT_EYE, RIGHT_EYE, MOUTH])).toEqual([expect.closeTo(1, 3), 0, 0])
    expect(await weightsAt('eyes', [LEFT_EYE, RIGHT_EYE, MOUTH])).toEqual([expect.closeTo(1, 3), expect.closeTo(1, 3), 0])
  })

  test('of several parts is never above 1 where they meet', async () => {
    const grid = Array.from({ length: 200 }, (_, i) => [-0.4 + 0.04 * (i % 20), 0.1 + 0.04 * Math.floor(i / 20), 0.1])
    for (const weight of await weightsAt('upper face', grid)) {
      expect(weight).toBeGreaterThanOrEqual(0)
      expect(weight).toBeLessThanOrEqual(1)
    }
  })

  test('is the same on every device', async () => {
    await compareDevices({
      name: 'regionWeight',
      run: async on => {
        const points = new Storage(on, 300)
        points.write(randomValues(300, 4, [-0.5, 0.5]))
        const parts = ['upper face', 'lower face', 'nose'].flatMap(name => namedRegion(FRAME, name).parts)
        const [values] = await evaluate(on, [regionWeight(on, { name: 'more than fit together', parts })(points.tensor([100, 3]))])
        return [{ name: 'weight', values }]
      },
    })
  })

  test('unknown is refused with the names there are, and so is a region of no parts', () => {
    expect(() => namedRegion(FRAME, 'elbow')).toThrow(`region: no region "elbow"; there are ${REGION_NAMES.join(', ')}`)
    expect(REGION_NAMES).toEqual(expect.arrayContaining(['mouth', 'left eye', 'right eye', 'eyes', 'brows']))
    expect(() => regionWeight(device, { name: 'nothing', parts: [] })).toThrow('regionWeight: region "nothing" has no part')
  })
})

test('a face is not found where the anchors do not differ, with the remedy', async () => {
  const scene = await expressiveScene(device)
  await expect(faceFrame(scene, await anchorsOf(scene, [0, 0]))).rejects.toThrow(
    'faceFrame: the anchors (train0, train0) do not show where eyes and mouth are; give the region as a mask',
  )
})
