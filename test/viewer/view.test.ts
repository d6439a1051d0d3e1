import { describe, expect, it } from 'vitest'
import { Refinement } from '../../viewer/refinement.ts'
import { FRONT, hashOf, limited, viewFromHash } from '../../viewer/view.ts'

describe('the address of a view', () => {
  it('comes back as it was written, and ignores what is wrong', () => {
    const view = { yaw: 0.25, pitch: -0.1, distance: 1.2, camera: 'a b', expression: 2, strength: 0.5 }
    expect(viewFromHash(`#${hashOf(view)}`, FRONT)).toEqual(view)
    expect(hashOf(FRONT)).toBe('')
    expect(viewFromHash('#yaw=east&strength=&nonsense', FRONT)).toEqual({ ...FRONT, strength: 0 })
  })

  it('stays inside what the capture saw, a little beyond', () => {
    const range = { yaw: 0.4, pitch: 0.2 }
    expect(limited({ ...FRONT, yaw: 9, pitch: -9, distance: 0 }, range)).toMatchObject({ yaw: 0.5, pitch: -0.25, distance: 0.55 })
    expect(limited(FRONT, range)).toEqual(FRONT)
  })
})

describe('Refinement', () => {
  it('begins coarse on a slow device and goes as far as patience does', () => {
    const widths = new Refinement({ moving: 160, still: 8000 }, 0.1).widths(1024, 1)
    expect(widths[0]).toBe(40)
    expect(widths).toEqual([...widths].sort((a, b) => a - b))
    expect(widths.at(-1)).toBe(283)
  })

  it('draws at full size at once on a fast one, and learns that it is not', () => {
    const refinement = new Refinement({ moving: 30, still: 1000 }, 1e-5)
    expect(refinement.widths(512, 1)).toEqual([512])
    for (let i = 0; i < 20; i++) refinement.learn(512 * 512, 2000)
    expect(refinement.widths(512, 1)[0]).toBeLessThan(80)
  })
})
