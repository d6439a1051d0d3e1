import { expect, test } from 'vitest'
import { turnTaker } from '../../src/tensor/turns.ts'

test('a loop that takes turns lets a timer in, and no sooner than it must', async () => {
  const takeTurn = turnTaker()
  let came = false
  setTimeout(() => {
    came = true
  })
  const began = performance.now()
  while (!came && performance.now() - began < 2000) await takeTurn()
  expect(came).toBe(true)
  expect(performance.now() - began).toBeGreaterThan(45)
})
