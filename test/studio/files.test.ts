import { expect, test } from 'vitest'
import { SHORTCUTS, shortcutOf } from '../../studio/src/viewer/shortcuts.ts'
import { sortFiles } from '../../studio/src/worker/sortFiles.ts'
import { unzip } from '../../studio/src/worker/zip.ts'
import { zip } from '../cli/zipWriter.ts'

const file = (name: string, text = 'x') => ({ name, bytes: Uint8Array.from(new TextEncoder().encode(text)) })
const zipped = (entries: Parameters<typeof zip>[0]) => Uint8Array.from(zip(entries))

test('a zip gives its files back, packed and stored', async () => {
  const bytes = zipped([
    { name: 'a/long.scene', bytes: new Uint8Array(5000).fill(7) },
    { name: 'b.edit', bytes: Uint8Array.of(1, 2), method: 0 },
    { name: 'a/', bytes: new Uint8Array() },
  ])
  const files = await unzip(bytes, 'face.zip')
  expect(files.map(f => [f.name, f.bytes.length])).toEqual([
    ['a/long.scene', 5000],
    ['b.edit', 2],
  ])
  expect([...files[1].bytes]).toEqual([1, 2])
})

test('damaged, encrypted and swollen zips are refused by name', async () => {
  const whole = zipped([{ name: 'a.scene', bytes: new Uint8Array(3000).map((_, i) => i % 251) }])
  await expect(unzip(whole.slice(0, 200), 'face.zip')).rejects.toThrow('face.zip: the zip is cut off or damaged; copy or pack it again')
  const broken = whole.slice()
  broken.fill(0xff, 60, 120)
  await expect(unzip(broken, 'face.zip')).rejects.toThrow('cut off or damaged')
  await expect(unzip(zipped([{ name: 'a.scene', bytes: Uint8Array.of(1), flags: 1 }]), 'face.zip')).rejects.toThrow('encrypted')
  await expect(unzip(zipped([{ name: 'a.scene', bytes: Uint8Array.of(1), claim: { size: 2 ** 31 } }]), 'face.zip')).rejects.toThrow('over 1024 MiB')
})

test('what was opened is sorted, a zip among it', async () => {
  const anchors = JSON.stringify({ scene: 'ada', sceneStep: 1, indices: [0, 1], report: {} })
  const bytes = zipped([
    { name: 'face/ada.scene', bytes: Uint8Array.of(1) },
    { name: 'face/ada.anchors.json', bytes: new TextEncoder().encode(anchors) },
    { name: 'face/readme.txt', bytes: Uint8Array.of(1) },
  ])
  const sorted = await sortFiles([{ name: 'ada.zip', bytes }, file('s.edit')])
  expect(sorted.scene?.name).toBe('ada.scene')
  expect(sorted.anchors?.indices).toEqual([0, 1])
  expect(sorted.edits.map(f => f.name)).toEqual(['s.edit'])
})

test('a zipped capture is known by its dataset.json, in whatever folder', async () => {
  const bytes = zipped([
    { name: 'my/ada.capture/dataset.json', bytes: Uint8Array.of(1) },
    { name: 'my/ada.capture/rgb/1x/0.png', bytes: Uint8Array.of(2) },
    { name: '__MACOSX/x', bytes: Uint8Array.of(3) },
  ])
  const { capture } = await sortFiles([{ name: 'me.zip', bytes }])
  expect(capture?.name).toBe('ada')
  expect([...(capture?.files.keys() ?? [])]).toEqual(['dataset.json', 'rgb/1x/0.png'])
})

test.each([
  [[file('me.mp4')], 'me.mp4: a video; make a scene of it first: faceclipnerf import me.mp4'],
  [[file('me.jpg')], 'me.jpg: a picture; the studio opens .scene and .edit files, zips of them, and zips of a .capture'],
  [[file('folder', '')], 'folder: the file is empty (a folder cannot be dropped)'],
  [[file('a.scene'), file('b.scene')], 'a.scene and b.scene: two scenes at once; open one of them'],
  [[file('a.anchors.json', '{}')], 'a.anchors.json: not an anchors file'],
  [
    [{ name: 'c.zip', bytes: zipped([{ name: 'x/transforms.json', bytes: Uint8Array.of(1) }]) }],
    'c.zip: a capture of another program; import it first',
  ],
  [[{ name: 'c.zip', bytes: zipped([{ name: 'x.txt', bytes: Uint8Array.of(1) }]) }], 'c.zip: no .scene and no .edit among its 1 files'],
])('what it does not open, it says: %#', async (files, message) => {
  await expect(sortFiles(files)).rejects.toThrow(message)
})

test("keys: the viewer's, and the browser's left alone", () => {
  const press = (key: string, change: object = {}) =>
    shortcutOf({ key, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...change })?.does
  expect(press('[')).toBe('previousCamera')
  expect(press('W')).toEqual(press('w'))
  expect(press('z', { ctrlKey: true })).toBe('undo')
  expect(press('Z', { metaKey: true, shiftKey: true })).toBe('redo')
  expect(press('?', { shiftKey: true })).toBe('help')
  expect(press('z')).toBeUndefined()
  expect(press('c', { ctrlKey: true })).toBeUndefined()
  expect(press('ArrowLeft', { altKey: true })).toBeUndefined()
})

test('no key has two meanings', () => {
  const presses = SHORTCUTS.flatMap(({ keys, ctrl, shift }) => keys.map(key => `${ctrl ? 'Ctrl ' : ''}${shift ? 'Shift ' : ''}${key}`))
  expect(presses.filter((press, i) => presses.indexOf(press) !== i)).toEqual([])
})

test('a capture beside a scene is what the scene was trained on, without one it is to be trained', async () => {
  const capture = { name: 'me.zip', bytes: zipped([{ name: 'me.capture/dataset.json', bytes: Uint8Array.of(1) }]) }
  const both = await sortFiles([capture, file('me.scene'), file('s.edit')])
  expect([both.scene?.name, both.edits.map(f => f.name), both.capture?.name]).toEqual(['me.scene', ['s.edit'], 'me'])
  expect((await sortFiles([capture])).scene).toBeUndefined()
})
