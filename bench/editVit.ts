/**
 * How long does a whole edit take with an encoder of ViT-B/32's size? `npm run bench:edit -- face.scene [--steps 400] [--runs 3] [--height 128] [--samples n]`
 * The tower has made-up weights and the sentence is a made-up direction, so the result shows nothing: only the time is meant. Four codes of the scene stand for
 * its anchors. Prints seconds of a run with the search for a start and without, pipelines compiled before (the first run, printed apart, compiles them).
 */
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { parseClipConfig } from '../src/clip/clipConfig.ts'
import { ClipModel } from '../src/clip/clipModel.ts'
import { ClipWeights } from '../src/clip/clipWeights.ts'
import { absoluteLoss } from '../src/clip/losses.ts'
import { loadVisionTransformer } from '../src/clip/visionTransformer.ts'
import { anchorsFromCodes } from '../src/edit/anchors.ts'
import { AnchorCompositor, edit, editViews, type Guidance, loadScene, openDevice } from '../src/node.ts'
import { tensor } from '../src/tensor/device.ts'
import { HostRandom } from '../src/tensor/hostRandom.ts'
import { madeUpVision } from './madeUpTower.ts'
import { median } from './measure.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    steps: { type: 'string', default: '400' },
    runs: { type: 'string', default: '3' },
    height: { type: 'string', default: '128' },
    samples: { type: 'string', default: '16' },
    layers: { type: 'string', default: '12' },
  },
})
const [path] = positionals
if (!path) throw new Error('bench:edit: give a scene file')
const [steps, runs, height, samples] = [values.steps, values.runs, values.height, values.samples].map(Number)

using device = await openDevice()
const scene = await loadScene(device, await readFile(path), path)
const layers = Number(values.layers)
const base = parseClipConfig('{"model_type":"clip","text_config":{},"vision_config":{}}', 'bench:edit')
const config = { ...base, vision: { ...base.vision, layers } }
const weights = new ClipWeights(device, { name: 'made up', entries: madeUpVision(layers) })
const vision = await loadVisionTransformer(weights, config)
const preprocessing = { shortestEdge: 224, crop: 224, filter: 'bicubic', mean: [0.48, 0.46, 0.41], std: [0.27, 0.26, 0.28] } as const
const encoder = new ClipModel({ name: 'made up ViT-B/32', device, config, preprocessing, renderResize: 'clip', image: { vision, weights } })
const random = new HostRandom(0, 0)
const words = tensor(
  device,
  Float32Array.from({ length: encoder.embeddingSize }, () => random.next() - 0.5),
  [1, encoder.embeddingSize],
)
const guidance: Guidance = {
  name: 'made up',
  featureSize: encoder.embeddingSize,
  describe: pictures => encoder.encodeImage(pictures),
  loss: pictures => absoluteLoss(encoder.encodeImage(pictures), words),
}
const quarter = Math.floor(scene.description.codeCount / 4)
const indices = [0, quarter, 2 * quarter, 3 * quarter]
const anchors = await anchorsFromCodes(scene, indices, { encoder: 'none', method: 'k-medoids', labels: [], sizes: [] })
const cameras = editViews(scene, { count: 8, height })
console.log(
  `${device.description}; ${scene.description.preset}, ${height}² x ${samples} samples, ${indices.length} anchors, ${steps} steps, ${encoder.name}`,
)
for (const search of [false, true]) {
  const seconds: number[] = []
  for (let run = 0; run <= runs; run++) {
    const compositor = new AnchorCompositor(scene, anchors, { seed: run })
    const began = performance.now()
    for await (const _ of edit(scene, compositor, guidance, cameras, { steps, samples, search, seed: run, reportEvery: 50 }));
    await device.sync()
    seconds.push((performance.now() - began) / 1000)
    compositor.release()
  }
  const [first, ...rest] = seconds
  const spread = `${Math.min(...rest).toFixed(2)} to ${Math.max(...rest).toFixed(2)}`
  console.log(
    `${search ? 'with' : 'without'} search: ${median(rest).toFixed(2)} s (${spread}, ${runs} seeds); the first, which compiles, ${first.toFixed(2)} s`,
  )
}
