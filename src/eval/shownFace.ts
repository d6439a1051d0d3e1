/** A face as it is measured: its pictures from all views of an evaluation. */

import type { Camera } from '../camera/camera.ts'
import type { CodeField } from '../nerf/codeField.ts'
import { createRenderer, type RenderedImage } from '../nerf/render.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { intoSpace } from '../nerf/space.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { turnTaker } from '../tensor/turns.ts'
import type { EvaluationViews } from './evaluationViews.ts'

/** What renders a face: an edit, or no edit. */
export interface ShownFace {
  readonly scene: SceneManipulator
  readonly codes: CodeField
  /** T's codes; default w_R. */
  readonly warp?: CodeField | undefined
  /** Composition ratios [Q, K] of points, where the edit mixes anchors: for heat maps. */
  readonly ratios?: ((x: Tensor) => Tensor) | undefined
}

export interface FacePictures {
  readonly novel: readonly RenderedImage[]
  readonly neighbours: readonly RenderedImage[]
  /** With the composited ratios as channels, where there are any. */
  readonly shown: readonly RenderedImage[]
}

/** Renders a face from all views. Throws when the signal aborts. */
export async function showFace(
  { scene, codes, warp, ratios }: ShownFace,
  { novel, neighbours, shown }: EvaluationViews,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<FacePictures> {
  using renderer = createRenderer(scene, codes, { ...(warp && { warp }), ...(ratios && { channels: ratios }) })
  const takeTurn = turnTaker()
  const renderAll = async (cameras: readonly Camera[]): Promise<RenderedImage[]> => {
    const pictures: RenderedImage[] = []
    for (const camera of cameras) {
      await takeTurn()
      signal?.throwIfAborted()
      pictures.push(await renderer.render(intoSpace(camera, scene.description.space)))
    }
    return pictures
  }
  return { novel: await renderAll(novel), neighbours: await renderAll(neighbours), shown: await renderAll(shown.map(view => view.camera)) }
}
