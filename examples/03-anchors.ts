// Find the expressions of a scene: npx tsx examples/03-anchors.ts [out folder] [number of anchors]
import { readFile } from 'node:fs/promises'
import {
  encodePng,
  expressionEncoder,
  loadEncoder,
  loadScene,
  openDevice,
  renderCodes,
  type SheetCell,
  selectAnchors,
  sheet,
  writeAtomic,
} from 'faceclipnerf'

const [out = 'out/examples', count] = process.argv.slice(2)

using device = await openDevice()
const scene = await loadScene(device, await readFile(`${out}/face.scene`), 'face.scene')

// Every code is rendered from one camera, described by the encoder, and clustered; without a count, DBSCAN finds how many there are.
const encoder = await loadEncoder(device)
const anchors = await selectAnchors(scene, expressionEncoder(encoder), { count: count === undefined ? undefined : Number(count) })
console.log(`${anchors.report.method}: frames ${anchors.frames.join(', ')}; the first is neutral`)

const cells: SheetCell[] = []
for await (const picture of renderCodes(scene, anchors.indices)) cells.push({ ...picture, label: anchors.frames[cells.length] })
await writeAtomic(`${out}/anchors.png`, await encodePng(sheet([cells], { scale: 4 })))
await writeAtomic(`${out}/anchors.json`, new TextEncoder().encode(JSON.stringify({ indices: anchors.indices, report: anchors.report })))
console.log(`${out}/anchors.png`)
