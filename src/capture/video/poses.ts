/** Poses of the kept frames, by structure from motion on the room or by the face alone, in the world of the head. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Camera } from '../../camera/camera.ts'
import { length, multiply, transformTransposed, type Vector3 } from '../../camera/vector.ts'
import { folderTree } from '../../io/folderTree.ts'
import { decodeImage, type Image } from '../../io/imageCodec.ts'
import { colmapPose } from '../colmap.ts'
import { fromColmapCamera } from '../colmapCamera.ts'
import { readColmapModel } from '../colmapModel.ts'
import { boxBlur } from '../face/boxBlur.ts'
import { FACE_API_REMEDY } from '../face/faceApi.ts'
import type { ImportedCapture, ImportedFrame } from '../importedCapture.ts'
import { colmapPoses } from '../poses/colmapPoses.ts'
import { findColmap } from '../poses/colmapProgram.ts'
import { headBounds } from '../poses/headBounds.ts'
import { type HeadPoses, headPoses } from '../poses/headPoses.ts'
import { strayCameras } from '../poses/strayCameras.ts'
import { viewpointPairs } from '../poses/viewpointPairs.ts'
import { cameraInFrame, headFrame, median, pointInFrame } from '../poses/worldFrame.ts'
import { imagePath, type KeptFrame, maskPath, threadsOf, type VideoStep, type VideoWork } from './importVideo.ts'
import { writePicture } from './workFiles.ts'

type Posed = Pick<ImportedCapture, 'frames' | 'points' | 'near' | 'far' | 'about'>

/** A frame whose landmarks lie this many times farther off than usual has a wrong pose. */
const MISPLACED = 3
/** Photos may be in any order, so up to so many are matched each with each: about 11,000 pairs. */
const MOST_FOR_ALL_PAIRS = 150
/** What replaces the room where only the head holds still, sRGB byte. */
const NO_ROOM = 128

/** The camera moves through a room: COLMAP on the room, without the person. */
export async function* posesByColmap(work: VideoWork): AsyncGenerator<VideoStep, Posed> {
  const { kept, options, size, info, log, warnings } = work
  const colmap = await findColmap()
  if (!colmap) {
    throw new Error(
      `${info.path}: camera poses need COLMAP, and there is no colmap on PATH; install it (Debian, Ubuntu: apt-get install colmap; macOS: brew install colmap), or use --poses face`,
    )
  }
  const masks = await roomMasks(work)
  const folder = join(options.work, 'colmap')
  await mkdir(folder, { recursive: true })
  const model = yield* colmapPoses(colmap, {
    images: join(options.work, 'images'),
    names: kept.map(({ id }) => `${id}.png`),
    size,
    pairs: pairsToMatch(work.kind, kept.length, facePoses(work)?.poses),
    ...(masks && { masks }),
    ...(options.focalLength !== undefined && { focalLength: (options.focalLength * size[0]) / info.width }),
    work: folder,
    log,
    logPath: options.log,
    limit: options.poseLimit ?? 600,
    threads: threadsOf(options),
    signal: options.signal,
  })
  const { cameras, images, points } = await readColmapModel(await folderTree(model.folder), '')
  const placed = new Map<string, Camera>()
  for (const image of images) {
    const camera = cameras.get(image.cameraId)
    if (!camera) throw new Error(`${model.folder}: picture ${image.name} has camera ${image.cameraId}, which is missing; run the import again`)
    placed.set(image.name.replace(/\.png$/, ''), { ...colmapPose(image, options.log), ...fromColmapCamera(camera, options.log).camera })
  }
  const withPose = kept.filter(({ id }) => placed.has(id))
  for (const { id, record } of kept) if (!placed.has(id)) record.dropped = 'no pose'
  if (withPose.length < kept.length) warnings.push(`${kept.length - withPose.length} of ${kept.length} frames have no pose and were left out`)
  const cameraOf = ({ id }: KeptFrame): Camera => placed.get(id) as Camera
  const world = headFrame(withPose.map(frame => ({ camera: cameraOf(frame), landmarks: frame.landmarks })))
  if (world.warning) warnings.push(world.warning)
  const inHeadWorld = withPose.map(frame => cameraInFrame(cameraOf(frame), world))
  const distance = median(inHeadWorld.map(camera => length(camera.position)))
  const strays = new Set(
    strayCameras(
      inHeadWorld,
      withPose.map(({ record }) => record.time),
      distance,
    ),
  )
  if (strays.size > 0) warnings.push(`${strays.size} of ${kept.length} frames have a pose off the path of their neighbours and were left out`)
  const frames = withPose.flatMap((frame, i) => {
    if (!strays.has(i)) return [importedFrame(work, frame, inHeadWorld[i])]
    frame.record.dropped = 'wrong pose'
    return []
  })
  const inWorld = Float32Array.from({ length: points.length }, () => 0)
  for (let i = 0; i < points.length; i += 3) inWorld.set(pointInFrame([points[i], points[i + 1], points[i + 2]], world), i)
  const { registered, observations, error, focalLength } = model.quality
  if (error > 1.5) warnings.push(`the poses explain the pictures to ${error.toFixed(1)} px only; expect a soft result, or film again more slowly`)
  return {
    frames,
    points: inWorld,
    ...headBounds(
      frames.flatMap(({ camera }) => (camera ? [camera] : [])),
      inWorld,
    ),
    about: {
      poses: {
        method: 'colmap',
        version: colmap.version,
        registered,
        used: frames.length,
        of: kept.length,
        observations,
        error,
        focalLength,
        scaled: !world.warning,
      },
    },
  }
}

