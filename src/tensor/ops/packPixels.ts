/** Pictures as screens take them: 8 bits per channel, red lowest, opaque. */
import { apply1, type Op } from '../op.ts'
import { elements, input, output, rowCount, showShape, type Tensor } from '../tensor.ts'
import { itemKernel } from './wgsl.ts'

const PACK: Op<null> = {
  name: 'packPixels',
  shape: ([color]) => {
    if (color.shape[color.shape.length - 1] !== 3) throw new Error(`packPixels: colours must be [R, 3], got ${showShape(color.shape)}`)
    return [{ shape: [rowCount(color.shape)], dtype: 'u32' }]
  },
  wgsl: ({ outputs: [pixels] }) => ({
    dispatches: [
      itemKernel({
        label: 'packPixels',
        reads: [{ name: 'color', ref: input(0) }],
        writes: [{ name: 'pixels', ref: output(0), dtype: 'u32' }],
        items: elements(pixels.shape),
        body: '  pixels[i] = pack4x8unorm(vec4f(color[3u * i], color[3u * i + 1u], color[3u * i + 2u], 1.0));',
      }),
    ],
  }),
  reference: ([color], [pixels]) => {
    const byte = (v: number): number => Math.floor(0.5 + 255 * Math.min(Math.max(v, 0), 1))
    for (let i = 0; i < pixels.length; i++)
      pixels[i] = (byte(color[3 * i]) | (byte(color[3 * i + 1]) << 8) | (byte(color[3 * i + 2]) << 16) | 0xff000000) >>> 0
  },
}

/** Colours [R, 3] in 0..1 -> RGBA words, u32 [R]. Throws when the last axis is not 3. */
export function packPixels(color: Tensor): Tensor {
  return apply1(PACK, [color], null)
}
