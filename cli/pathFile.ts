/** Camera paths as verbs read and write them, and the faces that their timelines name. */
import { dirname, resolve } from 'node:path'
import {
  AnchorCompositor,
  adjustableCodes,
  type Camera,
  type CameraPath,
  type CodeField,
  cameraOutOfSpace,
  cameraPathFromJson,
  cameraPathToJson,
  type EditableCodes,
  type ExpressionKeyframe,
  frameCode,
  keyframeOf,
  loadEdit,
  type SceneManipulator,
  type TimedExpression,
  weightedCodes,
} from 'faceclipnerf'
import { readBytes, readJson, writeJson } from './work.ts'

export async function readPath(path: string): Promise<CameraPath> {
  return cameraPathFromJson(await readJson(path, "export one from nerfstudio's viewer, or with faceclipnerf render --save-path"), path)
}

/** Writes cameras in space units, one per picture, as a path of as many keyframes. */
export async function writePath(path: string, scene: SceneManipulator, cameras: readonly Camera[], fps: number): Promise<void> {
  const [width, height] = cameras[0].imageSize
  const keyframes = cameras.map(camera => keyframeOf(cameraOutOfSpace(scene, camera)))
  const seconds = cameras.length / fps
  await writeJson(
    path,
    cameraPathToJson({ width, height, fps, seconds, closed: true, transition: 1 / fps, tension: 0, keyframes, frames: keyframes, expressions: [] }),
  )
}

/** The faces that a path's timeline names; edits are looked for beside the path. */
export async function pathExpressions(
  scene: SceneManipulator,
  path: string,
  expressions: readonly ExpressionKeyframe[],
): Promise<{ timed: TimedExpression[]; prompts: string[] }> {
  const known = new Map<string, { codes: CodeField; strength: number; prompt?: string }>()
  const faceOf = async ({ edit, frame, weights, gains }: ExpressionKeyframe) => {
    if (edit !== undefined) {
      const file = resolve(dirname(path), edit)
      const { field, description } = await loadEdit(
        scene,
        await readBytes(file, `${path} names it; put it there or correct the path's timeline`),
        file,
      )
      const codes = gains ? await withGains(scene, field, gains, file) : field.codes
      return { codes, strength: description.strength, prompt: description.prompt }
    }
    if (frame !== undefined) return { codes: await frameCode(scene, frame), strength: 1 }
    return weights && { codes: await weightedCodes(scene, weights), strength: 1 }
  }
  const timed: TimedExpression[] = []
  for (const expression of expressions) {
    const key = JSON.stringify([expression.edit, expression.frame, expression.weights, expression.gains])
    const face = known.get(key) ?? (await faceOf(expression))
    if (face) known.set(key, face)
    timed.push({ time: expression.time, codes: face?.codes, strength: expression.strength ?? face?.strength ?? 1 })
  }
  return { timed, prompts: [...new Set([...known.values()].flatMap(({ prompt }) => (prompt ? [prompt] : [])))] }
}

/** An edit whose anchors have strengths of their own. Throws, naming the file, for one that does not mix so many. */
async function withGains(scene: SceneManipulator, field: EditableCodes, gains: readonly number[], file: string): Promise<CodeField> {
  const count = field instanceof AnchorCompositor && !field.base ? field.anchors.indices.length : 0
  if (!(field instanceof AnchorCompositor) || gains.length !== count)
    throw new Error(`${file}: the path has ${gains.length} "gains" for it, and it mixes ${count} anchors; correct the path's timeline`)
  const { codes, setStrengths } = await adjustableCodes(scene, field.anchors.codes, field.ratios)
  setStrengths(gains)
  return codes
}
