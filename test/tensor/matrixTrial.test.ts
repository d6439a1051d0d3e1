import { expect, test } from 'vitest'
import type { GpuDevice } from '../../src/gpu/gpuDevice.ts'
import { gpuBackend } from '../../src/tensor/gpuBackend.ts'
import { triedTraits } from '../../src/tensor/matrixTrial.ts'

/** A GPU that says it has matrix units, and multiplies as `read` does. */
function madeUp(read: () => number): GpuDevice {
  return {
    name: 'made up',
    matrixShapes: [{ m: 16, n: 16, k: 16, lanes: 32 }],
    limits: { maxComputeWorkgroupStorageSize: 49152 },
    createBuffer: () => ({}),
    destroyBuffer: () => undefined,
    write: () => undefined,
    program: () => ({ run: () => undefined, dispose: () => undefined }),
    read: async () => new Float32Array(64 * 64).fill(read()).buffer,
  } as unknown as GpuDevice
}

test('matrix units that multiply are used', async () => {
  const gpu = madeUp(() => 64)
  expect(gpuBackend(gpu, await triedTraits(gpu, 'half')).description).toBe("GPU, made up, dense layers at precision 'half'")
  expect(gpuBackend(gpu, await triedTraits(gpu, 'f32')).description).toBe('GPU, made up')
})

test('a kernel that does not compile: f32, and the description names both', async () => {
  const gpu = madeUp(() => {
    throw new Error('kernel trial 128 x 128 x 32 Matrix: WGSL does not compile\n  1:8 unknown extension\n    enable f16;')
  })
  const traits = await triedTraits(gpu, 'half')
  expect([traits.precision, traits.matrix]).toEqual(['f32', undefined])
  expect(gpuBackend(gpu, traits).description).toBe(
    'GPU, made up (dense layers in f32: kernel trial 128 x 128 x 32 Matrix: WGSL does not compile 1:8 unknown extension; the f32 kernel gemmLarge in its place)',
  )
})

test('a kernel that multiplies wrongly, and a GPU without matrix units: f32', async () => {
  expect(
    (
      await triedTraits(
        madeUp(() => 0),
        'half',
      )
    ).fallback,
  ).toContain('Matrix: a product of ones is 0, not 64; the f32 kernel')
  expect((await triedTraits({ ...madeUp(() => 64), matrixShapes: [] }, 'half')).fallback).toContain('no f16 matrix units')
})
