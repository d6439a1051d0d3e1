import { expect, test } from 'vitest'
import { Breaks } from '../../studio/src/worker/breaks.ts'
import { Pace } from '../../studio/src/worker/pace.ts'

const signal = new AbortController().signal
const soon = () => new Promise(resolve => setTimeout(resolve))

test('short work gets its turn between two steps, and an error of it stops nothing', async () => {
  const breaks = new Breaks()
  const done: string[] = []
  const answers = [
    breaks.add(async () => {
      done.push('save')
      return 7
    }),
    breaks.add(() => Promise.reject(new Error('no picture'))),
  ]
  const failed = expect(answers[1]).rejects.toThrow('no picture')
  await soon()
  expect(done).toEqual([])
  await breaks.take(signal)
  expect(await answers[0]).toBe(7)
  await failed
})

test('a pause lasts until it is ended; work that comes meanwhile is done at once', async () => {
  const breaks = new Breaks()
  breaks.setPaused(true)
  let over = false
  const rest = breaks.take(signal).then(() => {
    over = true
  })
  await soon()
  expect(await breaks.add(async () => 'saved')).toBe('saved')
  expect([over, breaks.isPaused]).toEqual([false, true])
  breaks.setPaused(false)
  await rest
  expect(over).toBe(true)
})

test('a stop ends a pause, and so does a device that is gone', async () => {
  const stopped = new Breaks()
  const controller = new AbortController()
  stopped.setPaused(true)
  const rest = stopped.take(controller.signal)
  controller.abort()
  await rest

  const lost = new Breaks()
  lost.setPaused(true)
  const broken = lost.take(signal)
  lost.fail(new Error('gpu: the device X was lost'))
  await expect(broken).rejects.toThrow('was lost')
  await expect(lost.take(signal)).rejects.toThrow('was lost')
})

test('what waits when the long work ends is done then', async () => {
  const breaks = new Breaks()
  const late = breaks.add(async () => 1)
  await breaks.drain()
  expect(await late).toBe(1)
})

test('pace: pauses do not count, recent steps count most', () => {
  let now = 0
  const pace = new Pace(10, () => now)
  now = 1000
  expect(pace.reached(20)).toBeCloseTo(0.1)
  now += 60_000
  pace.rested(60_000)
  now += 2000
  expect(pace.reached(30)).toBeCloseTo(0.7 * 0.1 + 0.3 * 0.2)
})
