import { describe, expect, test } from 'vitest'
import { readLeaf, tensor } from '../../../src/tensor/device.ts'
import { gridSamples, gridUpdate } from '../../../src/tensor/ops/densityGrid.ts'
import { fill } from '../../../src/tensor/ops/fill.ts'
import { compile, evaluate } from '../../../src/tensor/plan.ts'
import { checkOp, compareDevices, randomValues, testDevices } from '../harness.ts'

const OPTIONS = { near: 0.2, far: 3, bins: 40, resolution: 16, uniformShare: 0.2 }

/** Unit directions [rays, 3]. */
function directions(rays: number): Float32Array {
  const d = randomValues(rays * 3, 11)
  for (let r = 0; r < rays; r++) {
    const n = Math.hypot(...d.subarray(r * 3, r * 3 + 3))
    for (let axis = 0; axis < 3; axis++) d[r * 3 + axis] /= n
  }
  return d
}

describe('gridSamples', () => {
  test('odd sizes, random densities', () =>
    checkOp({
      name: 'gridSamples',
      inputs: [
        { shape: [19, 3] },
        { shape: [19, 3], values: directions(19) },
        { shape: [19, 13], range: [0, 1] },
        { shape: [16 ** 3], range: [0, 5] },
      ],
      gradient: false,
      // a bin centre near a cell face may fall on either side of it in f32; the reference rounds no differently enough to matter here
      tolerance: 1e-4,
      build: ([origins, d, u, grid]) => {
        const { z, starts } = gridSamples(origins, d, u, grid, OPTIONS)
        return [z, starts]
      },
    }))

  test('an empty grid is sampled evenly in the contracted distance, a wall where it stands', async () => {
    const cells = 16 ** 3
    const wall = new Float32Array(cells)
    // A slab of the contracted cells [1, 1.25) along x: x = 1 … 1.33 uncontracted.
    for (let i = 0; i < cells; i++) if (Math.floor(i / 256) === 12) wall[i] = 1000
    for (const { device, compileOnly } of await testDevices()) {
      const [o, d] = [tensor(device, [-0.5, 0, 0], [1, 3]), tensor(device, [1, 0, 0], [1, 3])]
      const u = tensor(device, new Float32Array(8).fill(0.5), [1, 8])
      const even = gridSamples(o, d, u, fill([cells], 0), { ...OPTIONS, near: 0, far: 4 })
      const peaked = gridSamples(o, d, u, tensor(device, wall, [cells]), { ...OPTIONS, near: 0, far: 4 })
      const [a, starts, b] = await evaluate(device, [even.z, even.starts, peaked.z])
      if (compileOnly) continue
      // The ray passes the origin at 0.5: s in 0..1 runs over the folded distances −0.5 … 2 − 1/3.5, even in what it folds to.
      const fold = (z: number): number => (Math.abs(z - 0.5) <= 1 ? z - 0.5 : 2 - 1 / (z - 0.5))
      const span = 2 - 1 / 3.5 + 0.5
      for (const [m, z] of a.entries()) expect(fold(z)).toBeCloseTo(-0.5 + (span * (m + 0.5)) / 8, 4)
      for (const [m, z] of starts.entries()) expect(fold(z)).toBeCloseTo(-0.5 + (span * m) / 8, 4)
      const near = [...b].filter(z => z > 1.3 && z < 1.9).length
      expect(near).toBeGreaterThanOrEqual(6)
      expect([...b]).toEqual([...b].sort((p, q) => p - q))
    }
  })

  test('names shapes and values that do not fit', () => {
    const [rays, u] = [fill([4, 3], 0), fill([4, 8], 0)]
    expect(() => gridSamples(rays, rays, u, fill([8], 0), OPTIONS)).toThrow('gridSamples: grid [8] is not 16³ cells')
    expect(() => gridSamples(rays, rays, u, fill([4096], 0), { ...OPTIONS, uniformShare: 0 })).toThrow('uniform share 0 (must be in (0, 1])')
    expect(() => gridSamples(rays, fill([5, 3], 0), u, fill([4096], 0), OPTIONS)).toThrow('got [4, 3], [5, 3], [4, 8]')
  })
})

describe('gridUpdate', () => {
  test('many samples per cell, twice', () =>
    compareDevices({
      name: 'gridUpdate',
      tolerance: 1e-6,
      run: async device => {
        const grid = tensor(device, randomValues(8 ** 3, 1, [0, 2]), [8 ** 3])
        const points = tensor(device, randomValues(997 * 3, 2, [-2.1, 2.1]), [997, 3])
        const sigma = tensor(device, randomValues(997, 3, [0, 3]), [997])
        using plan = compile(device, { effects: [gridUpdate(grid, points, sigma, { resolution: 8, decay: 0.9, fade: 0.99 })] })
        plan.run()
        plan.run()
        return [{ name: 'grid', values: await readLeaf(device, grid) }]
      },
    }))

  test('by hand: the largest sample or the decayed old one; untouched cells fade', async () => {
    for (const { device, compileOnly } of await testDevices()) {
      const grid = tensor(device, [1, 1, 1, 1, 8, 1, 1, 1], [8])
      const points = tensor(device, [-1, -1, -1, -1.5, -1, -1, 1, -1, -1, 1, 1, 1], [4, 3])
      const sigma = tensor(device, [2, 3, 1, 0], [4])
      using plan = compile(device, { effects: [gridUpdate(grid, points, sigma, { resolution: 2, decay: 0.5, fade: 0.25 })] })
      plan.run()
      const cells = await readLeaf(device, grid)
      if (!compileOnly) expect([...cells]).toEqual([3, 0.25, 0.25, 0.25, 4, 0.25, 0.25, 0.5])
    }
  })

  test('names shapes that do not fit', () => {
    expect(() => gridUpdate(fill([8], 0), fill([4, 3], 0), fill([5], 0), { resolution: 2, decay: 1, fade: 1 })).toThrow('got [4, 3] and [5]')
  })
})
