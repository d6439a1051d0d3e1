/** Rays through a scene, the one place where the two ways of sampling part: a density grid with one F, or a coarse F before a fine one. */
import { gridSamples } from '../tensor/ops/densityGrid.ts'
import { fill } from '../tensor/ops/fill.ts'
import { rowCount, type Tensor } from '../tensor/tensor.ts'
import { coarseFine, type Rays, type RenderedLevel, renderLevel } from './coarseFine.ts'
import type { FieldCodes } from './radianceField.ts'
import type { SamplingConfig } from './sceneConfig.ts'
import type { SceneManipulator } from './sceneManipulator.ts'

export interface RayQuery extends Rays, FieldCodes {
  /**
   * Uniforms [R, count] in [0, 1) that place samples in their stretch of the ray, for a coarse pass (if there is one) and for the last one.
   * In the middle, or evenly spaced, without.
   */
  readonly draw?: (pass: 'coarse' | 'last', count: number) => Tensor | undefined
  /** Samples per ray of the last pass; default those of training. With a coarse pass before it, it then sees its own samples alone. */
  readonly samples?: number
}

/** Names of the networks F, in the order of their levels. */
export function templateNames({ kind }: SamplingConfig): readonly [string] | readonly [string, string] {
  return kind === 'grid' ? ['F'] : ['F/coarse', 'F/fine']
}

/** Pictures gain hardly anything from more, where scenes train with as many: 0.1 dB held out from a third more, 0.03 from half of those again (`tiny`, two captures). */
const MOST_PICTURE_SAMPLES = 24

/** Samples per ray of the last pass: in training, in pictures and in edits. */
export function samplesPerRay(sampling: SamplingConfig): { readonly training: number; readonly picture: number; readonly edit: number } {
  if (sampling.kind === 'grid') {
    const { samples } = sampling
    return { training: samples, picture: Math.max(samples, Math.min(2 * samples, MOST_PICTURE_SAMPLES)), edit: samples }
  }
  const both = sampling.coarse + sampling.fine
  return { training: both, picture: both, edit: sampling.edit }
}

/** What every level sees of rays R; the last is the picture. */
export function renderRays(scene: SceneManipulator, query: RayQuery): readonly RenderedLevel[] {
  const { sampling } = scene.config
  const { near, far } = scene.description
  const { origins, directions, draw } = query
  if (sampling.kind === 'coarseFine') {
    const { coarse, fine } = sampling
    const alone = query.samples !== undefined && query.samples !== coarse + fine
    const count = alone ? (query.samples ?? fine) : fine
    const fields = { coarse: scene.field('F/coarse', query), fine: scene.field('F/fine', query) }
    const levels = coarseFine(fields, query, {
      near,
      far,
      coarse: { count: coarse, u: draw?.('coarse', coarse) },
      fine: { count, u: draw?.('last', count) },
      fineAlone: alone,
    })
    return [levels.coarse, levels.fine]
  }
  const { bins, uniformShare, gridResolution: resolution } = sampling
  const M = query.samples ?? sampling.samples
  const u = draw?.('last', M) ?? fill([rowCount(origins.shape), M], 0.5)
  const samples = gridSamples(origins, directions, u, scene.densityGrid(resolution), { near, far, bins, resolution, uniformShare })
  return [renderLevel(scene.field('F', query), query, samples)]
}

/** The level that is the picture. */
export function lastLevel(levels: readonly RenderedLevel[]): RenderedLevel {
  return levels[levels.length - 1]
}
