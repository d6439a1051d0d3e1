import { expect, test } from 'vitest'
import type { MlpShape } from '../../../src/tensor/ops/fusedMlp.ts'
import { mlpTiling } from '../../../src/tensor/ops/mlpTiling.ts'

const shape: MlpShape = {
  nIn: 44,
  layers: [
    { nOut: 64, activation: 'relu', heads: [] },
    { nOut: 64, activation: 'relu', heads: [{ nOut: 4, activation: 'none' }] },
  ],
}
const limits = { maxComputeWorkgroupStorageSize: 49152, maxComputeInvocationsPerWorkgroup: 1024, maxStorageBuffersPerShaderStage: 16 }
const facts = { name: 'a GPU', vendor: '', architecture: '', features: new Set<string>(), limits, matrixShapes: [{ m: 16, n: 16, k: 16, lanes: 32 }] }

test('matrix units serve at half alone, where there are any and their tile fits; blocks of f32 otherwise', () => {
  const unitsOf = (device: Omit<Parameters<typeof mlpTiling>[0], 'kind'>): string | undefined =>
    mlpTiling({ kind: 'gpu', ...device }, shape, 4096)?.units
  expect(unitsOf({ adapter: facts })).toBe('blocks')
  expect(unitsOf({ adapter: facts, precision: 'f32' })).toBe('blocks')
  expect(unitsOf({ adapter: facts, precision: 'half' })).toBe('matrices')
  expect(unitsOf({ adapter: facts, precision: 'half', mlp: 'layers' })).toBeUndefined()
  expect(unitsOf({ adapter: { ...facts, matrixShapes: [] }, precision: 'half' })).toBe('blocks')
  const small = { ...limits, maxComputeWorkgroupStorageSize: 16384 }
  expect(unitsOf({ adapter: { ...facts, limits: small }, precision: 'half' })).toBe('blocks')
})

test('few rows and the CPU go layer by layer', () => {
  expect(mlpTiling({ kind: 'gpu', adapter: facts }, shape, 100)).toBeUndefined()
  expect(mlpTiling({ kind: 'cpu' }, shape, 4096)).toBeUndefined()
})
