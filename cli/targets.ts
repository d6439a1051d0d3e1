/** --target: example pictures with their cameras. */
import { basename } from 'node:path'
import { InvalidArgumentError, Option } from 'commander'
import {
  type Camera,
  cameraFromJson,
  decodeImage,
  frameCamera,
  type PictureGuidance,
  pictureGuidance,
  type SceneManipulator,
  targetPicture,
  worldCamera,
} from 'faceclipnerf'
import { readBytes, readJson } from './work.ts'

export interface Target {
  readonly picture: string
  /** Path of a Nerfies camera file in the capture's world, or the id of one of the scene's frames. */
  readonly camera: string
}

/** Taller targets cost time and memory and add nothing that the presets can show. */
const LARGEST_HEIGHT = 128

export function targetOption(): Option {
  return new Option(
    '--target <picture=camera>',
    'a picture to resemble, in the reference head pose, and its camera: a camera file as in the capture, or the id of a frame; may be repeated',
  ).argParser(parseTarget)
}

export function maskOption(): Option {
  return new Option(
    '--mask <picture=camera>',
    'only what is white in this picture may change, seen by a camera as of --target (a file, or the id of a frame)',
  ).argParser(parseTarget)
}

function parseTarget(text: string, before: readonly Target[] | undefined): Target[] {
  const at = text.lastIndexOf('=')
  if (at <= 0 || at === text.length - 1)
    throw new InvalidArgumentError('Give picture=camera, such as smile.png=camera/000000.json or smile.png=000000.')
  return [...(before ?? []), { picture: text.slice(0, at), camera: text.slice(at + 1) }]
}

/** What an edit file calls an edit by pictures. */
export const targetName = (targets: readonly Target[]): string => `like ${targets.map(({ picture }) => basename(picture)).join(', ')}`

/** Guidance by the pictures, all brought to the height of the smallest. Throws, naming the file, when a picture or camera cannot be used. */
export async function readTargets(scene: SceneManipulator, targets: readonly Target[]): Promise<PictureGuidance> {
  const read = await Promise.all(
    targets.map(async ({ picture, camera }) => ({
      name: picture,
      image: await decodeImage(await readBytes(picture, 'name an image file'), picture),
      camera: await readCamera(scene, camera),
    })),
  )
  const height = Math.min(LARGEST_HEIGHT, scene.trainingCameras[0].imageSize[1], ...read.map(({ image }) => image.height))
  return pictureGuidance(
    scene,
    read.map(({ name, image, camera }) => targetPicture(image, camera, height, name)),
  )
}

/** A mask of the size of its camera's pictures, brought to the size an edit works at: values [H · W] 0..1, camera in scene units. */
export async function readMask(scene: SceneManipulator, { picture, camera }: Target): Promise<{ values: Float32Array; camera: Camera }> {
  const image = await decodeImage(await readBytes(picture, 'name an image file'), picture)
  const height = Math.min(LARGEST_HEIGHT, image.height)
  const target = targetPicture(image, await readCamera(scene, camera), height, picture)
  const values = Float32Array.from({ length: target.image.length / 3 }, (_, i) => target.image[3 * i])
  return { values, camera: target.camera }
}

/** Scene units. */
async function readCamera(scene: SceneManipulator, camera: string): Promise<Camera> {
  if (!camera.toLowerCase().endsWith('.json')) return frameCamera(scene, camera)
  return worldCamera(scene, cameraFromJson(await readJson(camera, 'name a camera file, or the id of a frame'), camera))
}
