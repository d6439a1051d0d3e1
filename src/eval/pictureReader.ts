/** What an encoder sees in pictures: embeddings, and the expression its head reads. Faces are cropped, so that they fill the picture. */
import type { Camera } from '../camera/camera.ts'
import type { Vector3 } from '../camera/vector.ts'
import { promptEmbedding, textDirection } from '../clip/prompts.ts'
import type { TextImageEncoder } from '../clip/textImageEncoder.ts'
import { readLeaf, Storage } from '../tensor/device.ts'
import { compile, type Plan } from '../tensor/plan.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { cropAround, cropSide } from './faceCrop.ts'

export interface ReadPicture {
  /** Unit norm, [D]. */
  readonly embedding: Float32Array
  /** Blendshape coefficients, where the encoder has a head. */
  readonly coefficients?: Float32Array | undefined
}

export interface ReadWords {
  /** Of the sentence in its templates, [D]. */
  readonly embedding: Float32Array
  /** Change from the word for the unedited face, [D]. */
  readonly direction: Float32Array
}

interface Sized {
  readonly picture: Storage
  readonly plan: Plan
  readonly embedding: Tensor
  readonly coefficients?: Tensor | undefined
}

/** Reads pictures of any sizes with one encoder. Dispose of it when done. */
export class PictureReader implements Disposable {
  private readonly sizes = new Map<number, Sized>()

  /** @param focus the middle of the face, in the units of the cameras. */
  constructor(
    readonly encoder: TextImageEncoder,
    readonly focus: Vector3,
  ) {}

  /** Names of the coefficients; none where the encoder has no head. */
  get coefficientNames(): readonly string[] {
    return this.encoder.expressionHead?.names ?? []
  }

  async read(image: ArrayLike<number>, camera: Camera): Promise<ReadPicture> {
    const side = cropSide(camera)
    const { picture, plan, embedding, coefficients } = this.sizedFor(side)
    picture.write(cropAround({ image, camera }, this.focus, side))
    plan.run()
    const read = async (x: Tensor): Promise<Float32Array> => Float32Array.from(await plan.read(x))
    return { embedding: await read(embedding), coefficients: coefficients && (await read(coefficients)) }
  }

  async words(sentence: string): Promise<ReadWords> {
    const { device } = this.encoder
    const embedding = await readLeaf(device, await promptEmbedding(this.encoder, sentence))
    return { embedding, direction: await readLeaf(device, await textDirection(this.encoder, sentence)) }
  }

  private sizedFor(side: number): Sized {
    const known = this.sizes.get(side)
    if (known) return known
    const { device, expressionHead } = this.encoder
    const picture = new Storage(device, side * side * 3)
    const embedding = this.encoder.encodeImage(picture.tensor([1, side, side, 3]))
    const coefficients = expressionHead?.coefficients(embedding)
    const plan = compile(device, { outputs: coefficients ? [embedding, coefficients] : [embedding] })
    const made = { picture, plan, embedding, coefficients }
    this.sizes.set(side, made)
    return made
  }

  [Symbol.dispose](): void {
    for (const { picture, plan } of this.sizes.values()) {
      plan[Symbol.dispose]()
      picture.release()
    }
    this.sizes.clear()
  }
}
