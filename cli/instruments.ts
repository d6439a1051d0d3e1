/** What evaluate and benchmark measure with, and the options that choose it. */
import type { Command } from 'commander'
import {
  type ClipModel,
  type Device,
  type FaceJudge,
  type Instruments,
  type Lpips,
  loadEncoder,
  loadLpips,
  openFaceJudge,
  PictureReader,
  parseSafetensors,
  type SceneManipulator,
} from 'faceclipnerf'
import { encoderOption } from './options.ts'
import { readBytes } from './work.ts'

export interface InstrumentChoice {
  readonly encoder?: string
  readonly lpips?: readonly string[]
  readonly judge: boolean
}

/** --encoder, --lpips and --no-judge. */
export function withInstruments(command: Command): Command {
  return command
    .addOption(encoderOption())
    .option(
      '--lpips <files...>',
      "weights for LPIPS, .safetensors: torchvision's alexnet or vgg16 and the linear layers of the lpips package, in one file or several",
    )
    .option('--no-judge', 'leave out the judge of faces: R-precision, identity')
}

export interface OpenInstruments {
  readonly encoder: ClipModel
  readonly judge?: FaceJudge | undefined
  readonly lpips?: Lpips | undefined
  /** The instruments for the faces of one scene. */
  readonly of: (scene: SceneManipulator) => Instruments & { readonly reader: PictureReader }
}

/** Opens the networks that the options ask for and the machine has. Throws for weights that are not LPIPS'. */
export async function openInstruments(device: Device, { encoder: name, lpips: files, judge: wanted }: InstrumentChoice): Promise<OpenInstruments> {
  const weights = files && (await Promise.all(files.map(async file => parseSafetensors(await readBytes(file, 'name a .safetensors file'), file))))
  const lpips = weights && loadLpips(device, weights, files.join(' + '))
  const encoder = await loadEncoder(device, name)
  const judge = wanted ? await openFaceJudge() : undefined
  return { encoder, judge, lpips, of: scene => ({ reader: new PictureReader(encoder, scene.description.space.center), judge, lpips }) }
}
