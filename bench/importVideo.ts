/**
 * What importing a video finds and costs: `npm run bench:import -- ada`, `-- turn`, `-- hd` (any of them; default all).
 *
 * ada: COLMAP's cameras against the true ones (rotation, and position after the best similarity), then two short trainings on the same pictures, masks, points
 *   and bounds, one with the cameras found and one with the true ones moved into the same world. Every 8th frame is held out; it is rendered with the code of
 *   the training frame nearest in time. `--frames`, `--resolution`, `--steps` set the size; `--capture FOLDER` scores an import made before.
 * turn: head poses from the face against the true ones; `--steps` above 0 also trains and writes a sheet of views between the recorded ones.
 * hd: 300 frames of 1080p through frames, faces, masks and face poses: time of each stage and peak memory.
 *
 * Truth is read here and nowhere else. Videos and truth: FACECLIPNERF_SHARED (default ../shared)/captures.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { toScene } from '../src/camera/camera.ts'
import { type Matrix3, multiply } from '../src/camera/vector.ts'
import { readJson } from '../src/capture/nerfies.ts'
import { angleBetween } from '../src/capture/poses/rotationVector.ts'
import {
  type Camera,
  type Capture,
  cameraFromJson,
  createRenderer,
  encodePng,
  evaluateScene,
  folder,
  frameCode,
  importVideo,
  loadCapture,
  openDevice,
  orbit,
  SceneManipulator,
  sheet,
  train,
  type VideoImportOptions,
  writeCapture,
} from '../src/node.ts'
import { cameraErrors, degrees, fitSimilarity, meanRotation, placeCamera, product, spread, transposed } from './similarity.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    frames: { type: 'string', default: '212' },
    resolution: { type: 'string', default: '96' },
    steps: { type: 'string', default: '1200' },
    capture: { type: 'string' },
    out: { type: 'string', default: 'out/import' },
    'pose-limit': { type: 'string', default: '600' },
  },
})
const CAPTURES = join(process.env.FACECLIPNERF_SHARED ?? '../shared', 'captures')
/** Every n-th frame is held out. */
const HELD_OUT = 8
/** Of the largest written picture to the one trained on: the writer also writes halves and quarters. */
const DOWNSCALE = 4

const parts = positionals.length > 0 ? positionals : ['ada', 'turn', 'hd']
mkdirSync(values.out, { recursive: true })
for (const part of parts) {
  if (part === 'ada') await scoreColmap()
  else if (part === 'turn') await scoreFace()
  else if (part === 'hd') await measureHd()
  else throw new Error(`bench:import: "${part}"; give ada, turn or hd`)
}

interface TrueFrame {
  frame: number
  camera: unknown
  head: { rotation: Matrix3 }
}

function readTruth(name: string): TrueFrame[] {
  return JSON.parse(readFileSync(join(CAPTURES, name, 'truth.json'), 'utf8')).frames
}

