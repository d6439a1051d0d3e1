/**
 * True pictures of edits, which synthetic captures carry in `edits/`, and how near a render comes to them. For evaluation only: nothing that trains,
 * clusters or edits may read them.
 */
import { type Camera, cameraFromJson, scaleCamera, toScene } from '../camera/camera.ts'
import { boxResize } from '../capture/boxFilter.ts'
import type { Capture } from '../capture/capture.ts'
import { readJson } from '../capture/nerfies.ts'
import { type FileSource, openSource } from '../io/files.ts'
import { decodeImage } from '../io/imageCodec.ts'
import { psnr } from '../metrics/psnr.ts'
import { type FaceMasks, type FaceRegion, faceMasks } from './faceMask.ts'

/** An edit as it should look. */
export interface TrueEdit {
  readonly id: string
  /** The sentence that describes it. */
  readonly text: string
  /** 'mix': every part of the face was shown in some frame; 'partial', 'outside': less than that; 'reference': the neutral face. */
  readonly reach: string
  /** Blendshape coefficients by name, 0 where absent. */
  readonly coefficients: Readonly<Record<string, number>>
  /** The frame in whose head pose it is: the w_R of edits that it is compared with. */
  readonly pose?: string | undefined
  readonly views: readonly TrueView[]
}

export interface TrueView extends FaceMasks {
  /** Name of the camera. */
  readonly name: string
  /** Scene units, as a capture's cameras are. */
  readonly camera: Camera
  /** [H · W · 3], sRGB 0..1. */
  readonly image: Float32Array
  /** Coverage of the person, [H · W]. */
  readonly mask: Float32Array
}

/** PSNR (dB) against the true picture within the face and its regions. */
export type EditScore = Readonly<Record<'face' | FaceRegion, number>>

/** The id of the unedited face among the true edits. */
export const NEUTRAL_EDIT = 'neutral'

interface EditsFile {
  /** Frame in whose head pose the edits are. */
  readonly reference?: { readonly frame?: string }
  readonly cameras: readonly string[]
  readonly edits: readonly {
    readonly id: string
    readonly text: string
    readonly reach: string
    readonly coefficients?: Readonly<Record<string, number>>
    readonly landmarks: readonly (readonly number[])[]
  }[]
}

/** The true edits of a capture's folder, at the capture's resolution and in its units. Throws when it has none or a file is missing. */
export async function loadGroundTruth(from: FileSource | string, capture: Capture): Promise<TrueEdit[]> {
  const source = typeof from === 'string' ? await openSource(from) : from
  if (!(await source.exists('edits/edits.json')))
    throw new Error(`${source.describe('edits/edits.json')}: no such file; only synthetic captures have true edits to compare with`)
  const { edits, cameras, reference } = (await readJson(source, 'edits/edits.json')) as EditsFile
  const neutral = edits.find(e => e.id === NEUTRAL_EDIT)
  if (!neutral) throw new Error(`${source.describe('edits/edits.json')}: no edit "neutral"; the face masks need its landmarks`)
  const found: TrueEdit[] = []
  for (const { id, text, reach, coefficients = {}, landmarks } of edits) {
    const views: TrueView[] = []
    for (const name of cameras) views.push(await readView(source, capture, `${id}_${name}`, name, [landmarks.flat(), neutral.landmarks.flat()]))
    found.push({ id, text, reach, coefficients, pose: reference?.frame, views })
  }
  return found
}

async function readView(source: FileSource, capture: Capture, file: string, name: string, landmarks: readonly number[][]): Promise<TrueView> {
  const path = (kind: string): string => `edits/${kind}/${file}.png`
  const read = async (at: string) => await decodeImage(await source.read(at), source.describe(at))
  const picture = await read(path(`rgb/${capture.downscale}x`))
  const { width, height, channels } = picture
  const json = `edits/camera/${name}.json`
  const world = scaleCamera(cameraFromJson(await readJson(source, json), source.describe(json)), 1 / capture.downscale, [width, height])
  const person = await read(path('masks'))
  const coverage = Float32Array.from({ length: person.width * person.height }, (_, i) => person.data[i * person.channels] / 255)
  const mask = boxResize(coverage, person.width, person.height, width, height)
  return {
    name,
    camera: toScene(world, capture.scale, capture.center),
    image: Float32Array.from({ length: width * height * 3 }, (_, i) => picture.data[Math.floor(i / 3) * channels + (i % 3)] / 255),
    mask,
    ...faceMasks(world, landmarks, mask),
  }
}

/** Scores a render [H · W · 3] of a view. Throws when it has another size. */
export function scoreView(rgb: ArrayLike<number>, { image, face, regions: { eyes, brows, mouth } }: TrueView): EditScore {
  const within = (mask: Float32Array): number => psnr(rgb, image, { mask })
  return { face: within(face), eyes: within(eyes), brows: within(brows), mouth: within(mouth) }
}

/** The true edit that a sentence, or its id, names; undefined where none does. */
export function trueEditOf(truth: readonly TrueEdit[], prompt: string): TrueEdit | undefined {
  const words = prompt.trim().toLowerCase()
  return truth.find(({ id, text }) => id !== NEUTRAL_EDIT && (id === words || text.toLowerCase() === words))
}
