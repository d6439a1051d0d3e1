import { describe, expect, test } from 'vitest'
import { loadCapture } from '../../src/capture/capture.ts'
import { openFaceJudge } from '../../src/eval/faceApiJudge.ts'
import { judgeFace, namedExpression, paperSentence } from '../../src/eval/faceJudge.ts'
import { loadGroundTruth } from '../../src/eval/groundTruth.ts'
import { cosineSimilarity } from '../../src/metrics/similarity.ts'

const judge = await openFaceJudge()
const skipped = judge ? '' : ' (SKIPPED: @vladmandic/face-api is not installed)'
if (skipped) console.warn(`face judge${skipped}`)

describe.skipIf(!judge)(`@vladmandic/face-api as a judge${skipped}`, () => {
  test('reads a smile as happy at 64 px, sees the same person, and finds no face in a wall', async () => {
    if (!judge) return
    const folder = 'assets/captures/ada-mini'
    const truth = await loadGroundTruth(folder, await loadCapture(folder))
    const look = async (id: string) => {
      const view = truth.find(edit => edit.id === id)?.views[0]
      if (!view) throw new Error(id)
      const [width, height] = view.camera.imageSize
      return await judgeFace(judge, { width, height, rgb: view.image })
    }
    const [neutral, smile] = [await look('neutral'), await look('closed-eyes-smile')]
    if (!neutral || !smile) throw new Error('no face found')
    const top = (scores: readonly number[]) => judge.expressions[scores.indexOf(Math.max(...scores))]
    expect([top(neutral.scores), top(smile.scores)]).toEqual(['neutral', 'happy'])
    expect(cosineSimilarity(neutral.identity, smile.identity)).toBeGreaterThan(0.9)
    expect(await judgeFace(judge, { width: 64, height: 64, rgb: new Float32Array(64 * 64 * 3).fill(0.5) })).toBeUndefined()
  }, 60_000)
})

test('sentences name expressions, one at a time', () => {
  const expressions = ['happy', 'surprised', 'angry']
  expect(namedExpression({ expressions }, 'A Happy face')).toBe('happy')
  expect(namedExpression({ expressions }, 'a happily surprised face')).toBe('surprised')
  expect(namedExpression({ expressions }, 'a happy, surprised face')).toBeUndefined()
  expect(namedExpression({ expressions }, 'unhappy')).toBeUndefined()
  expect(['happy', 'angry'].map(paperSentence)).toEqual(['a happy face', 'an angry face'])
})