/** Places of pictures to match beyond those that follow one another: photos each with each, frames of a video where the faces show the same side. */
export function pairsToMatch(kind: VideoWork['kind'], count: number, faces: HeadPoses['poses'] = []): [number, number][] {
  if (kind === 'video' || count > MOST_FOR_ALL_PAIRS) return viewpointPairs(faces)
  return Array.from({ length: count }, (_, i) => Array.from({ length: count - i - 1 }, (_, j): [number, number] => [i, i + 1 + j])).flat()
}

/** The camera stands and the head turns: poses of the head, and the room cut away. */
export async function* posesByFace(work: VideoWork): AsyncGenerator<VideoStep, Posed> {
  const { kept, info, options, size } = work
  const solved = facePoses(work)
  if (!solved) {
    const seen = kept.filter(({ landmarks }) => landmarks).length
    throw new Error(
      `${info.path}: poses from the face need a face, which was found in ${seen} of ${kept.length} frames; ${
        kept.some(({ landmarks }) => landmarks)
          ? 'film the face from the front in even light'
          : `install the face analyser (${FACE_API_REMEDY}), or film from nearer`
      }`,
    )
  }
  yield { stage: 'poses', step: kept.length, steps: kept.length, eta: 0 }
  const usual = median(solved.poses.flatMap(({ error }) => error ?? []))
  const used = kept.flatMap((frame, i) => {
    const { rotation, translation, error } = solved.poses[i]
    if (error === undefined || error > MISPLACED * usual) {
      frame.record.dropped = 'no pose'
      return []
    }
    const position = multiply(transformTransposed(rotation, translation), -1)
    return [{ frame, camera: pinhole(rotation, position, solved.focalLength, size) }]
  })
  if (used.length < kept.length)
    work.warnings.push(`${kept.length - used.length} of ${kept.length} frames show no face, or one that fits no pose, and were left out`)
  await cutRoom(
    work,
    used.map(({ frame }) => frame),
  )
  const frames = used.map(({ frame, camera }) => importedFrame(work, frame, camera))
  const cameras = used.map(({ camera }) => camera)
  const distance = median(cameras.map(camera => length(camera.position)))
  return {
    frames,
    ...headBounds(cameras),
    about: {
      poses: {
        method: 'face',
        registered: used.length,
        of: kept.length,
        error: usual,
        focalLength: solved.focalLength,
        distance,
        given: options.focalLength !== undefined,
      },
    },
  }
}

/** Head poses of the kept frames; undefined where too few show a face. */
function facePoses({ kept, size, info, options }: VideoWork): HeadPoses | undefined {
  if (kept.filter(({ landmarks }) => landmarks).length < 3) return undefined
  const known = options.focalLength === undefined ? {} : { focalLength: (options.focalLength * size[0]) / info.width }
  return headPoses(
    kept.map(({ record, landmarks }) => ({ time: record.time, landmarks })),
    [size[0], size[1]],
    known,
  )
}

function pinhole(orientation: Camera['orientation'], position: Vector3, focalLength: number, [width, height]: readonly [number, number]): Camera {
  return {
    orientation,
    position,
    focalLength,
    principalPoint: [width / 2, height / 2],
    skew: 0,
    pixelAspectRatio: 1,
    radialDistortion: [0, 0, 0],
    tangentialDistortion: [0, 0],
    imageSize: [width, height],
  }
}

function importedFrame({ source }: VideoWork, { id, record, hasMask }: KeptFrame, camera: Camera): ImportedFrame {
  return {
    id,
    camera,
    image: { kind: 'file', source, path: imagePath(id) },
    ...(hasMask && { mask: { kind: 'file', source, path: maskPath(id) } }),
    time: record.time,
    split: 'train',
  }
}

/** Masks as COLMAP reads them, black where no feature may lie: the person and a rim. Undefined where there are no masks. */
async function roomMasks({ kept, source, options }: VideoWork): Promise<string | undefined> {
  const folder = join(options.work, 'room')
  await mkdir(folder, { recursive: true })
  let made = 0
  for (const { id } of kept.filter(frame => frame.hasMask)) {
    options.signal?.throwIfAborted()
    const mask = await decodeImage(await source.read(maskPath(id)), maskPath(id))
    await writePicture(join(folder, `${id}.png.png`), roomOnly(mask))
    made++
  }
  return made > 0 ? folder : undefined
}

/** 255 where nothing of the person is within a hundredth of the picture's size. */
function roomOnly({ width, height, channels, data }: Image): Image {
  const coverage = Float32Array.from({ length: width * height }, (_, i) => data[i * channels] / 255)
  const near = boxBlur(coverage, width, height, Math.max(2, Math.round(Math.max(width, height) / 100)))
  return { width, height, channels: 1, data: Uint8Array.from(near, value => (value > 0.02 ? 0 : 255)) }
}

/** Replaces the room by grey in the kept pictures: seen from the head it turns, and no scene explains it. */
async function cutRoom({ source, options, warnings }: VideoWork, frames: readonly KeptFrame[]): Promise<void> {
  for (const { id, hasMask } of frames) {
    options.signal?.throwIfAborted()
    if (!hasMask) {
      warnings.push('without masks the room stays in the pictures, and turns with the head; give masks with --person-masks')
      return
    }
    const image = await decodeImage(await source.read(imagePath(id)), imagePath(id))
    const mask = await decodeImage(await source.read(maskPath(id)), maskPath(id))
    for (let i = 0; i < image.width * image.height; i++) {
      const share = mask.data[i * mask.channels] / 255
      for (let c = 0; c < 3; c++) image.data[i * image.channels + c] = Math.round(share * image.data[i * image.channels + c] + (1 - share) * NO_ROOM)
    }
    await writePicture(join(options.work, imagePath(id)), image)
  }
}
