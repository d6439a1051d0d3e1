// Change the expression with a sentence: npx tsx examples/04-edit.ts [out folder] [steps] [sentence]
import { readFile } from 'node:fs/promises'
import {
  AnchorCompositor,
  anchorsFromCodes,
  edit,
  editViews,
  loadEncoder,
  loadScene,
  openDevice,
  saveEdit,
  textGuidance,
  writeAtomic,
} from 'faceclipnerf'

const [out = 'out/examples', steps = '120', prompt = 'a surprised face'] = process.argv.slice(2)

using device = await openDevice()
const scene = await loadScene(device, await readFile(`${out}/face.scene`), 'face.scene')
const chosen = JSON.parse(await readFile(`${out}/anchors.json`, 'utf8'))
const anchors = await anchorsFromCodes(scene, chosen.indices, chosen.report)

// The compositor gives every point of space its own mix of the anchor codes. Only it is trained; the face's networks stay as they are.
const compositor = new AnchorCompositor(scene, anchors, { seed: 0 })
const guidance = await textGuidance(await loadEncoder(device), prompt)
for await (const { step, loss } of edit(scene, compositor, guidance, editViews(scene), { steps: Number(steps) })) {
  console.log(`step ${step}  loss ${loss.toFixed(4)}`)
}

await writeAtomic(`${out}/face.edit`, await saveEdit(compositor, { prompt, strength: 1, steps: Number(steps), seed: 0 }))
console.log(`${out}/face.edit`)
