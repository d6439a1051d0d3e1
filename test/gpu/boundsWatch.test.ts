import { describe, expect, test } from 'vitest'
import { outOfBounds, withBoundsCounted } from './boundsWatch.ts'
import { openComputingGpu } from './softwareGpu.ts'

const HEAD = '@group(0) @binding(0) var<storage, read> x: array<f32>;\n@group(0) @binding(1) var<storage, read_write> y: array<f32>;\n'

describe('watched bounds', () => {
  test('every index into a buffer is watched, indices of indices too, and nothing else', () => {
    const main = '@compute @workgroup_size(64) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32)'
    const code = withBoundsCounted(`${HEAD}${main} { let a = x[u32(x[2u]) + 1u]; y[index] = tile.x[3u] + tile[4u] + a; }`, 5)
    expect(code).toContain('fn watched(group: vec3u, index: u32) { let a = x[inside_x(u32(u32(x[inside_x(u32(2u))]) + 1u))]; ')
    expect(code).toContain('y[inside_y(u32(index))] = tile.x[3u] + tile[4u] + a; }')
    expect(code).toContain(`${main} {\n  watched(group, index);\n`)
    expect(code).toContain('if (largest_y >= arrayLength(&y)) { atomicAdd(&out_of_bounds[5u], 1u); }')
  })

  test('a kernel that reads past its binding is named, once', async () => {
    process.env.FACECLIPNERF_WATCH = '1'
    const gpu = await openComputingGpu()
    if (typeof gpu === 'string') throw new Error(gpu)
    const buffer = gpu.createBuffer(1024)
    const [x, y] = [0, 512].map(offset => ({ buffer, offset, size: 16 }))
    const code = `${HEAD}@compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = x[id.x + 1u]; }`
    gpu.program([{ label: 'past', code, bindings: [x, y], groups: [1, 1, 1] }]).run()
    await gpu.sync()
    expect(await outOfBounds()).toEqual(['kernel past: 1 invocations index beyond a buffer'])
    expect(await outOfBounds()).toEqual([])
    gpu.destroy()
  })
})
