import { resolve } from 'node:path'
import { Command } from 'commander'
import { bake, type Camera, createRenderer, findFrame, orbit, type RenderedImage, type SceneManipulator, scaleCamera, toImage } from 'faceclipnerf'
import { checkFace, chosenFace, type FaceChoice } from './face.ts'
import { count, type DeviceChoice, finiteNumber, size, withDevice } from './options.ts'
import { channelSheet, sheetScale, writeAnimation, writeDepth, writeImage } from './pictures.ts'
import { createReporter } from './progress.ts'
import type { Terminal } from './terminal.ts'
import { beside, openChosen, readScene, requireExtension } from './work.ts'

interface RenderVerbOptions extends DeviceChoice, FaceChoice {
  readonly output: string
  readonly camera?: string
  readonly orbit?: number
  readonly size?: [number, number]
  readonly fps: number
  readonly depth?: boolean
  readonly acr?: boolean
  readonly baked?: boolean
}

export function renderCommand(terminal: Terminal): Command {
  const command = new Command('render')
    .description('render a scene: unedited, edited, a frame, or between two frames, from any camera')
    .argument('<scene>', 'a .scene file')
    .requiredOption('-o, --output <file>', 'the picture (.png, .webp) or animation (.webp) to write')
    .option('--edit <file>', 'show this .edit')
    .option('--strength <s>', "strength of the edit, 0 is the unedited face (default: the edit file's)", finiteNumber)
    .option('--frame <id>', 'show the face of this frame')
    .option('--from <id>', 'with --to and --at: show a face between two frames')
    .option('--to <id>', 'see --from')
    .option('--at <t>', '0 is --from, 1 is --to', finiteNumber)
    .option('--camera <id>', 'camera of this frame (default: of --frame, else of the first)')
    .option('--orbit <n>', 'an animation of n pictures around the face', count)
    .option('--size <WxH>', 'size in pixels (default: as captured)', size)
    .option('--fps <n>', 'pictures per second of an animation', finiteNumber, 15)
    .option('--depth', 'also write NAME.depth.png: 16-bit grey, 65535 at the far bound')
    .option('--acr', 'also write NAME.acr.png: where the edit takes each anchor from')
    .option('--baked', 'compute the face once and look it up in every picture: many times faster for an --orbit, within 0.5 dB')
  return withDevice(command).action((path: string, options: RenderVerbOptions) => renderVerb(path, options, terminal))
}

async function renderVerb(path: string, options: RenderVerbOptions, terminal: Terminal): Promise<void> {
  checkOptions(options)
  const { output } = options
  const reporter = createReporter(terminal, options)
  using device = await openChosen(options, reporter)
  const scene = await readScene(device, path)
  const { codes, warp, compositor, prompt } = await chosenFace(scene, options)
  if (options.acr && !compositor)
    throw new Error(`render: --acr, but ${options.edit} is one code for the whole face and mixes no anchors; leave --acr out`)
  const about = { scene: scene.description.name, prompt }
  const cameras = views(scene, options)
  using renderer = options.baked
    ? await bake(scene, codes, { warp })
    : createRenderer(scene, codes, { warp, channels: options.acr ? compositor?.ratios : undefined })
  const pictures: RenderedImage[] = []
  for (const camera of cameras) {
    terminal.signal.throwIfAborted()
    pictures.push(await renderer.render(camera))
  }
  const written = [output]
  if (options.orbit === undefined) await writeImage(output, toImage(pictures[0]), about)
  else await writeAnimation(output, pictures.map(toImage), options.fps, about)
  if (options.depth) {
    written.push(beside(output, '.depth.png'))
    await writeDepth(written[written.length - 1], pictures[0], scene.description.far * scene.description.space.radius, about)
  }
  if (options.acr && compositor) {
    written.push(beside(output, '.acr.png'))
    await writeImage(
      written[written.length - 1],
      channelSheet(
        pictures[0],
        compositor.shares.map(share => `ACR of ${share}`),
        sheetScale(pictures[0].width),
      ),
      about,
    )
  }
  const [width, height] = cameras[0].imageSize
  reporter.result('render', { paths: written.map(file => resolve(file)), width, height, pictures: pictures.length }, `wrote ${written.join(', ')}`)
}

/** Refuses combinations that contradict each other. */
function checkOptions(options: RenderVerbOptions): void {
  checkFace('render', options)
  const { edit, camera, orbit: frames, acr, baked, output } = options
  if (camera !== undefined && frames !== undefined) throw new Error('render: --camera and --orbit exclude each other; choose one')
  if (acr && !edit) throw new Error('render: --acr without --edit; name the .edit file')
  if (acr && baked) throw new Error('render: --acr and --baked exclude each other; a baked face no longer knows its anchors')
  requireExtension(output, frames === undefined ? ['.png', '.webp'] : ['.webp'])
}

/** Cameras in space units. */
function views(scene: SceneManipulator, { camera, frame, orbit: frames, size: wanted }: RenderVerbOptions): Camera[] {
  const id = camera ?? frame
  const found =
    frames === undefined ? [id === undefined ? scene.trainingCameras[0] : findFrame(scene, id).camera] : orbit(scene.trainingCameras, { frames })
  return wanted === undefined ? found : found.map(view => resized(view, wanted))
}

/** The same view at another size of the same shape. */
function resized(camera: Camera, [width, height]: [number, number]): Camera {
  const [w, h] = camera.imageSize
  const factor = width / w
  if (Math.abs(h * factor - height) > 1)
    throw new Error(
      `render: --size ${width}x${height}, but the camera's pictures are ${w}x${h}; keep their shape, e.g. ${width}x${Math.round(h * factor)}`,
    )
  return scaleCamera(camera, factor, [width, height])
}
