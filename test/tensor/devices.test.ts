/** Says in the test report which devices the other tests ran on: a missing one is a skipped test here. */
import { expect, test } from 'vitest'
import { testDevices } from './devices.ts'

const devices = await testDevices()

test('the reference comes first, SIMD on one and on two threads', () => {
  expect(devices.slice(0, 3).map(d => d.name)).toEqual(['reference', 'SIMD, 1 thread', 'SIMD, 2 threads'])
})

test.skipIf(!devices.some(d => d.device.kind === 'gpu' && !d.compileOnly))('WGSL runs on an adapter (install Chromium for its SwiftShader)', () => {})

test.skipIf(!devices.some(d => d.compileOnly))('WGSL is compiled by the null backend (install the optional package webgpu)', () => {})
