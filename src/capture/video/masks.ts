/** Masks of the person for the kept frames: given as a video or a folder, or found around the face. Written as masks/ID.png, white = person. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeImage, type Image } from '../../io/imageCodec.ts'
import { boxResize } from '../boxFilter.ts'
import { enlargeMatte, personMattes } from '../face/personMatte.ts'
import { openDecoder } from './frames.ts'
import { imagePath, type KeptFrame, maskPath, stepOf, type VideoStep, type VideoWork } from './importVideo.ts'
import { probeVideo } from './probe.ts'
import { writePicture } from './workFiles.ts'

/** Seconds by which a mask's instant may miss its picture's, as a share of the distance of the frames. */
const TOLERANCE = 0.6

interface GivenMask {
  frame: KeptFrame
  image: Image
}

/** Masks that came with the pictures, from a video of the same length, by instant, or a folder with one picture per frame, in order of their names. */
export async function* givenMasks(work: VideoWork): AsyncGenerator<VideoStep> {
  const path = work.options.masks ?? work.info.path
  const began = performance.now()
  let done = 0
  for await (const { frame, image } of work.mask ? masksOfPictures(work, work.mask) : await masksAt(work, path)) {
    if (Math.abs((image.width * work.size[1]) / (image.height * work.size[0]) - 1) > 0.02) {
      throw new Error(
        `${path}: masks are ${image.width}x${image.height}, the video ${work.info.width}x${work.info.height}; export them with the same shape`,
      )
    }
    const data = boxResize(image.data, image.width, image.height, work.size[0], work.size[1])
    const mask: Image = { width: work.size[0], height: work.size[1], channels: 1, data: Uint8Array.from(data, Math.round) }
    await writePicture(join(work.options.work, maskPath(frame.id)), mask)
    frame.hasMask = true
    done++
    yield stepOf('masks', done, work.kept.length, began)
  }
  if (done < work.kept.length)
    throw new Error(`${path}: masks for ${done} of ${work.kept.length} frames; the mask video must be as long as the video`)
}

async function masksAt(work: VideoWork, path: string): Promise<AsyncGenerator<GivenMask>> {
  const facts = await stat(path).catch(() => undefined)
  if (!facts) throw new Error(`${path}: no such file or folder of masks; check the path`)
  return facts.isDirectory() ? masksOfFolder(work, path) : masksOfVideo(work, path)
}

async function* masksOfPictures({ kept, options }: VideoWork, mask: (index: number) => Promise<Image>): AsyncGenerator<GivenMask> {
  for (const frame of kept) {
    options.signal?.throwIfAborted()
    yield { frame, image: await mask(frame.record.index) }
  }
}

async function* masksOfVideo(work: VideoWork, path: string): AsyncGenerator<GivenMask> {
  const info = await probeVideo(path)
  const decoder = await openDecoder(info)
  const { timestamps } = work.info
  const distance = (timestamps[timestamps.length - 1] - timestamps[0]) / Math.max(1, timestamps.length - 1)
  let next = 0
  const longest = Math.max(...work.size)
  for await (const { time, image } of decoder.frames(info, { longest, grey: true, signal: work.options.signal })) {
    const wanted = work.kept[next]
    if (!wanted) return
    if (Math.abs(time - wanted.record.time) > TOLERANCE * distance) continue
    yield { frame: wanted, image }
    next++
  }
}

async function* masksOfFolder(work: VideoWork, path: string): AsyncGenerator<GivenMask> {
  const names = (await readdir(path)).filter(name => /\.(png|jpe?g|webp)$/i.test(name)).sort(new Intl.Collator('en', { numeric: true }).compare)
  const count = work.info.timestamps.length
  if (names.length !== count)
    throw new Error(`${path}: ${names.length} masks for a video of ${count} frames; give one for each frame, or a mask video`)
  const { readFile } = await import('node:fs/promises')
  for (const frame of work.kept) {
    work.options.signal?.throwIfAborted()
    const file = join(path, names[frame.record.index])
    const image = await decodeImage(new Uint8Array(await readFile(file)), file)
    const first = Uint8Array.from({ length: image.width * image.height }, (_, i) => image.data[i * image.channels])
    yield { frame, image: { ...image, channels: 1, data: first } }
  }
}

/** Masks found around the face; none, with a warning, where no face was found. */
export async function* foundMasks(work: VideoWork): AsyncGenerator<VideoStep> {
  const { kept, source, options, size, warnings } = work
  const share = kept[0].small.width / size[0]
  const mattes = personMattes(
    kept.map(({ small, landmarks }) => ({ image: small, ...(landmarks && { landmarks: landmarks.map(value => value * share) }) })),
    { cameraStands: work.stands },
  )
  if (!mattes) {
    warnings.push('no masks of the person: no face was found, and no masks were given (--person-masks)')
    return
  }
  const began = performance.now()
  for (const [i, frame] of kept.entries()) {
    const { id, small } = frame
    options.signal?.throwIfAborted()
    const guide = await decodeImage(await source.read(imagePath(id)), imagePath(id))
    const mask = enlargeMatte(mattes[i], [small.width, small.height], guide)
    await writePicture(join(options.work, maskPath(id)), mask)
    frame.hasMask = true
    yield stepOf('masks', i + 1, kept.length, began)
  }
}
