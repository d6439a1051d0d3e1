import { expect, test } from 'vitest'
import { float16ToFloat32, float32ToFloat16 } from '../../src/io/halfFloat.ts'

test('every finite half comes back as itself', () => {
  const bits = Uint16Array.from({ length: 65536 }, (_, i) => i).filter(h => (h & 0x7c00) !== 0x7c00)
  expect(float32ToFloat16(float16ToFloat32(bits))).toEqual(bits)
})

test('values between two halves go to the nearer, ties to the even one', () => {
  const halves = float16ToFloat32(Uint16Array.from({ length: 0x7c00 }, (_, i) => i))
  for (let i = 0; i < halves.length - 1; i += 7) {
    const [low, high] = [halves[i], halves[i + 1]]
    const step = high - low
    const found = float32ToFloat16(Float32Array.of(low + 0.25 * step, low + 0.5 * step, low + 0.75 * step, -(low + 0.75 * step)))
    expect([...found], `between ${low} and ${high}`).toEqual([i, i + (i % 2), i + 1, (i + 1) | 0x8000])
  }
})

test('what is too large becomes the largest, NaN stays', () => {
  expect([...float16ToFloat32(float32ToFloat16(Float32Array.of(1e9, -Infinity, 65519, Number.NaN)))]).toEqual([65504, -65504, 65504, Number.NaN])
})
