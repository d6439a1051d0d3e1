/** Which expressions a capture shows, by the judge: an edit mixes what was shown, and cannot reach the others. */
import type { CaptureFrame } from '../capture/capture.ts'
import type { FaceJudge } from './faceJudge.ts'

/** Frames looked at, evenly chosen. */
const MOST = 48
/** Share of the frames with a face that must show an expression above all others, and how sure of it the judge must be. */
const [SHARE, SURE] = [0.05, 0.5]

/** The judge's expressions that a capture's training frames show. */
export async function reachableExpressions(
  judge: FaceJudge,
  frames: readonly CaptureFrame[],
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<string[]> {
  const recorded = frames.filter(({ split }) => split === 'train')
  const count = Math.min(MOST, recorded.length)
  const seen = new Map<string, number>()
  let faces = 0
  for (let i = 0; i < count; i++) {
    signal?.throwIfAborted()
    const { image, camera } = recorded[Math.floor((i * recorded.length) / count)]
    const [width, height] = camera.imageSize
    const scores = await judge.scores({ width, height, rgb: image })
    if (!scores) continue
    faces++
    const most = Math.max(...scores)
    const name = judge.expressions[scores.indexOf(most)]
    if (most >= SURE) seen.set(name, (seen.get(name) ?? 0) + 1)
  }
  return judge.expressions.filter(name => (seen.get(name) ?? 0) >= SHARE * faces && faces > 0)
}
