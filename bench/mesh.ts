/** Time of a mesh by its resolution: npm run bench:mesh -- SCENE (a .scene file; default out/demo/face.scene). */
import { readFile } from 'node:fs/promises'
import { extractSurface, loadScene, openDevice } from '../src/node.ts'
import { median } from './measure.ts'

const [path = 'out/demo/face.scene'] = process.argv.slice(2)
const RUNS = 5
using device = await openDevice()
console.log(device.description)
const scene = await loadScene(device, await readFile(path), path)
for (const resolution of device.kind === 'gpu' ? [96, 160, 256, 384] : [96, 160]) {
  const times: number[] = []
  let [vertices, points] = [0, 0]
  for (let run = 0; run < RUNS; run++) {
    const start = performance.now()
    const steps = extractSurface(scene, scene.referenceField, { resolution })
    let next = await steps.next()
    for (; !next.done; next = await steps.next()) if (next.value.stage === 'densities') points = next.value.steps
    vertices = next.value.positions.length / 3
    times.push(performance.now() - start)
  }
  console.log(`${resolution} cells: ${(median(times) / 1000).toFixed(2)} s, median of ${RUNS}; ${points} points, ${vertices} vertices`)
}
