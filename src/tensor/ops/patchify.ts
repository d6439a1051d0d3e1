/** Images cut into square patches, one row each, as the patch embedding of a vision transformer reads them. */
import { apply1, type Op } from '../op.ts'
import { elements, input, output, type Shape, showShape, type Tensor } from '../tensor.ts'
import { itemKernel } from './wgsl.ts'

interface Attrs {
  readonly patch: number
  /** Shape of the images [B, H, W, C]. */
  readonly image: Shape
}

/** Every element of the patches with its place in the images: rows are (b, patch y, patch x), columns (c, y, x). */
function visit({ patch, image: [batch, height, width, channels] }: Attrs, element: (patchIndex: number, imageIndex: number) => void): void {
  let i = 0
  // Images above each other are one tall image.
  for (let y0 = 0; y0 < batch * height; y0 += patch)
    for (let x0 = 0; x0 < width; x0 += patch)
      for (let c = 0; c < channels; c++)
        for (let y = y0; y < y0 + patch; y++) for (let x = x0; x < x0 + patch; x++) element(i++, (y * width + x) * channels + c)
}

const indexWgsl = ({ patch, image: [, , width, channels] }: Attrs): string => {
  const columns = patch * patch * channels
  const across = width / patch
  return `  let row = i / ${columns}u;
  let column = i % ${columns}u;
  let y = row / ${across}u * ${patch}u + column / ${patch}u % ${patch}u;
  let x = row % ${across}u * ${patch}u + column % ${patch}u;
  let at = (y * ${width}u + x) * ${channels}u + column / ${patch * patch}u;
`
}

const PATCHIFY: Op<Attrs> = {
  name: 'patchify',
  shape: ([image], { patch }) => {
    const [batch, height, width, channels] = image.shape
    if (image.shape.length !== 4 || height % patch !== 0 || width % patch !== 0)
      throw new Error(`patchify: image must be [B, H, W, C] with H and W multiples of ${patch}, got ${showShape(image.shape)}; resize it first`)
    return [{ shape: [batch * (height / patch) * (width / patch), patch * patch * channels], dtype: 'f32' }]
  },
  wgsl: ({ inputs: [image] }, attrs) => ({
    dispatches: [
      itemKernel({
        label: 'patchify',
        reads: [{ name: 'image', ref: input(0) }],
        writes: [{ name: 'patches', ref: output(0) }],
        items: elements(image.shape),
        body: `${indexWgsl(attrs)}  patches[i] = image[at];`,
      }),
    ],
  }),
  reference: ([image], [patches], _, attrs) => {
    visit(attrs, (i, at) => {
      patches[i] = image[at]
    })
  },
  backward: ({ grads: [dy], attrs }) => [dy && apply1(UNPATCHIFY, [dy], attrs)],
}

/** The inverse permutation, which is also the gradient. */
const UNPATCHIFY: Op<Attrs> = {
  name: 'unpatchify',
  shape: (_, { image }) => [{ shape: image, dtype: 'f32' }],
  wgsl: (_, attrs) => ({
    dispatches: [
      itemKernel({
        label: 'unpatchify',
        reads: [{ name: 'patches', ref: input(0) }],
        writes: [{ name: 'image', ref: output(0) }],
        items: elements(attrs.image),
        body: `${indexWgsl(attrs)}  image[at] = patches[i];`,
      }),
    ],
  }),
  reference: ([patches], [image], _, attrs) => {
    visit(attrs, (i, at) => {
      image[at] = patches[i]
    })
  },
  backward: ({ grads: [dy], attrs }) => [dy && apply1(PATCHIFY, [dy], attrs)],
}

/**
 * image [B, H, W, C] -> [B · H/p · W/p, p·p·C]; columns in the order (C, y, x) of a convolution weight [out, C, p, p], so that the embedding is one
 * matrix product. Throws when the patch does not divide H and W.
 */
export function patchify(image: Tensor, patch: number): Tensor {
  return apply1(PATCHIFY, [image], { patch, image: image.shape })
}
