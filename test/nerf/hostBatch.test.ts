import { expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { HostBatch } from '../../src/nerf/hostBatch.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { readLeaf } from '../../src/tensor/device.ts'

test('floats and words side by side, each overwritten alone', async () => {
  using device = cpuBackend(await openCpuDevice({ threads: 1 }))
  const batch = new HostBatch(device, { points: 65, codes: 2, jitter: 1 })
  batch.write({ points: new Float32Array(65).fill(0.5), codes: Uint32Array.of(7, 2 ** 31) })
  batch.write({ jitter: Float32Array.of(-2) })
  expect([...(await readLeaf(device, batch.tensor('points', [13, 5])))]).toEqual(new Array(65).fill(0.5))
  expect([...(await readLeaf(device, batch.tensor('codes', [2], 'u32')))]).toEqual([7, 2 ** 31])
  expect([...(await readLeaf(device, batch.tensor('jitter', [])))]).toEqual([-2])
  expect(() => batch.write({ codes: Uint32Array.of(1) })).toThrow('hostBatch: 1 numbers for codes, which has 2')
  batch.release()
})