/** Imports a video into `output`. Returns the seconds of each stage. */
async function importInto(video: string, output: string, options: Partial<VideoImportOptions>): Promise<Record<string, number>> {
  const work = mkdtempSync(join(tmpdir(), 'faceclipnerf-import-'))
  const seconds: Record<string, number> = {}
  let since = performance.now()
  const account = (stage: string): void => {
    seconds[stage] = (seconds[stage] ?? 0) + (performance.now() - since) / 1000
    since = performance.now()
  }
  try {
    const steps = importVideo(video, { work, log: `${output}.log`, ...options })
    let next = await steps.next()
    for (; !next.done; next = await steps.next()) {
      account(next.value.stage)
      if (next.value.step % 50 === 0) console.error(`${next.value.stage} ${next.value.step}/${next.value.steps}`)
    }
    account('poses')
    for await (const _ of writeCapture(next.value, output, { overwrite: true, holdOut: HELD_OUT, size: Number(values.resolution) * DOWNSCALE }));
    account('writing')
    for (const warning of next.value.warnings) console.error(`warning: ${warning}`)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return seconds
}

function printStages(title: string, seconds: Record<string, number>): void {
  console.log(`\n| ${title} | s |\n|---|---|`)
  for (const [stage, value] of Object.entries(seconds)) console.log(`| ${stage} | ${value.toFixed(1)} |`)
  console.log(
    `| sum | ${Object.values(seconds)
      .reduce((sum, value) => sum + value, 0)
      .toFixed(1)} |`,
  )
}

async function scoreColmap(): Promise<void> {
  const video = join(CAPTURES, 'ada-video/ada.mp4')
  const output = values.capture ?? join(values.out, 'ada.capture')
  if (!values.capture) {
    const masks = join(CAPTURES, 'ada-video/ada-mask.mp4')
    const seconds = await importInto(video, output, {
      frames: Number(values.frames),
      masks,
      poses: 'colmap',
      poseLimit: Number(values['pose-limit']),
    })
    printStages(`ada.mp4, ${values.frames} frames`, seconds)
  }
  const found = await loadCapture(output, { downscale: DOWNSCALE })
  const { poses } = (await readJson(await folder(output), 'capture.json')) as { poses: { registered: number; of: number; error: number } }
  const truth = readTruth('ada-video')
  const exact = exactCameras(found, truth)
  const errors = cameraErrors(
    found.frames.map(frame => frame.camera),
    exact,
  )
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`
  const [turn, shift] = [spread(errors.rotation), spread(errors.position)]
  console.log(`\nCOLMAP placed ${poses.registered} of ${poses.of} frames, ${poses.error.toFixed(3)} px`)
  console.log(`rotation error: median ${turn.median.toFixed(3)}, 90 % ${turn.p90.toFixed(3)}, largest ${turn.max.toFixed(3)} degrees`)
  console.log(
    `position error over the distance to the face: median ${percent(shift.median)}, 90 % ${percent(shift.p90)}, largest ${percent(shift.max)}`,
  )
  const ratio = found.frames[0].camera.focalLength / exact[0].focalLength
  console.log(`focal length: ${percent(ratio - 1)} off`)
  const metres = found.frames.map(({ camera }) => ({ ...camera, position: multiply(camera.position, 1 / found.scale) }))
  console.log(`lengths, by the distance between the eyes: ${percent(1 / fitSimilarity(metres, exact).scale - 1)} off`)
  if (Number(values.steps) === 0) return
  const similarity = fitSimilarity(
    exact,
    found.frames.map(frame => frame.camera),
  )
  const withExact = { ...found, frames: found.frames.map((frame, i) => ({ ...frame, camera: placeCamera(exact[i], similarity) })) }
  const scores = { found: await heldOut(found, 'ada-found'), exact: await heldOut(withExact, 'ada-exact') }
  console.log(`held-out PSNR at ${values.resolution} px after ${values.steps} steps of tiny: found ${scores.found}, exact ${scores.exact}`)
}

/** The true cameras of a capture's frames at its resolution, positions in metres about the nose's tip. */
function exactCameras(capture: Capture, truth: readonly TrueFrame[]): Camera[] {
  return capture.frames.map(({ id, camera }) => {
    const full = cameraFromJson(truth[Number(id)].camera, `truth of ${id}`)
    const factor = camera.imageSize[0] / full.imageSize[0]
    return toScene(
      {
        ...full,
        focalLength: full.focalLength * factor,
        principalPoint: [full.principalPoint[0] * factor, full.principalPoint[1] * factor],
        imageSize: camera.imageSize,
      },
      1,
      [0, 0, 0],
    )
  })
}

/** Trains `tiny` and scores the held-out frames: whole picture and person, dB. */
async function heldOut(capture: Capture, name: string): Promise<string> {
  using device = await openDevice()
  const steps = Number(values.steps)
  const scene = new SceneManipulator(device, capture, { preset: 'tiny', seed: 0, config: c => ({ ...c, training: { ...c.training, steps } }) })
  for await (const { step, psnr } of train(scene, capture, { reportEvery: 100 })) console.error(`${name} ${step}/${steps} ${psnr.toFixed(2)} dB`)
  const report = await evaluateScene(scene, capture)
  const rows = report.views.slice(0, 8).map(view => [
    { width: view.rendered.width, height: view.rendered.height, rgb: view.observed, label: view.id },
    { ...view.rendered, label: `${view.psnr.toFixed(1)} dB` },
  ])
  writeFileSync(join(values.out, `${name}.png`), await encodePng(sheet(rows)))
  await novelViews(scene, capture, name)
  return `${report.psnr.toFixed(2)} dB (person ${report.psnrPerson?.toFixed(2) ?? '-'} dB)`
}

/** Views between and beyond the recorded ones, of four instants. */
async function novelViews(scene: SceneManipulator, capture: Capture, name: string): Promise<void> {
  const trained = capture.frames.filter(frame => frame.split === 'train')
  const rows = []
  for (const share of [0, 0.38, 0.61, 0.88]) {
    const { id } = trained[Math.floor(share * trained.length)]
    using renderer = createRenderer(scene, await frameCode(scene, id))
    const row = []
    for (const camera of orbit(scene.trainingCameras, { frames: 6 })) {
      const { width, height, rgb } = await renderer.render(camera)
      row.push({ width, height, rgb, label: id })
    }
    rows.push(row)
  }
  writeFileSync(join(values.out, `${name}-novel.png`), await encodePng(sheet(rows)))
}

async function scoreFace(): Promise<void> {
  const output = join(values.out, 'turn.capture')
  const seconds = await importInto(join(CAPTURES, 'ada-turn/turn.mp4'), output, { poses: 'face' })
  printStages('turn.mp4, 120 frames', seconds)
  const found = await loadCapture(output, { downscale: DOWNSCALE })
  const truth = readTruth('ada-turn')
  const exact = found.frames.map(({ id }) => {
    const { camera, head } = truth[Number(id)]
    return product(cameraFromJson(camera, id).orientation, head.rotation)
  })
  // Which way a head's axes point is a matter of definition: the mean face's differ from the truth's by a constant turn.
  const axes = meanRotation(found.frames.map(({ camera }, i) => product(transposed(exact[i]), camera.orientation)))
  const raw = spread(found.frames.map(({ camera }, i) => degrees(angleBetween(camera.orientation, exact[i]))))
  const aligned = spread(found.frames.map(({ camera }, i) => degrees(angleBetween(camera.orientation, product(exact[i], axes)))))
  const show = ({ median, p90, max }: ReturnType<typeof spread>): string =>
    `median ${median.toFixed(2)}, 90 % ${p90.toFixed(2)}, largest ${max.toFixed(2)} degrees`
  console.log(`\nhead rotation, ${found.frames.length} frames: ${show(raw)}; after one constant turn of the axes: ${show(aligned)}`)
  if (Number(values.steps) > 0) console.log(`held-out PSNR: ${await heldOut(found, 'turn')}`)
}

async function measureHd(): Promise<void> {
  const video = join(values.out, 'hd.mp4')
  const scale = 'scale=1080:1080,pad=1920:1080:420:0:gray'
  execFileSync('ffmpeg', [
    '-v',
    'error',
    '-y',
    '-i',
    join(CAPTURES, 'ada-video/ada.mp4'),
    '-frames:v',
    '300',
    '-vf',
    scale,
    '-c:v',
    'libx264',
    '-preset',
    'veryfast',
    video,
  ])
  const seconds = await importInto(video, join(values.out, 'hd.capture'), { poses: 'face', frames: 300 })
  printStages('300 frames of 1080p, face poses', seconds)
  console.log(`\npeak memory of this process: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`)
}
