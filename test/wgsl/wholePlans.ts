/** The product's own calls at the sizes of each preset, 128² pictures: training, rendering, anchors and an edit with the embedded encoder. */
import { loadEncoder } from '../../src/clip/clipModel.ts'
import { expressionEncoder } from '../../src/clip/textImageEncoder.ts'
import { AnchorCompositor } from '../../src/edit/anchorCompositor.ts'
import { selectAnchors } from '../../src/edit/anchors.ts'
import { edit } from '../../src/edit/edit.ts'
import { editViews } from '../../src/edit/editViews.ts'
import { textGuidance } from '../../src/edit/guidance.ts'
import { bake } from '../../src/nerf/bakedView.ts'
import { PRESETS, type PresetName } from '../../src/nerf/presets.ts'
import { render } from '../../src/nerf/render.ts'
import { SceneManipulator } from '../../src/nerf/sceneManipulator.ts'
import { train } from '../../src/nerf/train.ts'
import { smallCapture } from '../nerf/smallScene.ts'
import type { WgslCheck } from './checks.ts'

/** px */
const SIZE = 128
const CODES = 6
const ANCHORS = 4

function presetChecks(preset: PresetName): WgslCheck[] {
  const capture = smallCapture(CODES, SIZE)
  return [
    {
      name: `${preset}: training step`,
      async run(device) {
        for await (const _ of train(new SceneManipulator(device, capture, { preset }), capture, { until: 1 }));
      },
    },
    {
      name: `${preset}: anchors, picture with ACR maps, edit`,
      // layers 256 wide of a whole picture's samples are up to 1.3 GB: an edit takes all rays in one step
      ...(preset === 'paper' ? { largest: 2 ** 31 } : {}),
      async run(device) {
        const scene = new SceneManipulator(device, capture, { preset })
        const encoder = await loadEncoder(device)
        const compositor = new AnchorCompositor(scene, await selectAnchors(scene, expressionEncoder(encoder), { count: ANCHORS }))
        await render(scene, capture.frames[0].camera, compositor.codes, { channels: compositor.ratios })
        if (preset !== 'paper') (await bake(scene, compositor.codes)).draw(scene.trainingCameras[0])
        const guidance = await textGuidance(encoder, 'a surprised face')
        for await (const _ of edit(scene, compositor, guidance, editViews(scene), { steps: 1 }));
      },
    },
  ]
}

export const WHOLE_CHECKS: readonly WgslCheck[] = (Object.keys(PRESETS) as PresetName[]).flatMap(presetChecks)
