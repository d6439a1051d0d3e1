import { beforeAll, expect, test } from 'vitest'
import { type Capture, type CaptureFrame, loadCapture } from '../../../src/capture/capture.ts'
import { checkCapture } from '../../../src/capture/checks/checkCapture.ts'
import { frameFlags } from '../../../src/capture/checks/frameFlags.ts'
import { type FileSource, folder } from '../../../src/io/files.ts'

let capture: Capture
let source: FileSource
beforeAll(async () => {
  source = await folder('assets/captures/ada-mini')
  capture = await loadCapture(source, { downscale: 2 })
})

/** Flags of the capture with some frames changed, by the frames' ids. */
async function flagsOf(changes: Readonly<Record<string, (frame: CaptureFrame) => CaptureFrame>>): Promise<Record<string, string[]>> {
  const frames = capture.frames.map(frame => changes[frame.id]?.(frame) ?? frame)
  const flags = frameFlags(await checkCapture({ ...capture, frames }, source))
  return Object.fromEntries([...flags].map(([id, found]) => [id, found.map(({ kind }) => kind)]))
}

const times = (factor: number) => (frame: CaptureFrame) => ({ ...frame, image: frame.image.map(v => Math.min(1, factor * v)) })

test('a good capture has no flags', async () => {
  expect(await flagsOf({})).toEqual({})
})

test('one blurred picture, one of another exposure, one turned camera, one without its mask', async () => {
  const grey = (frame: CaptureFrame) => ({ ...frame, image: frame.image.fill(0.45).slice() })
  const turned = ({ camera, ...frame }: CaptureFrame) => {
    const [right, down, forward] = camera.orientation
    const left: typeof right = [-right[0], -right[1], -right[2]]
    return { ...frame, camera: { ...camera, orientation: [down, left, forward] as typeof camera.orientation } }
  }
  const copy = (frame: CaptureFrame) => ({ ...frame, image: frame.image.slice() })
  const flags = await flagsOf({
    '000009': frame => grey(copy(frame)),
    '000020': times(0.6),
    '000030': turned,
    '000033': ({ mask: _, ...frame }) => frame,
  })
  expect(flags['000009']).toContain('blurred')
  expect(flags).toMatchObject({ '000020': ['exposure'], '000030': ['camera'], '000033': ['mask'] })
  expect(flags['000021']).toBeUndefined()
})

test('light that changes and stays is flagged where it changes', async () => {
  const later = Object.fromEntries(capture.frames.filter(({ id, split }) => split === 'train' && id >= '000024').map(({ id }) => [id, times(0.6)]))
  expect(await flagsOf(later)).toEqual({ '000024': ['exposure'] })
})
