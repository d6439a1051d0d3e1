/** Edits of a made-up scene, measured and reported: what is there, what is missing and why, and the page. */
import { beforeAll, describe, expect, test } from 'vitest'
import { loadCapture } from '../../src/capture/capture.ts'
import { loadEncoder } from '../../src/clip/clipModel.ts'
import { AnchorCompositor } from '../../src/edit/anchorCompositor.ts'
import { saveEdit } from '../../src/edit/editFile.ts'
import { FreeCode } from '../../src/edit/freeCode.ts'
import { editReport } from '../../src/eval/editReport.ts'
import { type EditResult, evaluateEdits } from '../../src/eval/evaluateEdits.ts'
import { evaluationViews } from '../../src/eval/evaluationViews.ts'
import type { FaceJudge } from '../../src/eval/faceJudge.ts'
import { loadGroundTruth, trueEditOf } from '../../src/eval/groundTruth.ts'
import type { Instruments } from '../../src/eval/measureEdit.ts'
import { PictureReader } from '../../src/eval/pictureReader.ts'
import { makeReport, type Report, reportJson } from '../../src/eval/report.ts'
import type { SceneManipulator } from '../../src/nerf/sceneManipulator.ts'
import { openDevice } from '../../src/node.ts'
import { expressiveScene } from '../edit/expressiveScene.ts'
import { anchorsOf } from '../edit/smallAnchors.ts'
import { colorJudge } from './judges.ts'

const device = await openDevice({ kind: 'cpu', threads: 2 })
let scene: SceneManipulator
let reader: PictureReader
let files: { name: string; bytes: Uint8Array }[]
let compositor: AnchorCompositor
const about = { strength: 1, steps: 20, seed: 0 }

beforeAll(async () => {
  scene = await expressiveScene(device)
  reader = new PictureReader(await loadEncoder(device), scene.description.space.center)
  compositor = new AnchorCompositor(scene, await anchorsOf(scene, [0, 2, 4]))
  const code = new FreeCode(scene, await scene.readCode(3))
  const curve = [
    { step: 10, loss: 1.5 },
    { step: 20, loss: 1.2 },
  ]
  files = [
    { name: 'a.edit', bytes: await saveEdit(compositor, { ...about, prompt: 'a happy <face>', curve }) },
    { name: 'b.edit', bytes: await saveEdit(code, { ...about, prompt: 'a sad face' }) },
  ]
}, 60_000)

async function measured(edits = files, instruments: Partial<Instruments> = {}): Promise<EditResult[]> {
  const results: EditResult[] = []
  for await (const { result } of evaluateEdits(scene, edits, { reader, ...instruments }, { views: 3 })) results.push(result)
  return results
}

const reported = (edits: EditResult[], judge?: FaceJudge): Report =>
  makeReport({ scene, edits, networks: { encoder: 'enc', judge: judge?.name }, judge, judgeRemedy: 'npm install it', hasTruth: false })

