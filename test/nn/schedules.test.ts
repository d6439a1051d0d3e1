import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exponentialSchedule, linearSchedule, piecewiseSchedule } from '../../src/nn/schedules.ts'
import { expectGolden, loadGolden } from '../golden.ts'

describe('golden schedules', () => {
  const golden = loadGolden('schedules')
  const steps = [...golden.get('coded/in/step')]
  const schedules = {
    lr_train: exponentialSchedule(1e-3, 1e-5, 500_000),
    lr_edit: exponentialSchedule(5e-4, 5e-5, 7000),
    warp_alpha: linearSchedule(0, 4, 50_000),
    hyper_alpha: piecewiseSchedule([
      { steps: 1000, schedule: () => 0 },
      { steps: 0, schedule: linearSchedule(0, 1, 10_000) },
    ]),
  }
  for (const [name, schedule] of Object.entries(schedules)) {
    test(name, () => expectGolden(golden, `coded/out/${name}`, steps.map(schedule)))
  }
})

test('linear and exponential meet both ends, stay between them and hold the last value', () => {
  const positive = fc.double({ min: 1e-6, max: 1e3, noNaN: true })
  fc.assert(
    fc.property(positive, positive, fc.integer({ min: 1, max: 1000 }), fc.double({ min: 0, max: 1, noNaN: true }), (a, b, steps, share) => {
      for (const schedule of [linearSchedule(a, b, steps), exponentialSchedule(a, b, steps)]) {
        if (steps > 1) expect(schedule(0)).toBe(a)
        expect([schedule(steps), schedule(steps + 7)]).toEqual([b, b])
        const value = schedule(Math.floor(share * steps))
        const slack = 1e-9 * Math.max(a, b)
        expect(value).toBeGreaterThanOrEqual(Math.min(a, b) - slack)
        expect(value).toBeLessThanOrEqual(Math.max(a, b) + slack)
      }
    }),
  )
})

test('the final value: of a line after its steps, of an exponential in its last step', () => {
  expect([linearSchedule(0, 4, 0)(0), linearSchedule(0, 4, 2)(1), linearSchedule(0, 4, 2)(2)]).toEqual([4, 2, 4])
  expect([0, 1, 2, 3].map(exponentialSchedule(1, 0.01, 3))).toEqual([1, 0.1, 0.01, 0.01])
  expect([0, 1].map(steps => exponentialSchedule(1, 0.1, steps)(0))).toEqual([0.1, 0.1])
})

test('parts of a piecewise schedule count from their own start', () => {
  const schedule = piecewiseSchedule([
    { steps: 2, schedule: step => 10 + step },
    { steps: 3, schedule: step => 20 + step },
    { steps: 1, schedule: step => 30 + step },
  ])
  expect([0, 1, 2, 3, 4, 5, 6, 9].map(schedule)).toEqual([10, 11, 20, 21, 22, 30, 31, 34])
})

test('an exponential needs values with a logarithm', () => {
  expect(() => exponentialSchedule(0, 1, 10)).toThrow('exponentialSchedule: needs positive values, got 0 and 1')
  expect(() => exponentialSchedule(1, Number.NaN, 10)).toThrow('got 1 and NaN')
})
