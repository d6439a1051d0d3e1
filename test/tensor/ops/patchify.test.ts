import { describe, expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { fill } from '../../../src/tensor/ops/fill.ts'
import { patchify } from '../../../src/tensor/ops/patchify.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { checkOp, testDevices } from '../harness.ts'

describe('patchify', () => {
  test('a batch of odd patches', () => checkOp({ name: 'patchify', inputs: [{ shape: [2, 6, 9, 3] }], build: ([image]) => patchify(image, 3) }))

  test('by hand: channel, then row, then column', async () => {
    for (const { device, compileOnly } of await testDevices()) {
      // pixel (y, x) of channel c is 100 c + 10 y + x
      const image = Array.from({ length: 16 }, (_, i) => 100 * (i % 2) + 10 * Math.floor(i / 8) + (Math.floor(i / 2) % 4))
      const [patches] = await evaluate(device, [patchify(tensor(device, image, [1, 2, 4, 2]), 2)])
      if (!compileOnly) expect([...patches]).toEqual([0, 1, 10, 11, 100, 101, 110, 111, 2, 3, 12, 13, 102, 103, 112, 113])
    }
  })

  test('names a size that does not divide', () =>
    expect(() => patchify(fill([1, 8, 9, 3], 0), 4)).toThrow('H and W multiples of 4, got [1, 8, 9, 3]; resize it first'))
})
