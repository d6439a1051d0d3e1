import { extname, resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import {
  bake,
  type Camera,
  type CameraPath,
  cameraIntoSpace,
  createRenderer,
  expressionTimeline,
  findFrame,
  type Image,
  orbit,
  pathCameras,
  type RenderedImage,
  type SceneManipulator,
  type SyntheticMedia,
  scaleCamera,
  toImage,
} from 'faceclipnerf'
import { checkFace, chosenFace, type Face, type FaceChoice, withFace } from './face.ts'
import { FILM_EXTENSIONS, writeFilm } from './film.ts'
import { count, type DeviceChoice, finiteNumber, size, withDevice } from './options.ts'
import { pathExpressions, readPath, writePath } from './pathFile.ts'
import { channelSheet, sheetScale, writeDepth, writeImage } from './pictures.ts'
import { createReporter, type Reporter } from './progress.ts'
import { Interrupted, type Terminal } from './terminal.ts'
import { beside, openChosen, readScene, requireExtension, requireFile } from './work.ts'

interface RenderVerbOptions extends DeviceChoice, FaceChoice {
  readonly output: string
  readonly camera?: string
  readonly orbit?: number
  readonly path?: string
  readonly savePath?: string
  readonly size?: [number, number]
  readonly fps?: number
  readonly depth?: boolean
  readonly acr?: boolean
  readonly baked?: boolean
}

export function renderCommand(terminal: Terminal): Command {
  const command = new Command('render')
    .description('render a scene: unedited, edited, a frame, or between two frames, from any camera')
    .argument('<scene>', 'a .scene file')
    .requiredOption(
      '-o, --output <file>',
      'the picture (.png, .webp) to write; of an --orbit or --path the animation (.webp), film (.mp4, .webm) or folder of PNGs (no ending)',
    )
  withFace(command)
    .option('--from <id>', 'with --to and --at: show a face between two frames')
    .option('--to <id>', 'see --from')
    .option('--at <t>', '0 is --from, 1 is --to', finiteNumber)
    .option('--camera <id>', 'camera of this frame (default: of --frame, else of the first)')
    .option('--orbit <n>', 'an animation of n pictures around the face', count)
    .option(
      '--path <file>',
      "a camera_path.json of nerfstudio's viewer, in the capture's world; expressions in it are shown unless a face is named here",
    )
    .option('--save-path <file>', 'also write the cameras of the --orbit as a camera_path.json')
    .option('--size <WxH>', "size in pixels (default: as captured, or the path's)", size)
    .option('--fps <n>', "pictures per second of an animation (default: the path's, else 15)", pictureRate)
    .option('--depth', 'also write NAME.depth.png: 16-bit grey, 65535 at the far bound')
    .option('--acr', 'also write NAME.acr.png: where the edit takes each anchor from')
    .option('--baked', 'compute the face once and look it up in every picture: many times faster for an --orbit, within 0.5 dB')
  return withDevice(command).action((path: string, options: RenderVerbOptions) => renderVerb(path, options, terminal))
}

function pictureRate(text: string): number {
  const value = finiteNumber(text)
  if (value < 0.1 || value > 1000) throw new InvalidArgumentError('Give a number from 0.1 to 1000.')
  return value
}

/** What is shown at a moment from a camera in space units; a still is at 0. */
interface Shown extends Disposable {
  readonly prompt?: string | undefined
  render(camera: Camera, time: number): Promise<RenderedImage>
}

const USUAL_FPS = 15
const STILL_EXTENSIONS = ['.png', '.webp'] as const

async function renderVerb(path: string, options: RenderVerbOptions, terminal: Terminal): Promise<void> {
  checkOptions(options)
  const { output, fps: wantedFps } = options
  if (extname(output) !== '') await requireFile(output, isFilm(options) ? FILM_EXTENSIONS : STILL_EXTENSIONS)
  const cameraPath = options.path === undefined ? undefined : await readPath(options.path)
  const reporter = createReporter(terminal, options)
  using device = await openChosen(options, reporter)
  const scene = await readScene(device, path)
  const face = await chosenFace(scene, options)
  if (options.acr && !face.compositor)
    throw new Error(`render: --acr, but ${options.edit} is one code for the whole face and mixes no anchors; leave --acr out`)
  const cameras = views(scene, options, cameraPath)
  using shown = (await timelineOf(scene, options, cameraPath)) ?? (await standing(scene, face, options))
  const about = { scene: scene.description.name, ...(shown.prompt && { prompt: shown.prompt }) }
  const fps = wantedFps ?? cameraPath?.fps ?? USUAL_FPS
  const [width, height] = cameras[0].imageSize
  let first: RenderedImage | undefined
  const keepFirst = (picture: RenderedImage): void => {
    first ??= picture
  }
  const written: string[] = []
  if (!isFilm(options)) {
    keepFirst(await shown.render(cameras[0], 0))
    if (first) await writeImage(output, toImage(first), about)
    written.push(output)
  } else {
    const pictures = drawn(cameras, { shown, timeStep: 1 / (cameraPath?.fps ?? fps), reporter, signal: terminal.signal, keepFirst })
    const film = { pictures, count: cameras.length, fps, width, height, about }
    const place = await writeFilm(output, film, terminal.signal, text => reporter.note(text)).catch((error: unknown) => {
      throw terminal.signal.aborted ? new Interrupted(`${output} was not written`) : error
    })
    written.push(place)
  }
  if (options.savePath !== undefined) {
    await writePath(options.savePath, scene, cameras, fps)
    written.push(options.savePath)
  }
  if (first) written.push(...(await writeMaps(output, first, { scene, face, options, about })))
  reporter.result('render', { paths: written.map(file => resolve(file)), width, height, pictures: cameras.length }, `wrote ${written.join(', ')}`)
}

const isFilm = ({ orbit: frames, path }: RenderVerbOptions): boolean => frames !== undefined || path !== undefined

/** The pictures of a film, one by one, with a line of progress. */
async function* drawn(
  cameras: readonly Camera[],
  {
    shown,
    timeStep,
    reporter,
    signal,
    keepFirst,
  }: { shown: Shown; timeStep: number; reporter: Reporter; signal: AbortSignal; keepFirst(picture: RenderedImage): void },
): AsyncGenerator<Image> {
  const start = performance.now()
  for (const [i, camera] of cameras.entries()) {
    signal.throwIfAborted()
    const picture = await shown.render(camera, i * timeStep)
    keepFirst(picture)
    yield toImage(picture)
    const seconds = (performance.now() - start) / 1000
    reporter.step('render', { step: i + 1, steps: cameras.length, eta: (seconds / (i + 1)) * (cameras.length - i - 1) }, [])
  }
}

/** A face that stands still. */
async function standing(scene: SceneManipulator, { codes, warp, compositor, prompt }: Face, { baked, acr }: RenderVerbOptions): Promise<Shown> {
  const renderer = baked ? await bake(scene, codes, { warp }) : createRenderer(scene, codes, { warp, channels: acr ? compositor?.ratios : undefined })
  return { prompt, render: camera => renderer.render(camera), [Symbol.dispose]: () => renderer[Symbol.dispose]() }
}

/** The faces of a path's timeline, where it has one and no face was named. */
async function timelineOf(
  scene: SceneManipulator,
  { path, edit, frame, from, baked }: RenderVerbOptions,
  cameraPath: CameraPath | undefined,
): Promise<Shown | undefined> {
  if (path === undefined || !cameraPath || cameraPath.expressions.length === 0 || (edit ?? frame ?? from) !== undefined) return undefined
  if (baked) throw new Error(`render: --baked, but the expressions of ${path} change with time; leave --baked out, or name one face`)
  const { timed, prompts } = await pathExpressions(scene, path, cameraPath.expressions)
  const timeline = expressionTimeline(scene, timed)
  return { prompt: prompts.join('; '), render: (camera, time) => timeline.render(camera, time), [Symbol.dispose]: () => timeline[Symbol.dispose]() }
}

/** Depth and ratios of the first picture, as far as they were asked for: the files written. */
async function writeMaps(
  output: string,
  picture: RenderedImage,
  { scene, face: { compositor }, options, about }: { scene: SceneManipulator; face: Face; options: RenderVerbOptions; about: SyntheticMedia },
): Promise<string[]> {
  const written: string[] = []
  if (options.depth) {
    written.push(beside(output, '.depth.png'))
    await writeDepth(beside(output, '.depth.png'), picture, scene.description.far * scene.description.space.radius, about)
  }
  if (options.acr && compositor) {
    const labels = compositor.shares.map(share => `ACR of ${share}`)
    written.push(beside(output, '.acr.png'))
    await writeImage(beside(output, '.acr.png'), channelSheet(picture, labels, sheetScale(picture.width)), about)
  }
  return written
}

/** Refuses combinations that contradict each other. */
function checkOptions(options: RenderVerbOptions): void {
  checkFace('render', options)
  const { edit, camera, orbit: frames, path, savePath, acr, baked, output } = options
  const ways = [camera !== undefined && '--camera', frames !== undefined && '--orbit', path !== undefined && '--path'].filter(Boolean)
  if (ways.length > 1) throw new Error(`render: ${ways.join(' and ')} exclude each other; choose one`)
  if (savePath !== undefined && frames === undefined) throw new Error('render: --save-path without --orbit; give --orbit its number of pictures')
  if (acr && !edit) throw new Error('render: --acr without --edit; name the .edit file')
  if (acr && baked) throw new Error('render: --acr and --baked exclude each other; a baked face no longer knows its anchors')
  requireExtension(output, isFilm(options) ? FILM_EXTENSIONS : STILL_EXTENSIONS)
}

/** Cameras in space units. */
function views(scene: SceneManipulator, { camera, frame, orbit: frames, size: wanted }: RenderVerbOptions, path: CameraPath | undefined): Camera[] {
  const id = camera ?? frame
  const one = (): Camera => (id === undefined ? scene.trainingCameras[0] : findFrame(scene, id).camera)
  const along = path && pathCameras(path).map(view => cameraIntoSpace(scene, view))
  const found = along ?? (frames === undefined ? [one()] : orbit(scene.trainingCameras, { frames }))
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
