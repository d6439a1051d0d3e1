// The same calls as in Node, in a plain page: no bundler, no server but one for files. Start it with `npx tsx examples/browser/serve.ts`.
// Address parameters make it small for a quick look: ?steps=20&editSteps=2&anchors=3&device=cpu
import {
  AnchorCompositor,
  createRenderer,
  edit,
  editViews,
  expressionEncoder,
  loadCapture,
  loadEncoder,
  openDevice,
  SceneManipulator,
  selectAnchors,
  sheet,
  textGuidance,
  train,
} from 'faceclipnerf'

const element = id => document.getElementById(id)
const parameters = new URLSearchParams(location.search)
const number = name => (parameters.has(name) ? Number(parameters.get(name)) : undefined)

function report(stage, { step, steps, loss }) {
  element('status').textContent = `${stage}: step ${step} of ${steps}, loss ${loss.toFixed(4)}`
  element('progress').value = step / steps
}

async function main(prompt) {
  say('opening the device')
  const device = await openDevice({ kind: parameters.get('device') ?? 'auto' })
  console.log(device.description)
  const capture = await loadCapture('../../assets/captures/ada-mini', { downscale: number('downscale') })

  const steps = number('steps')
  const config = base => (steps === undefined ? base : { ...base, training: { ...base.training, steps } })
  const scene = new SceneManipulator(device, capture, { seed: 0, config })
  for await (const progress of train(scene, capture)) report('training', progress)

  say('finding the expressions')
  const encoder = await loadEncoder(device)
  const anchors = await selectAnchors(scene, expressionEncoder(encoder), { count: number('anchors') })

  const compositor = new AnchorCompositor(scene, anchors, { seed: 0 })
  const guidance = await textGuidance(encoder, prompt)
  for await (const progress of edit(scene, compositor, guidance, editViews(scene), { steps: number('editSteps') })) report('editing', progress)

  const cells = []
  for (const [label, codes] of [
    ['before', scene.referenceField],
    [prompt, compositor.codes],
  ]) {
    const renderer = createRenderer(scene, codes)
    cells.push({ ...(await renderer.render(scene.trainingCameras[0])), label })
  }
  show(sheet([cells], { scale: 4 }))
  element('status').textContent = `done on ${device.description}`
}

function say(text) {
  element('status').textContent = text
}

function show({ width, height, data }) {
  const canvas = element('picture')
  canvas.width = width
  canvas.height = height
  canvas.getContext('2d').putImageData(new ImageData(new Uint8ClampedArray(data), width, height), 0, 0)
}

element('form').addEventListener('submit', async event => {
  event.preventDefault()
  element('error').textContent = ''
  try {
    await main(element('prompt').value)
  } catch (error) {
    element('error').textContent = error.message
  }
})