describe('evaluateEdits', () => {
  test('measures each edit beside the unedited face, which is looked at once', async () => {
    const judge = colorJudge()
    const results = await measured(files, { judge })
    expect(results.map(({ name, prompt, shares }) => [name, prompt, shares])).toEqual([
      ['a.edit', 'a happy <face>', ['train0', 'train2', 'train4']],
      ['b.edit', 'a sad face', []],
    ])
    for (const { measures } of results) {
      expect(Math.abs(measures.clip?.directional ?? 2)).toBeLessThanOrEqual(1)
      expect(measures.judge).toMatchObject({ views: 3, found: { edited: 3, unedited: 3 } })
      expect(measures.judge?.faceSimilarity).toBeGreaterThan(0)
      expect([measures.lpips, measures.truth, measures.change, measures.region]).toEqual([undefined, undefined, undefined, undefined])
    }
    expect(results[0].curve).toHaveLength(2)
  }, 60_000)

  test('says nothing of words where an edit was guided by pictures or coefficients', async () => {
    const bytes = await saveEdit(compositor, { ...about, prompt: 'eyeBlink=1', guidedBy: 'expression' })
    const results = await measured([{ name: 'c.edit', bytes }])
    expect(results[0].prompt).toBe('eyeBlink=1')
    expect(results[0].measures.clip).toBeUndefined()
    expect(reported(results).missing).toContainEqual({
      metric: 'CLIP',
      why: 'c.edit: guided by pictures or coefficients, no sentence to compare with',
    })
  }, 60_000)

  test('retrieves over both sentences, and leaves the JSON without pictures', async () => {
    const judge = colorJudge()
    const report = reported(await measured(files, { judge }), judge)
    expect(report.retrieval).toMatchObject({ expressions: ['happy', 'sad'], chance: 0.5, pictures: 6, found: 6 })
    expect(report.faces).toEqual({ found: 6, views: 6 })
    expect(report.missing.map(({ metric }) => metric)).toEqual(['LPIPS', 'PSNR, SSIM and expression against true pictures, change by region'])
    const json = JSON.stringify(reportJson(report))
    expect(JSON.parse(json).edits[0].measures.judge.scores).toHaveLength(3)
    expect(json.length).toBeLessThan(6000)
  }, 60_000)

  test('names what is missing with the remedy, and never writes 0 for it', async () => {
    const blind = colorJudge(10)
    const unseen = reported(await measured(files.slice(0, 1), { judge: blind }), blind)
    expect(unseen.edits[0].measures.judge).toEqual({
      views: 3,
      found: { edited: 0, unedited: 0 },
      scores: [null, null, null],
      expressions: undefined,
      faceSimilarity: undefined,
    })
    expect(unseen.missing.map(({ metric }) => metric)).toContain('identity (CFS)')
    expect(unseen.missing[0].why).toContain('at least two expressions, each named by its sentence: happy, surprised')
    const alone = reported(unseen.edits.slice(0, 1))
    expect(alone.missing[0]).toEqual({ metric: 'expression scores, R-precision, identity (CFS)', why: 'no judge of faces; npm install it' })
    const page = await editReport(alone)
    expect(page).not.toContain('LPIPS<br>')
    expect(page).not.toContain('identity<br>')
  }, 60_000)

  test('rejects no edits, and views too few', async () => {
    await expect(measured([])).rejects.toThrow('evaluate: no edits; give at least one .edit file')
    expect(() => evaluationViews(scene, 1)).toThrow('evaluate: 1 views; give a whole number from 2')
  })
})

test('the page needs nothing else, and keeps words from being markup', async () => {
  const judge = colorJudge()
  const page = await editReport(reported(await measured(files, { judge }), judge), [], ['front'])
  expect(page).toContain('a happy &#60;face&#62;')
  expect(page).not.toContain('<face>')
  expect([...page.matchAll(/src="([^"]{0,12})/g)].every(([, start]) => start === 'data:image/w')).toBe(true)
  expect(page).not.toMatch(/https?:\/\/|<script/)
  // before, after and change of both edits' views, and three ratio maps
  const views = evaluationViews(scene, 3).shown.length
  expect([...page.matchAll(/<img /g)]).toHaveLength(2 * 3 * views + 3)
  expect(page).toContain('aria-label="loss over steps"')
}, 60_000)

test('true edits are found by sentence or id', async () => {
  const truth = await loadGroundTruth('assets/captures/ada-mini', await loadCapture('assets/captures/ada-mini', { downscale: 2 }))
  expect(trueEditOf(truth, ' Smiling face with closed eyes')?.id).toBe('closed-eyes-smile')
  expect(trueEditOf(truth, 'wide-eyes-smile')?.text).toBe('face with eyes wide open and a smile')
  expect([trueEditOf(truth, 'a sad face'), trueEditOf(truth, 'face')]).toEqual([undefined, undefined])
  expect(truth[1]).toMatchObject({ pose: '000000', coefficients: { jawOpen: 0.72 } })
})
