/** Training as the product does it, batches drawn and pixels observed, and where a step's time goes. */
import type { PresetName } from '../src/nerf/presets.ts'
import { samplesPerRay } from '../src/nerf/rayLevels.ts'
import { profileStep, train } from '../src/nerf/train.ts'
import type { Device } from '../src/tensor/device.ts'
import { profileTable } from '../src/tensor/profileTable.ts'
import type { Bench, Row } from './measure.ts'
import { benchScene, CAPTURE, presetNames, usualPreset } from './scenes.ts'

/** Steps per measurement, one report of `train`: fewer where each takes seconds. */
const stepsPerReport = (device: Device, preset: PresetName): number => (device.kind === 'gpu' || preset === 'tiny' ? 10 : 2)

export const benchTraining: Bench = async ({ device, runs }) => {
  const rows: Row[] = []
  // the original sizes are not for two CPU cores
  for (const preset of presetNames.filter(name => device.kind === 'gpu' || name !== 'paper')) {
    const scene = benchScene(device, preset)
    const { rays } = scene.config.training
    const samples = rays * samplesPerRay(scene.config.sampling).training
    const reportEvery = stepsPerReport(device, preset)
    const ms: number[] = []
    for await (const { raysPerSecond } of train(scene, CAPTURE, { until: reportEvery * (runs + 1), reportEvery }))
      ms.push((rays / raysPerSecond) * 1e3)
    rows.push({
      what: `training step, ${preset}`,
      sizes: `${rays} rays, ${samples / rays} samples each`,
      // the first report pays for the compilation
      ms: ms.slice(1),
      does: [
        [rays, ' rays'],
        [samples, ' samples'],
      ],
    })
  }
  return rows
}

/** Time per kernel of one training step; says so where the device has no clocks. */
export const profileTraining: Bench = async ({ device }) => {
  const preset = usualPreset(device)
  const scene = benchScene(device, preset)
  for await (const _ of train(scene, CAPTURE, { until: 2 }));
  const kernels = await profileStep(scene, CAPTURE)
  if (kernels.length === 0) return `The device has no clock for kernels (no timestamp-query).`
  return `One step of \`${preset}\`, each kernel with a clock around it.\n\n${profileTable(kernels)}`
}
