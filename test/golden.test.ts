import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { expectGolden, loadGolden } from './golden.ts'

const names = readdirSync(new URL('./golden/', import.meta.url))
  .filter(file => file.endsWith('.safetensors'))
  .map(file => file.slice(0, -'.safetensors'.length))

describe('golden fixtures', () => {
  it.each(names)('%s agrees with itself', name => {
    const golden = loadGolden(name)
    expect(golden.tensors.size).toBeGreaterThan(0)
    for (const [path, { data }] of golden.tensors) expectGolden(golden, path, data)
  })

  it('reports the worst element, wrong lengths and unknown paths', () => {
    const golden = loadGolden('camera')
    const rays = golden.get('pinhole/out/rays').slice()
    rays[4] += 1e-3
    rays[7] += 0.5
    expect(() => expectGolden(golden, 'pinhole/out/rays', rays)).toThrow(/2 of 42 .* worst at \[2,1\]/)
    rays[0] = Number.NaN
    expect(() => expectGolden(golden, 'pinhole/out/rays', rays)).toThrow(/worst at \[0,0\]: got NaN/)
    expect(() => expectGolden(golden, 'pinhole/out/rays', rays.subarray(1))).toThrow(/41 values, the golden \[14,3\] has 42/)
    expect(() => golden.get('pinhole/out/ray')).toThrow(/no tensor "pinhole\/out\/ray"; there are .*pinhole\/out\/rays/)
  })

  it('limits the share of loose values where the file says so', () => {
    const golden = loadGolden('preprocess_bicubic')
    const path = 'wide_48x70_to_32/out/pil/pixel_values'
    expect(golden.tolerance(path).looseShare).toBe(0.01)
    const shifted = golden.get(path).map(value => value + 0.01)
    expect(() => expectGolden(golden, path, shifted)).toThrow(/at most 1 %/)
  })
})
