/** The anchors file beside a scene, NAME.anchors.json: which codes are the anchors. The codes themselves are in the scene. */
import { existsSync } from 'node:fs'
import { type AnchorCodes, anchorsFromCodes, type SceneManipulator } from 'faceclipnerf'
import { beside, readJson, writeJson } from './work.ts'

interface AnchorsFile {
  readonly scene: string
  /** Training steps of the scene: other codes belong to other steps. */
  readonly sceneStep: number
  readonly indices: readonly number[]
  readonly frames: readonly string[]
  readonly report: AnchorCodes['report']
}

export function anchorsPath(scenePath: string): string {
  return beside(scenePath, '.anchors.json')
}

export async function writeAnchors(scenePath: string, scene: SceneManipulator, { indices, frames, report }: AnchorCodes): Promise<string> {
  const path = anchorsPath(scenePath)
  const file: AnchorsFile = { scene: scene.description.name, sceneStep: scene.step, indices, frames, report }
  await writeJson(path, file)
  return path
}

/** The anchors of the file beside the scene; undefined when there is none, or it was made before the scene was trained further. Throws when it is broken. */
export async function readAnchors(scenePath: string, scene: SceneManipulator): Promise<AnchorCodes | undefined> {
  const path = anchorsPath(scenePath)
  if (!existsSync(path)) return undefined
  const remedy = 'delete it, or make it again with faceclipnerf anchors'
  const file = (await readJson(path, remedy)) as AnchorsFile
  if (file.scene !== scene.description.name || file.sceneStep !== scene.step) return undefined
  if (!Array.isArray(file.indices) || !file.indices.every(Number.isInteger))
    throw new Error(`${path}: "indices" is ${JSON.stringify(file.indices)}; ${remedy}`)
  return await anchorsFromCodes(scene, file.indices, file.report)
}
