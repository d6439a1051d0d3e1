// Load a capture and look at it: npx tsx examples/01-capture.ts [out folder] [capture folder]
import { encodePng, loadCapture, sheet, writeAtomic } from 'faceclipnerf'

const [out = 'out/examples', folder = 'assets/captures/ada-mini'] = process.argv.slice(2)

// The Nerfies / HyperNeRF layout: rgb/1x/*.png, camera/*.json, scene.json, dataset.json, metadata.json, masks, points.npy.
const capture = await loadCapture(folder)
const train = capture.frames.filter(frame => frame.split === 'train')
console.log(`${capture.name}: ${train.length} training frames, ${capture.frames.length - train.length} held-out views`)
console.log(`near ${capture.near.toFixed(3)}, far ${capture.far.toFixed(3)}, ${capture.backgroundPoints.length / 3} background points`)

// Every eighth frame, and what the mask takes for the person.
const cells = train.filter((_, i) => i % 8 === 0)
const pictures = cells.map(({ id, camera, image }) => ({ width: camera.imageSize[0], height: camera.imageSize[1], rgb: image, label: id }))
const masks = cells.map(({ camera, mask = [] }, i) => ({
  width: camera.imageSize[0],
  height: camera.imageSize[1],
  rgb: pictures[i].rgb.map((value, p) => value * (mask[Math.floor(p / 3)] ?? 1)),
}))
await writeAtomic(`${out}/capture.png`, await encodePng(sheet([pictures, masks], { scale: 2 })))
console.log(`${out}/capture.png`)
