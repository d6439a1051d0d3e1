import { describe, expect, test } from 'vitest'
import { declaredAccess, withWriteAccess } from '../../src/gpu/kernel.ts'

const CODE = `@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0)  @binding(2) var<storage> z: array<u32>;`

describe('kernel', () => {
  test('reads accesses off the declarations, in binding order', () => {
    expect(declaredAccess('k', CODE)).toEqual(['r', 'w', 'r'])
  })

  test('widens one binding to write access', () => {
    expect(declaredAccess('k', withWriteAccess(CODE, 2))).toEqual(['r', 'w', 'w'])
    expect(declaredAccess('k', withWriteAccess(CODE, 0))).toEqual(['w', 'w', 'r'])
  })

  test('names binding numbers with a gap', () => {
    expect(() => declaredAccess('blend', CODE.replace('binding(2)', 'binding(3)'))).toThrow('kernel blend: binding numbers 0, 1, 3')
  })
})
