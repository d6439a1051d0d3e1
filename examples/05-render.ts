// Look at an edit, from strength 0 to 1 and all around: npx tsx examples/05-render.ts [out folder] [pictures around]
import { readFile } from 'node:fs/promises'
import {
  blend,
  createRenderer,
  encodePng,
  encodeWebpAnimation,
  loadEdit,
  loadScene,
  openDevice,
  orbit,
  type SheetCell,
  sheet,
  toImage,
  writeAtomic,
} from 'faceclipnerf'

const [out = 'out/examples', pictures = '12'] = process.argv.slice(2)

using device = await openDevice()
const scene = await loadScene(device, await readFile(`${out}/face.scene`), 'face.scene')
const { field, description } = await loadEdit(scene, await readFile(`${out}/face.edit`), 'face.edit')

// A code field says which latent code every point has. Strength blends the reference's with the edit's.
const cells: SheetCell[] = []
for (const strength of [0, 0.5, 1]) {
  using renderer = createRenderer(scene, blend(scene.referenceField, field.codes, strength))
  cells.push({ ...(await renderer.render(scene.trainingCameras[0])), label: `strength ${strength}` })
}
await writeAtomic(`${out}/strength.png`, await encodePng(sheet([cells], { scale: 4 })))

using renderer = createRenderer(scene, field.codes)
const frames = []
for (const camera of orbit(scene.trainingCameras, { frames: Number(pictures) })) frames.push(toImage(await renderer.render(camera)))
await writeAtomic(`${out}/orbit.webp`, await encodeWebpAnimation(frames, 10))
console.log(`"${description.prompt}": ${out}/strength.png, ${out}/orbit.webp`)
