/** What the rest of the project asks of a network that sees: images and sentences in one space, or features of a face. */
import type { Device } from '../tensor/device.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** Images and sentences as vectors of one space; any CLIP is one (`loadEncoder`). */
export interface TextImageEncoder {
  readonly name: string
  /** The device its weights live on, and with them everything it is given. */
  readonly device: Device
  /** Length D of an embedding. */
  readonly embeddingSize: number
  /** Side in px of the square the image tower sees. */
  readonly imageSize: number
  /** Unit-norm embeddings, computed at once: texts -> a leaf [T, D]. Rejects for an empty text. */
  encodeText(texts: readonly string[]): Promise<Tensor>
  /** As `encodeText`, before the norm is divided out. */
  textFeatures(texts: readonly string[]): Promise<Tensor>
  /** Records the tower: images [B, H, W, 3] sRGB 0..1 of any size -> unit-norm embeddings [B, D], differentiable in the images. */
  encodeImage(images: Tensor): Tensor
  /** As `encodeImage`, before the norm is divided out. */
  imageFeatures(images: Tensor): Tensor
  /** Reads an expression off an embedding, where the encoder comes with such a head. */
  readonly expressionHead?: ExpressionHead
}

/** A linear reading of facial blendshape coefficients from a unit-norm image embedding. */
export interface ExpressionHead {
  /** Name of each coefficient, e.g. 'jawOpen'. */
  readonly names: readonly string[]
  /** Unit-norm embeddings [B, D] -> coefficients [B, names.length], 0 at rest and 1 at full deflection. */
  coefficients(embedding: Tensor): Tensor
}

/** Anything that turns images of a face into features in which similar expressions are near (anchor selection). */
export interface ExpressionEncoder {
  readonly name: string
  /** Length of a feature vector. */
  readonly size: number
  /** What each feature is called, where it has a meaning of its own, such as a blendshape coefficient's. */
  readonly names?: readonly string[]
  /** Records: images [B, H, W, 3] sRGB 0..1 -> [B, size]. */
  features(images: Tensor): Tensor
}

/**
 * An encoder's expression features: the coefficients of its expression head where it has one, in which identity and light hardly show, else its image
 * embedding. `head` chooses. Throws when a head is asked for and there is none.
 */
export function expressionEncoder(
  encoder: TextImageEncoder,
  { head = encoder.expressionHead !== undefined }: { head?: boolean } = {},
): ExpressionEncoder {
  if (!head) return { name: encoder.name, size: encoder.embeddingSize, features: images => encoder.encodeImage(images) }
  const { expressionHead } = encoder
  if (!expressionHead) throw new Error(`expressionEncoder: "${encoder.name}" has no expression head; use its embedding (head: false)`)
  return {
    name: `${encoder.name} expression head`,
    size: expressionHead.names.length,
    names: expressionHead.names,
    features: images => expressionHead.coefficients(encoder.encodeImage(images)),
  }
}
