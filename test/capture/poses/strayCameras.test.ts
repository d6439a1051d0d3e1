import { describe, expect, it } from 'vitest'
import type { Camera } from '../../../src/camera/camera.ts'
import { strayCameras } from '../../../src/capture/poses/strayCameras.ts'
import { HostRandom } from '../../../src/tensor/hostRandom.ts'

describe('stray cameras', () => {
  const random = new HostRandom(5, 1)
  const times = Array.from({ length: 60 }, (_, i) => i / 12)
  const path = times.map((time, i): Pick<Camera, 'position'> => {
    const off = i === 20 ? 0.06 : i === 41 ? -0.05 : 0
    return { position: [0.3 * Math.sin(2 * time) + off, 0.05 * Math.cos(3 * time) + 0.001 * random.next(), 0.5] }
  }) as Camera[]

  it('are those off a smooth path, and not their neighbours', () => {
    expect(strayCameras(path, times, 0.5)).toEqual([20, 41])
  })

  it('are not looked for across gaps in time', () => {
    expect(strayCameras(path.slice(0, 5), [0, 1, 2, 3, 4], 0.5)).toEqual([])
  })
})
