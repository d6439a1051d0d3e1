import { expect, test } from 'vitest'
import { Cancelled, CommandQueue } from '../../studio/src/protocol/commandQueue.ts'

/** Work that ends when told. */
function waiting<T>(value: T): { work: (signal: AbortSignal) => Promise<T>; end(): void; begun(): boolean } {
  let end = (): void => undefined
  let began = false
  const done = new Promise<void>(resolve => {
    end = resolve
  })
  return {
    async work() {
      began = true
      await done
      return value
    },
    end: () => end(),
    begun: () => began,
  }
}

test('one at a time, in order', async () => {
  const queue = new CommandQueue()
  const [a, b] = [waiting('a'), waiting('b')]
  const answers = [queue.add(1, 'a', a.work), queue.add(2, 'b', b.work)]
  expect([a.begun(), b.begun()]).toEqual([true, false])
  b.end()
  a.end()
  expect(await Promise.all(answers)).toEqual(['a', 'b'])
})

test('waiting work that is cancelled never begins', async () => {
  const queue = new CommandQueue()
  const [a, b] = [waiting('a'), waiting('b')]
  const first = queue.add(1, 'a', a.work)
  const second = queue.add(2, 'b', b.work)
  queue.cancel(2)
  await expect(second).rejects.toThrow(Cancelled)
  a.end()
  expect(await first).toBe('a')
  expect(b.begun()).toBe(false)
})

test('work under way hears of it, and its answer counts no more', async () => {
  const queue = new CommandQueue()
  let heard: AbortSignal | undefined
  const first = queue.add(1, 'edit', async signal => {
    heard = signal
    await new Promise(resolve => setTimeout(resolve))
    return 'too late'
  })
  queue.cancel(1)
  await expect(first).rejects.toThrow('edit: cancelled')
  expect(heard?.aborted).toBe(true)
})

test('work that fails does not stop the next', async () => {
  const queue = new CommandQueue()
  const bad = queue.add(1, 'bad', () => Promise.reject(new Error('broken')))
  const good = queue.add(2, 'good', async () => 5)
  await expect(bad).rejects.toThrow('broken')
  expect(await good).toBe(5)
})
