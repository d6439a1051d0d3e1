// Reconstruct a face: npx tsx examples/02-train.ts [out folder] [steps]
import { loadCapture, openDevice, SceneManipulator, saveScene, train, writeAtomic } from 'faceclipnerf'

const [out = 'out/examples', steps = '1400'] = process.argv.slice(2)

using device = await openDevice() // a GPU when there is one, else the CPU; it says which
console.log(device.description)

const capture = await loadCapture('assets/captures/ada-mini')
const scene = new SceneManipulator(device, capture, {
  preset: 'tiny',
  seed: 0,
  config: base => ({ ...base, training: { ...base.training, steps: Number(steps) } }),
})
for await (const { step, loss, psnr, eta } of train(scene, capture)) {
  console.log(`step ${step}  loss ${loss.toFixed(4)}  PSNR ${psnr.toFixed(2)} dB  ${eta.toFixed(0)} s to go`)
}

// With { training: true } the file would hold the optimiser too, and training could go on.
await writeAtomic(`${out}/face.scene`, await saveScene(scene))
console.log(`${out}/face.scene`)
