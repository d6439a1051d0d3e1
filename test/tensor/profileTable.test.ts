import { expect, test } from 'vitest'
import { kernelProfiles, profileTable } from '../../src/tensor/profileTable.ts'

test('kernels by time, with rates where bytes or operations are known', () => {
  const profiles = kernelProfiles(
    new Map([
      ['add', { ms: 0.25, calls: 5, bytes: 1e9 }],
      ['mlp', { ms: 0.75, calls: 2, bytes: 3e8, flops: 9e9 }],
      ['idle', { ms: 0, calls: 1, bytes: 8, flops: 8 }],
    ]),
  )
  expect(profiles.map(p => p.kernel)).toEqual(['mlp', 'add', 'idle'])
  expect(profiles[0]).toEqual({ kernel: 'mlp', microseconds: 750, calls: 2, gigabytesPerSecond: 400, teraflops: 12, share: 0.75 })
  expect(profileTable(profiles).split('\n').slice(2)).toEqual([
    '| mlp | 750 | 2 | 400 | 12.0 | 75.0 % |',
    '| add | 250 | 5 | 4000 |  | 25.0 % |',
    '| idle | 0 | 1 |  |  | 0.0 % |',
    '| all | 1000 | 8 | | | |',
  ])
})

test('no clock, no kernels', () => expect(kernelProfiles(new Map())).toEqual([]))
