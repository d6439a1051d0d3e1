import { expect, test } from 'vitest'
import { EMPTY, entryOf, type FaceDocument, faceOf, withChange, withEntry, withoutEntry } from '../../studio/src/viewer/document.ts'
import { History } from '../../studio/src/viewer/history.ts'

test('undo and redo walk the same way back and forth', () => {
  const history = new History('a')
  history.change('b')
  history.change('c')
  expect([history.undo(), history.undo(), history.undo()]).toEqual(['b', 'a', 'a'])
  expect(history.canUndo).toBe(false)
  expect([history.redo(), history.redo(), history.redo()]).toEqual(['b', 'c', 'c'])
  expect(history.canRedo).toBe(false)
})

test('a change after undo forgets what was undone', () => {
  const history = new History(0)
  history.change(1)
  history.undo()
  history.change(2)
  expect(history.canRedo).toBe(false)
  expect(history.undo()).toBe(0)
})

test("a slider's drag is one step, the next drag another", () => {
  const history = new History(0)
  for (const value of [1, 2, 3]) history.change(value, 'slider')
  history.settle()
  for (const value of [4, 5]) history.change(value, 'slider')
  expect([history.undo(), history.undo()]).toEqual([3, 0])
})

test('keeps no more steps than asked for', () => {
  const history = new History(0, 2)
  for (const value of [1, 2, 3]) history.change(value)
  expect([history.undo(), history.undo(), history.undo()]).toEqual([2, 1, 1])
})

test('a document: edits come, change and go; the face has a strength per anchor', () => {
  const info = { prompt: 'a surprised face', strength: 1, anchors: ['000044', '000040'], shares: ['000044', '000040'], steps: 60 }
  const one = withEntry(EMPTY, entryOf(7, info))
  expect(one.shown).toBe(7)
  const weak = withChange(withChange(one, 7, { strength: 0.5 }), 7, { gains: [1, 0.2] })
  expect(faceOf(weak, 7)).toEqual({ edit: 7, strengths: [0.5, 0.1] })
  expect(faceOf(weak, undefined)).toEqual({})
  const code: FaceDocument = withEntry(weak, entryOf(8, { ...info, anchors: [] }))
  expect(faceOf(code, 8)).toEqual({ edit: 8, strengths: [1] })
  expect(withoutEntry(code, 8).shown).toBe(7)
  expect(withoutEntry(withoutEntry(code, 8), 7)).toEqual({ edits: [], shown: undefined })
})
