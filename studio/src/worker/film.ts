/** Films: picture by picture into an MP4, a WebM or a zip of PNGs, all of which say that they are synthetic. */
import {
  createRenderer,
  encodePng,
  openVideo,
  type RenderedImage,
  type Renderer,
  type SyntheticMedia,
  syntheticMediaFields,
  tagImage,
  toImage,
  type VideoWriter,
  videoCodecs,
  ZipWriter,
} from 'faceclipnerf'
import type { FilmFrame, FilmProgress, FilmRequest, FilmRequests } from '../protocol/film.ts'
import { readCameraPath, writeCameraPath } from './cameraPaths.ts'
import { cameraAt } from './cameras.ts'
import { ownFaceCodes, shapeOf } from './faceCodes.ts'
import type { Session } from './session.ts'
import { renderTiled } from './tiles.ts'

interface Task {
  readonly signal: AbortSignal
}

type FilmHandlers = { readonly [N in keyof FilmRequests]: (body: FilmRequests[N]['request'], task: Task) => Promise<FilmRequests[N]['answer']> }

/** What the worker does for requests about films. @param cheap keeps the viewport's pictures cheap, or no longer */
export const filmHandlers = (
  opened: () => Session,
  report: (progress: FilmProgress) => void,
  cheap: (on: boolean) => void = () => undefined,
): FilmHandlers => ({
  async film(request, { signal }) {
    const session = opened()
    const { name } = session.scene.description
    // on the CPU a fine picture of the viewport takes as long as some of the film's
    const competes = session.device.kind === 'cpu'
    if (competes) cheap(true)
    const made = film(session, request, { signal, report })
    const bytes = Uint8Array.from(await made.finally(() => competes && cheap(false)))
    return { name: request.format === 'png' ? `${name}-film.zip` : `${name}.${request.format}`, bytes }
  },
  async filmFormats({ side }) {
    const { scene } = opened()
    const [width, height] = cameraAt(scene, { ...scene.trainingCameras[0], zoom: 1 }, side).imageSize
    return await videoCodecs({ width, height })
  },
  openPath: async ({ file }) => readCameraPath(opened().scene, file),
  async savePath({ path }) {
    const { scene } = opened()
    return { name: `${scene.description.name}.camera_path.json`, bytes: Uint8Array.from(writeCameraPath(scene, path)) }
  },
})

async function film(
  session: Session,
  { frames, format, fps, side }: FilmRequest,
  { signal, report }: { signal: AbortSignal; report(progress: FilmProgress): void },
): Promise<Uint8Array> {
  if (frames.length === 0) throw new Error('the film has no pictures; add a keyframe first')
  const { scene } = session
  const [width, height] = cameraAt(scene, frames[0].pose, side).imageSize
  const options = { fps, width, height, about: aboutFilm(session, frames) }
  const writer = format === 'png' ? pictureZip(options) : await openVideo({ format, ...options })
  const started = performance.now()
  try {
    for await (const [i, picture] of pictures(session, frames, side, signal)) {
      await writer.add(toImage(picture))
      const seconds = (performance.now() - started) / 1000
      report({ frame: i + 1, frames: frames.length, eta: (seconds / (i + 1)) * (frames.length - i - 1) })
      // between two pictures messages are heard
      await new Promise(resolve => setTimeout(resolve))
    }
    return await writer.finish()
  } catch (error) {
    await writer.cancel()
    throw error
  }
}

async function* pictures(session: Session, frames: readonly FilmFrame[], side: number, signal: AbortSignal): AsyncGenerator<[number, RenderedImage]> {
  const { scene, device } = session
  using codes = await ownFaceCodes(
    session,
    frames.map(frame => frame.face),
  )
  const renderers = new Map<string, Renderer>()
  try {
    for (const [i, { pose, face }] of frames.entries()) {
      signal.throwIfAborted()
      const field = codes.of(face)
      const key = shapeOf(face)
      const renderer = renderers.get(key) ?? createRenderer(scene, field, device.kind === 'cpu' ? { rays: 1024 } : {})
      renderers.set(key, renderer)
      const camera = cameraAt(scene, pose, side)
      const picture = device.kind === 'cpu' ? await renderTiled(renderer, camera, () => !signal.aborted) : await renderer.render(camera)
      signal.throwIfAborted()
      if (picture) yield [i, picture]
    }
  } finally {
    for (const renderer of renderers.values()) renderer[Symbol.dispose]()
  }
}

/** The scene, and the sentence of each edit that comes in. */
function aboutFilm(session: Session, frames: readonly FilmFrame[]): SyntheticMedia {
  const edits = new Set(frames.flatMap(({ face }) => [face.edit, face.toward?.face.edit]).filter(id => id !== undefined))
  const prompt = [...new Set([...edits].map(id => session.edit(id).info.prompt))].join('; ')
  return { scene: session.scene.description.name, ...(prompt && { prompt }) }
}

/** PNGs in a zip, with a file that says how fast they follow and what they are. */
function pictureZip({ fps, width, height, about }: { fps: number; width: number; height: number; about: SyntheticMedia }): VideoWriter<Uint8Array> {
  const zip = new ZipWriter()
  let count = 0
  return {
    async add(image) {
      zip.add(`${String(count).padStart(5, '0')}.png`, tagImage(await encodePng(image), about))
      count++
    },
    async finish() {
      const said = { fps, width, height, pictures: count, ...syntheticMediaFields(about) }
      zip.add('sequence.json', new TextEncoder().encode(`${JSON.stringify(said, null, 2)}\n`))
      return zip.finish()
    },
    cancel: async () => undefined,
  }
}
