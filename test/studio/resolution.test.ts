import { expect, test } from 'vitest'
import { BUDGETS, Resolution } from '../../studio/src/worker/resolution.ts'

test('begins small, then as large as the time allows', () => {
  const resolution = new Resolution(BUDGETS.cpu)
  expect(resolution.moving(2000, 1)).toBe(32)
  resolution.measured(32 * 32, 10)
  // 140 ms are 14 times as many pixels: 96² is 9 times, 128² is 16 times
  expect(resolution.moving(2000, 1)).toBe(96)
})

test('a slow machine still gets a picture', () => {
  const resolution = new Resolution(BUDGETS.cpu)
  resolution.measured(32 * 32, 60_000)
  expect(resolution.moving(2000, 1)).toBe(32)
  expect(resolution.finer(32, 2000, 1)).toBeUndefined()
})

test('refines in steps of at least four times the pixels and stops at what the screen shows', () => {
  const resolution = new Resolution(BUDGETS.gpu)
  resolution.measured(64 * 64, 0.01)
  const sides: number[] = []
  for (let side: number | undefined = 64; side !== undefined; side = resolution.finer(side, 700, 1)) sides.push(side)
  expect(sides).toEqual([64, 128, 256, 512])
})

test('wide pictures have fewer pixels and may be larger', () => {
  const resolution = new Resolution({ moving: 100, still: 100, first: 32 })
  resolution.measured(1000, 10)
  expect(resolution.moving(2000, 1)).toBe(96)
  expect(resolution.moving(2000, 0.5)).toBe(128)
})
