// Measure a scene on views it was not trained on: npx tsx examples/06-evaluate.ts [out folder]
import { readFile } from 'node:fs/promises'
import { evaluateScene, loadCapture, loadScene, openDevice } from 'faceclipnerf'

const [out = 'out/examples'] = process.argv.slice(2)

using device = await openDevice()
const scene = await loadScene(device, await readFile(`${out}/face.scene`), 'face.scene')
const capture = await loadCapture('assets/captures/ada-mini')

// Each held-out picture is compared with a rendering from its camera, with the code of the training frame of the same instant.
const report = await evaluateScene(scene, capture)
for (const { id, psnr, ssim, psnrPerson } of report.views) {
  console.log(`${id}  PSNR ${psnr.toFixed(2)} dB  SSIM ${ssim.toFixed(3)}  person ${psnrPerson?.toFixed(2)} dB`)
}
console.log(`mean PSNR ${report.psnr.toFixed(2)} dB  SSIM ${report.ssim.toFixed(3)}  person ${report.psnrPerson?.toFixed(2)} dB`)
