import { describe, expect, test } from 'vitest'
import { project } from '../../src/camera/rays.ts'
import { loadCapture } from '../../src/capture/capture.ts'
import { loadGroundTruth, scoreView } from '../../src/eval/groundTruth.ts'
import { fileMap } from '../../src/io/files.ts'
import { psnr } from '../../src/metrics/psnr.ts'

const FOLDER = 'assets/captures/ada-mini'
const capture = await loadCapture(FOLDER)
const edits = await loadGroundTruth(FOLDER, capture)
const view = (id: string, camera = 0) => {
  const found = edits.find(e => e.id === id)?.views[camera]
  if (!found) throw new Error(id)
  return found
}

describe('the true edits of a capture', () => {
  test('are there with their sentences, reach, and a view per camera', () => {
    expect(edits.map(e => [e.id, e.reach])).toEqual([
      ['neutral', 'reference'],
      ['closed-eyes-open-mouth', 'mix'],
      ['wide-eyes-smile', 'mix'],
      ['closed-eyes-smile', 'mix'],
    ])
    expect(edits[1].text).toBe('face with closed eyes and opened mouth')
    for (const { views } of edits) expect(views.map(v => v.name)).toEqual(['cam0', 'cam1'])
  })

  test('have cameras in the units of the capture: the nose tip, the world’s origin, is on the nose', () => {
    const nose = capture.center.map(c => -c * capture.scale)
    for (const camera of [0, 1]) {
      const { face, camera: posed } = view('neutral', camera)
      const [x, y] = project(posed, nose)
      expect(face[Math.floor(y) * 64 + Math.floor(x)]).toBeGreaterThan(0.9)
    }
    const [x, y] = project(view('neutral').camera, nose)
    expect(Math.hypot(x - 32, y - 32)).toBeLessThan(4)
  })

  test('differ from neutral by what the captures’ README says: about 22.5 dB over the person for a large edit', () => {
    const edit = view('closed-eyes-open-mouth')
    expect(psnr(view('neutral').image, edit.image, { mask: edit.mask })).toBeGreaterThan(21.5)
    expect(psnr(view('neutral').image, edit.image, { mask: edit.mask })).toBeLessThan(23.5)
  })

  test('are scored within the face, a part of the person that an opened mouth makes longer', () => {
    const sum = (mask: Float32Array): number => mask.reduce((a, b) => a + b, 0)
    const [neutral, edit] = [view('neutral'), view('closed-eyes-open-mouth')]
    expect(sum(edit.face)).toBeLessThan(0.6 * sum(edit.mask))
    expect(sum(edit.face)).toBeGreaterThan(1.03 * sum(neutral.face))
    expect(sum(edit.regions.mouth)).toBeGreaterThan(1.3 * sum(neutral.regions.mouth))
    expect(scoreView(edit.image, edit)).toEqual({ face: Infinity, eyes: Infinity, brows: Infinity, mouth: Infinity })
    const unedited = scoreView(neutral.image, edit)
    // Brows stay as they were, all of the error is in eyes and mouth.
    expect(unedited.brows).toBeGreaterThan(unedited.face + 3)
    expect(unedited.mouth).toBeLessThan(unedited.face - 2)
    // What is wrong outside of the face does not count.
    const elsewhere = edit.image.map((v, i) => (edit.face[Math.floor(i / 3)] > 0 ? v : 0))
    expect(scoreView(elsewhere, edit).face).toBe(Infinity)
  })

  test('at half the resolution are as many pixels', async () => {
    const half = await loadCapture(FOLDER, { downscale: 2 })
    const { image, face, camera } = (await loadGroundTruth(FOLDER, half))[1].views[1]
    expect([image.length, face.length, camera.imageSize]).toEqual([32 * 32 * 3, 32 * 32, [32, 32]])
  })

  test('are missed by name', async () => {
    await expect(loadGroundTruth(fileMap(new Map(), 'photos'), capture)).rejects.toThrow(
      'photos/edits/edits.json: no such file; only synthetic captures',
    )
  })
})
