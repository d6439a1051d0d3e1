import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import {
  type Capture,
  type Device,
  loadCapture,
  PRESETS,
  type PresetName,
  preset,
  profileStep,
  profileTable,
  SceneManipulator,
  saveScene,
  train,
  writeAtomic,
} from 'faceclipnerf'
import { count, type DeviceChoice, seedOption, withDevice } from './options.ts'
import { amount, createReporter } from './progress.ts'
import { Interrupted, type Terminal } from './terminal.ts'
import { openChosen, readScene, requireFile } from './work.ts'

interface TrainOptions extends DeviceChoice {
  readonly output: string
  readonly preset?: PresetName
  readonly steps?: number
  readonly downscale?: number
  readonly seed: number
  readonly resume?: boolean
  readonly profile?: boolean
}

/** A checkpoint at least this often: a crash costs no more. */
const CHECKPOINT_MS = 60_000

export function trainCommand(terminal: Terminal): Command {
  const command = new Command('train')
    .description('reconstruct a face from a capture; Ctrl-C saves a checkpoint')
    .argument('<capture>', 'a .capture folder, or one in the Nerfies / HyperNeRF layout')
    .requiredOption('-o, --output <file>', 'the .scene file to write; also the checkpoint')
    .addOption(new Option('--preset <name>', 'sizes and recipe (default: tiny on the CPU, fast on a GPU)').choices(Object.keys(PRESETS)))
    .option('--steps <n>', "training steps (default: the preset's)", count)
    .option('--downscale <n>', 'use the pictures in rgb/{n}x (default: the largest there are)', count)
    .addOption(seedOption())
    .option('--resume', 'go on from the checkpoint in the output file')
    .option('--profile', 'afterwards tell what the kernels of a step take and do')
  return withDevice(command).action((path: string, options: TrainOptions) => trainVerb(path, options, terminal))
}

async function trainVerb(path: string, options: TrainOptions, terminal: Terminal): Promise<void> {
  await requireFile(options.output, ['.scene'])
  const reporter = createReporter(terminal, options)
  if (!options.resume && existsSync(options.output))
    reporter.note(`${options.output} is there already and will be replaced; --resume goes on with it`)
  const capture = await loadCapture(path, { downscale: options.downscale })
  using device = await openChosen(options, reporter)
  const scene = await openScene(device, capture, options)
  const goOn = `go on with: faceclipnerf train ${path} -o ${options.output} --resume${options.downscale ? ` --downscale ${options.downscale}` : ''}`
  let last: { psnr: number } | undefined
  let saved = performance.now()
  const until = options.steps ?? scene.config.training.steps
  for await (const report of train(scene, capture, { until, signal: terminal.signal })) {
    reporter.step('train', report, [
      `loss ${report.loss.toPrecision(3)}`,
      `PSNR ${report.psnr.toFixed(2)} dB`,
      `${amount(report.raysPerSecond)} rays/s`,
    ])
    last = report
    if (performance.now() - saved < CHECKPOINT_MS || scene.step >= until) continue
    await writeAtomic(options.output, await saveScene(scene, { training: true }))
    saved = performance.now()
  }
  const stopped = scene.step < until
  await writeAtomic(options.output, await saveScene(scene, { training: true }))
  if (stopped) throw new Interrupted(`saved ${options.output} at step ${scene.step} of ${until}; ${goOn}`)
  const { step } = scene
  reporter.result(
    'scene',
    { path: resolve(options.output), step, psnr: last?.psnr },
    `wrote ${options.output} (${step} steps${last ? `, PSNR ${last.psnr.toFixed(2)} dB on its rays` : ', nothing left to train'})`,
  )
  if (!options.profile) return
  const kernels = await profileStep(scene, capture)
  reporter.result('profile', { kernels }, kernels.length > 0 ? profileTable(kernels) : `no profile: ${device.description} has no clock for kernels`)
}

/** A new scene, or with --resume the one in the output file. Throws when that does not belong to the capture or cannot go on. */
async function openScene(device: Device, capture: Capture, { output, preset: name, steps, seed, resume }: TrainOptions): Promise<SceneManipulator> {
  if (!resume) {
    return new SceneManipulator(device, capture, {
      preset: name,
      seed,
      config: c => (steps === undefined ? c : { ...c, training: { ...c.training, steps } }),
    })
  }
  if (!existsSync(output)) throw new Error(`${output}: no such file to resume from; leave --resume out to start anew`)
  const scene = await readScene(device, output)
  if (name && preset(name) && scene.description.preset !== name)
    throw new Error(`${output}: trained with preset ${scene.description.preset}, not ${name}; leave --preset out, or start anew without --resume`)
  const same = (a: readonly number[], b: readonly number[]): boolean => a[0] === b[0] && a[1] === b[1]
  const odd = scene.description.frames.find(
    (frame, i) => capture.frames[i]?.id !== frame.id || !same(capture.frames[i].camera.imageSize, frame.camera.imageSize),
  )
  if (odd || capture.frames.length !== scene.description.frames.length) {
    throw new Error(`${output}: made from another capture or downscale than ${capture.name} at ${capture.downscale}x; resume with the same one`)
  }
  if (!scene.optimizer) throw new Error(`${output}: holds no training state; train anew without --resume`)
  return scene
}
