/** Edits judged against their true pictures from cameras that guided nothing; for the benches on synthetic captures. */
import { writeFile } from 'node:fs/promises'
import type { StartedMethod } from '../src/edit/methods.ts'
import { type EditScore, scoreView, type TrueEdit, type TrueView } from '../src/eval/groundTruth.ts'
import { intoSpace } from '../src/nerf/space.ts'
import { createRenderer, encodePng, type SceneManipulator, type SheetCell, sheet } from '../src/node.ts'

/** The edits of a comma-separated list of ids; without one, those that local mixing can reach. */
export function chosenEdits(truth: readonly TrueEdit[], ids: string | undefined): TrueEdit[] {
  const wanted = ids?.split(',')
  return truth.filter(edit => (wanted ? wanted.includes(edit.id) : edit.reach === 'mix'))
}

/** Half of an edit's views may guide, the other half judges. */
export function halves({ views }: TrueEdit): [shown: readonly TrueView[], judged: readonly TrueView[]] {
  return [views.slice(0, views.length / 2), views.slice(views.length / 2)]
}

export interface Judged {
  /** Means over the views. */
  readonly scores: EditScore
  /** One rendered picture per view, [H · W · 3]. */
  readonly pictures: readonly Float32Array[]
}

/** Renders a result from the judged views' cameras and scores it. */
export async function judge({ scene, codes, warp }: Pick<StartedMethod, 'scene' | 'codes' | 'warp'>, judged: readonly TrueView[]): Promise<Judged> {
  using renderer = createRenderer(scene, codes, warp && { warp })
  const pictures: Float32Array[] = []
  for (const { camera } of judged) pictures.push((await renderer.render(intoSpace(camera, scene.description.space))).rgb)
  const scores = judged.map((view, v) => scoreView(pictures[v], view))
  const mean = (part: keyof EditScore): number => scores.reduce((sum, s) => sum + s[part] / scores.length, 0)
  return { scores: { face: mean('face'), eyes: mean('eyes'), brows: mean('brows'), mouth: mean('mouth') }, pictures }
}

/** 'eyes / brows / mouth' of a score, dB. */
export const regionText = ({ eyes, brows, mouth }: EditScore): string => [eyes, brows, mouth].map(v => v.toFixed(1)).join(' / ')

/** A picture of a view's size for the sheet. */
export function cellOf({ camera }: TrueView, rgb: ArrayLike<number>, label: string): SheetCell {
  const [width, height] = camera.imageSize
  return { rgb, width, height, label }
}

/** Writes the sheet, its cells at least 256 px wide. */
export async function writeSheet(path: string, cells: readonly (readonly SheetCell[])[], scene: SceneManipulator): Promise<void> {
  await writeFile(path, await encodePng(sheet(cells, { scale: Math.max(1, Math.floor(256 / scene.trainingCameras[0].imageSize[0])) })))
  console.log(`wrote ${path}`)
}
