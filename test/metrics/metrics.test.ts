import { describe, expect, it } from 'vitest'
import { meanSquaredError, psnr } from '../../src/metrics/psnr.ts'
import { ssim, ssimLuma, ssimMap } from '../../src/metrics/ssim.ts'
import { expectGolden, loadGolden } from '../golden.ts'

const golden = loadGolden('image_metrics')

describe('PSNR and SSIM against scikit-image', () => {
  it.each(Object.keys(golden.cases))('%s', name => {
    const a = golden.get(`${name}/in/a`)
    const b = golden.get(`${name}/in/b`)
    const [height, width] = golden.shape(`${name}/in/a`)
    const size = { width, height }
    expectGolden(golden, `${name}/out/mse`, [meanSquaredError(a, b)])
    expectGolden(golden, `${name}/out/psnr`, [psnr(a, b)])
    expectGolden(golden, `${name}/out/ssim_gaussian`, [ssim(a, b, size)])
    expectGolden(golden, `${name}/out/ssim_gaussian_luma`, [ssimLuma(a, b, size)])
    expectGolden(golden, `${name}/out/ssim_uniform`, [ssim(a, b, { ...size, window: 'uniform' })])
    expectGolden(golden, `${name}/out/ssim_uniform_map`, ssimMap(a, b, { ...size, window: 'uniform' }))
  })
})

describe('PSNR', () => {
  it('is 20 dB for a difference of 0.1, and infinite for equal images', () => {
    expect(psnr([0.5, 0.2], [0.6, 0.1])).toBeCloseTo(20, 10)
    expect(psnr([0.5], [0.5])).toBe(Number.POSITIVE_INFINITY)
  })

  it('weighs pixels by the mask', () => {
    const a = [0, 0, 0, 0, 0, 0]
    const b = [0.1, 0.1, 0.1, 1, 1, 1]
    expect(psnr(a, b, { mask: [1, 0] })).toBeCloseTo(20, 10)
    expect(meanSquaredError(a, b, { mask: [0.75, 0.25] })).toBeCloseTo(0.75 * 0.01 + 0.25, 12)
    expect(meanSquaredError(a, b, { mask: [1, 1] })).toBeCloseTo(meanSquaredError(a, b), 12)
  })

  it('refuses images and masks that do not fit', () => {
    expect(() => psnr([1, 2], [1])).toThrow(/2 and 1 values/)
    expect(() => psnr([], [])).toThrow(/0 and 0/)
    expect(() => psnr([1, 2, 3], [1, 2, 3], { mask: [1, 1] })).toThrow(/mask of 2 pixels/)
    expect(() => psnr([1, 2], [1, 2], { mask: [0, 0] })).toThrow(/0 everywhere/)
  })
})

describe('SSIM', () => {
  it('is 1 for equal images, symmetric, and lower the stronger the noise', () => {
    const a = golden.get('noise_40x36/in/a')
    const b = golden.get('noise_40x36/in/b')
    const size = { width: 36, height: 40 }
    expect(ssim(a, a, size)).toBeCloseTo(1, 12)
    expect(ssim(a, b, size)).toBeCloseTo(ssim(b, a, size), 12)
    const closer = a.map((value, i) => (value + b[i]) / 2)
    expect(ssim(a, closer, size)).toBeGreaterThan(ssim(a, b, size))
  })

  it('weighs pixels by the mask', () => {
    const size = { width: 24, height: 24 }
    const a = Float32Array.from({ length: 24 * 24 * 3 }, (_, i) => (i % 7) / 7)
    const b = a.map((value, i) => (i % 72 < 36 ? value : 1 - value)) // the right half is inverted
    const column = (from: number, to: number) => Float32Array.from({ length: 24 * 24 }, (_, i) => (i % 24 >= from && i % 24 < to ? 1 : 0))
    expect(ssim(a, b, { ...size, mask: column(0, 7) })).toBeCloseTo(1, 6) // windows that end left of the middle
    expect(ssim(a, b, { ...size, mask: column(12, 24) })).toBeLessThan(0.5)
    expect(ssim(a, b, { ...size, mask: new Float32Array(24 * 24).fill(0.5) })).toBeCloseTo(ssim(a, b, size), 12)
    expect(() => ssim(a, b, { ...size, mask: new Float32Array(24 * 24) })).toThrow('ssim: the mask is 0')
    expect(() => ssim(a, b, { ...size, mask: [1] })).toThrow('ssim: a mask of 1 pixels for an image of 24x24')
  })

  it('refuses sizes that disagree and images under the window', () => {
    expect(() => ssim([1], [1, 2], { width: 1, height: 1, channels: 1 })).toThrow(/1x1x1 is 1 values, the images have 1 and 2/)
    const small = new Float32Array(10 * 20)
    expect(() => ssim(small, small, { width: 10, height: 20, channels: 1 })).toThrow(/10x20 is smaller than the 11x11 window/)
  })
})
