/** A step of a text-driven edit with the embedded encoder, its views cached. */
import { loadEncoder } from '../src/clip/clipModel.ts'
import { AnchorCompositor } from '../src/edit/anchorCompositor.ts'
import { anchorsFromCodes } from '../src/edit/anchors.ts'
import { edit } from '../src/edit/edit.ts'
import { editViews } from '../src/edit/editViews.ts'
import { textGuidance } from '../src/edit/guidance.ts'
import { samplesPerRay } from '../src/nerf/rayLevels.ts'
import type { Bench } from './measure.ts'
import { benchScene, usualPreset } from './scenes.ts'

const ANCHORS = [0, 6, 12, 18]
const WARM_UP = 2

export const benchEditing: Bench = async ({ device, runs }) => {
  const preset = usualPreset(device)
  const scene = benchScene(device, preset)
  const encoder = await loadEncoder(device)
  const anchors = await anchorsFromCodes(scene, ANCHORS, { encoder: 'none', method: 'k-medoids', labels: [], sizes: [] })
  const compositor = new AnchorCompositor(scene, anchors)
  const guidance = await textGuidance(encoder, 'a surprised face')
  const height = device.kind === 'gpu' ? 128 : 64
  const views = editViews(scene, { count: 4, height })
  const ms: number[] = []
  let began = performance.now()
  for await (const _ of edit(scene, compositor, guidance, views, { steps: WARM_UP + runs, search: false, reportEvery: 1 })) {
    ms.push(performance.now() - began)
    began = performance.now()
  }
  const samples = height * height * samplesPerRay(scene.config.sampling).edit
  const sizes = `${height}², ${samples / height ** 2} samples a ray, ${ANCHORS.length} anchors, ${encoder.name}`
  return [{ what: `edit step, ${preset}`, sizes, ms: ms.slice(WARM_UP), does: [[samples, ' samples']] }]
}
