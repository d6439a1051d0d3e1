import { expect, test } from 'vitest'
import type { SceneInfo } from '../../studio/src/protocol/messages.ts'
import { EMPTY, entryOf, withEntry, withoutEntry } from '../../studio/src/viewer/document.ts'
import { duration } from '../../studio/src/viewer/duration.ts'
import type { Job } from '../../studio/src/viewer/state.ts'
import { underWay } from '../../studio/src/viewer/underWay.ts'
import { Unsaved } from '../../studio/src/viewer/unsaved.ts'

const scene = { name: 'ada' } as SceneInfo
const entry = (id: number) => entryOf(id, { prompt: 'a smile', strength: 1, steps: 2, anchors: [], shares: [] })

test('edits made here and a scene trained here are told until they are saved; the demo and what came from files are not', () => {
  const unsaved = new Unsaved()
  const both = { scene, isDemo: false, document: withEntry(withEntry(EMPTY, entry(1)), entry(1_000_001)) }
  expect(unsaved.describe(both)).toBeUndefined()
  unsaved.made(1)
  expect(unsaved.describe(both)).toBe('Not saved yet: an edit that was made here.')
  expect(unsaved.describe({ ...both, isDemo: true })).toBeUndefined()
  expect(unsaved.describe({ ...both, document: withoutEntry(both.document, 1) })).toBeUndefined()
  unsaved.trained()
  expect(unsaved.describe(both)).toBe('Not saved yet: “ada”, which was trained here, and an edit that was made here.')
  unsaved.savedEdit(1)
  unsaved.savedScene()
  expect(unsaved.describe(both)).toBeUndefined()
  unsaved.made(1)
  unsaved.begin()
  expect(unsaved.describe(both)).toBeUndefined()
})

test('long work keeps other work waiting, opening the device or a file does not', () => {
  const job: Job = { id: 1, name: 'opening the device', text: '' }
  expect(underWay(undefined) ?? underWay(job)).toBeUndefined()
  expect(underWay({ ...job, edit: { id: 1, prompt: 'a smile', losses: [] } })).toMatch(/^An edit is under way/)
  expect(underWay({ ...job, film: { frame: 0, frames: 2, eta: 1 } })).toMatch(/^A film is being rendered/)
  expect(underWay({ ...job, training: { psnrs: [], paused: true } })).toMatch(/^A training is under way/)
})

test('times are said alike everywhere', () => {
  expect([0, 0.4, 89, 90, 5399, 5400, 9000, 40_000].map(duration)).toEqual(['1 s', '1 s', '89 s', '2 min', '90 min', '1.5 h', '2.5 h', '11 h'])
})
