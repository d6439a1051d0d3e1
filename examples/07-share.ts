// The face as a mesh, and a camera path for films: npx tsx examples/07-share.ts [out folder] [density]

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type CameraPath,
  cameraOutOfSpace,
  cameraPathToJson,
  encodeGlb,
  extractSurface,
  keyframeOf,
  loadScene,
  openDevice,
  orbit,
  writeAtomic,
} from 'faceclipnerf'

const folder = process.argv[2] ?? 'out/examples'
const density = Number(process.argv[3] ?? 4) // what counts as surface
using device = await openDevice()
const scene = await loadScene(device, await readFile(join(folder, 'face.scene')), 'face.scene')

const steps = extractSurface(scene, scene.referenceField, { density, resolution: 64 })
let next = await steps.next()
for (; !next.done; next = await steps.next());
const mesh = next.value
await writeAtomic(join(folder, 'face.glb'), encodeGlb(mesh, { scene: scene.description.name })) // says of itself that it is synthetic
console.log(`face.glb: ${mesh.indices.length / 3} triangles`)

// Eight keyframes around the face, in the capture's world; nerfstudio reads the file too.
const keyframes = orbit(scene.trainingCameras, { frames: 8 }).map(camera => keyframeOf(cameraOutOfSpace(scene, camera)))
const [width, height] = scene.trainingCameras[0].imageSize
const path: CameraPath = { width, height, fps: 24, seconds: 8, closed: true, transition: 1, tension: 0, keyframes, frames: [], expressions: [] }
await writeAtomic(join(folder, 'camera_path.json'), new TextEncoder().encode(JSON.stringify(cameraPathToJson(path), null, 2)))
console.log(`camera_path.json: faceclipnerf render ${join(folder, 'face.scene')} --path ${join(folder, 'camera_path.json')} -o face.mp4`)
