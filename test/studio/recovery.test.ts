import { expect, test } from 'vitest'
import type { Core } from '../../studio/src/viewer/core.ts'
import { Recovery } from '../../studio/src/viewer/recovery.ts'
import { type Job, START, type StudioState } from '../../studio/src/viewer/state.ts'

function setUp(opens = true) {
  let state: StudioState = START
  const done: string[] = []
  const clock = { now: 0 }
  const core = {
    state: () => state,
    set: (change: Partial<StudioState>) => {
      state = { ...state, ...change }
    },
  } as Core
  const ways = {
    restart: async () => {
      done.push('restart')
      return opens
    },
    resume: async () => void done.push('resume'),
  }
  const recovery = new Recovery(core, ways, () => clock.now)
  const settle = () => new Promise(resolve => setTimeout(resolve))
  return { recovery, done, clock, core, settle }
}
const job: Job = { id: 1, name: 'training', text: 'training' }

test('a lost device is opened again by itself, once for all who notice, and a training goes on', async () => {
  const { recovery, done, core, settle } = setUp()
  core.set({ job: { ...job, training: { psnrs: [], paused: false } } })
  recovery.lost()
  recovery.lost()
  await settle()
  expect(done).toEqual(['restart', 'resume'])
  expect(core.state().problem).toBeUndefined()
  expect(core.state().note).toBe('The GPU was lost and is open again. The training goes on from its last copy.')
})

test('an edit that was under way is to be made again', async () => {
  const { recovery, core, done, settle } = setUp()
  core.set({ job: { ...job, edit: { id: 1, prompt: 'a smile', losses: [] } } })
  recovery.lost()
  await settle()
  expect(done).toEqual(['restart'])
  expect(core.state().note).toContain('The edit under way was lost: start it again.')
})

test('the third loss in a minute asks; later ones are tried again; the button works', async () => {
  const { recovery, done, clock, core, settle } = setUp()
  for (let i = 0; i < 3; i++) {
    clock.now += 1000
    recovery.lost()
    await settle()
  }
  expect(done.length).toBe(2)
  expect(core.state().problem).toMatchObject({ lost: true })
  expect(core.state().problem?.message).toContain('again and again')
  await recovery.recover()
  expect(done.length).toBe(3)
  expect(core.state().problem).toBeUndefined()
  clock.now += 61_000
  recovery.lost()
  await settle()
  expect(done.length).toBe(4)
})

test('a device that cannot be opened again leaves the button', async () => {
  const { recovery, core, settle } = setUp(false)
  recovery.lost()
  await settle()
  expect(core.state().problem).toMatchObject({ lost: true })
  expect(core.state().note).toBeUndefined()
})
