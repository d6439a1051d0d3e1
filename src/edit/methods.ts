/**
 * Ways to edit a scene, as data: the paper's method, its baselines (§5) and ablations. All go through one loop (edit.ts) with the same steps, views, encoder and
 * guidance, and differ in what they train. That F has Lipschitz layers or not is decided when a scene is trained (`template.lipschitz`): every method runs
 * on either.
 */
import type { Camera } from '../camera/camera.ts'
import type { CodeField } from '../nerf/codeField.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { AnchorCompositor } from './anchorCompositor.ts'
import type { AnchorCodes } from './anchors.ts'
import { type EditOptions, type EditStep, edit } from './edit.ts'
import type { EditableCodes } from './editableCodes.ts'
import { FreeCode, type FreeCodeOptions } from './freeCode.ts'
import type { Guidance, TextGuidanceOptions } from './guidance.ts'
import { WholeScene } from './wholeScene.ts'

/** A way to edit. */
export interface EditMethod {
  /** As tables call it. */
  readonly name: string
  readonly kind: 'ours' | 'baseline' | 'ablation' | 'control'
  /** What it trains, in a few words. */
  readonly trains: string
  /** How its guidance by a sentence differs from the default; for `textGuidance`. */
  readonly text?: Pick<TextGuidanceOptions, 'kind'>
  /** Makes what it trains, at its start, for a scene whose w_R is the neutral anchor. */
  start(scene: SceneManipulator, anchors: AnchorCodes, options?: { seed?: number }): Promise<StartedMethod>
}

/** A method on one scene: edit it, then render `scene` under `codes` and `warp` (as `RenderOptions.warp`), then release it. */
export interface StartedMethod {
  /** The scene to render: the given one, but for a method that trains the scene's weights a copy of it. */
  readonly scene: SceneManipulator
  readonly codes: CodeField
  /** T's codes; w_R where absent. */
  readonly warp?: CodeField
  /** What it trains, e.g. to save it; absent where nothing is edited. */
  readonly field?: EditableCodes
  /** As `edit` with this method's field; ends at once, without a step, where nothing is edited. */
  edit(guidance: Guidance, cameras: readonly Camera[], options?: EditOptions): AsyncGenerator<EditStep>
  release(): void
}

type FieldOf = (scene: SceneManipulator, anchors: AnchorCodes, seed: number) => EditableCodes | Promise<EditableCodes>

/** @param own options of the edit that are the method's own, whatever the caller's. */
function started(field: EditableCodes, own: EditOptions = {}): StartedMethod {
  return {
    scene: field.scene,
    codes: field.codes,
    warp: field.warp,
    field,
    edit: (guidance, cameras, options) => edit(field.scene, field, guidance, cameras, { ...options, ...own }),
    release: () => field.release(),
  }
}

const trains = (fieldOf: FieldOf, own?: EditOptions): EditMethod['start'] => {
  return async (scene, anchors, { seed = 0 } = {}) => started(await fieldOf(scene, anchors, seed), own)
}

const compositor: FieldOf = (scene, anchors, seed) => new AnchorCompositor(scene, anchors, { seed })

/** The neutral anchor and the `count` − 1 that most frames look like. Throws when there are fewer. */
export function firstAnchors(anchors: AnchorCodes, count: number): AnchorCodes {
  const { codes, indices, frames, report } = anchors
  if (count > indices.length) throw new Error(`firstAnchors: ${count} of ${indices.length} anchors; select more (count), or leave this method out`)
  const size = codes.length / indices.length
  return {
    codes: codes.slice(0, count * size),
    indices: indices.slice(0, count),
    frames: frames.slice(0, count),
    report: { ...report, sizes: report.sizes.slice(0, count) },
  }
}

/** One code, begun at the anchor that the guidance likes best: its share of the compositor's search. */
const oneCode =
  (into: FreeCodeOptions['into']): FieldOf =>
  (scene, { codes, indices }) => {
    const size = codes.length / indices.length
    const starts = indices.map((_, k) => codes.slice(k * size, (k + 1) * size))
    return new FreeCode(scene, starts[0], { into, starts })
  }

const withAnchors = (count: number): EditMethod => ({
  name: `PAC, ${count} anchors`,
  kind: 'ablation',
  trains: `P over neutral and the ${count - 1} most frequent of the other anchors`,
  start: trains((scene, anchors, seed) => compositor(scene, firstAnchors(anchors, count), seed)),
})

const PAC: EditMethod = { name: 'PAC', kind: 'ours', trains: 'P, which mixes all anchors at every point; H sees the mix', start: trains(compositor) }

/** Every method by the name that options call it by; the first is ours. */
export const EDIT_METHODS = {
  pac: PAC,
  'hypernerf+i': { name: 'HyperNeRF+I', kind: 'baseline', trains: 'one code, into T and H', start: trains(oneCode('both')) },
  'hypernerf+i-h': { name: 'HyperNeRF+I, H only', kind: 'baseline', trains: 'one code, into H; T keeps w_R', start: trains(oneCode('H')) },
  'nerfies+i': { name: 'Nerfies+I', kind: 'baseline', trains: 'one code, into T; H keeps w_R', start: trains(oneCode('T')) },
  'nerf+ft': { name: 'NeRF+FT', kind: 'baseline', trains: 'all weights of the scene, under w_R', start: trains(WholeScene.of) },
  'pac-no-tv': {
    name: 'PAC without TV',
    kind: 'ablation',
    trains: 'as PAC, its ACR maps as rough as they like',
    start: trains(compositor, { tvWeight: 0 }),
  },
  'pac-no-search': {
    name: 'PAC without search',
    kind: 'ablation',
    trains: 'as PAC, by descent alone from the neutral anchor',
    start: trains(compositor, { search: false }),
  },
  'pac-2-anchors': withAnchors(2),
  'pac-3-anchors': withAnchors(3),
  'pac-absolute': { ...PAC, name: 'PAC, absolute loss', kind: 'ablation', text: { kind: 'absolute' } },
  'pac-directional': { ...PAC, name: 'PAC, directional loss', kind: 'ablation', text: { kind: 'directional' } },
  'no-edit': {
    name: 'no edit',
    kind: 'control',
    trains: 'nothing',
    start: async scene => ({ scene, codes: scene.referenceField, edit: nothing, release: () => {} }),
  },
} as const satisfies Record<string, EditMethod>

async function* nothing(): AsyncGenerator<EditStep> {
  // no step: the control
}

/** A key of `EDIT_METHODS`. */
export type EditMethodName = keyof typeof EDIT_METHODS

/** A method by its name. Throws with the names there are. */
export function editMethod(name: string): EditMethod {
  if (Object.hasOwn(EDIT_METHODS, name)) return EDIT_METHODS[name as EditMethodName]
  throw new Error(`editMethod: no method "${name}"; there are ${Object.keys(EDIT_METHODS).join(', ')}`)
}
