/** The largest value of every window, channel by channel: image [B, H, W, C] -> [B, H', W', C], no padding. Forward only. */
import { apply1, type Op } from '../op.ts'
import { elements, input, output, type Tensor } from '../tensor.ts'
import { windowGrid } from './unfold.ts'
import { itemKernel } from './wgsl.ts'

interface Attrs {
  readonly size: number
  readonly stride: number
}

const MAX_POOL: Op<Attrs> = {
  name: 'maxPool',
  shape: ([image], attrs) => {
    const [down, across] = windowGrid('maxPool', image.shape, { ...attrs, padding: 0 })
    return [{ shape: [image.shape[0], down, across, image.shape[3]], dtype: 'f32' }]
  },
  wgsl: ({ inputs: [image], outputs: [pooled] }, { size, stride }) => {
    const [, height, width, channels] = image.shape
    const [, down, across] = pooled.shape
    return {
      dispatches: [
        itemKernel({
          label: 'maxPool',
          reads: [{ name: 'image', ref: input(0) }],
          writes: [{ name: 'pooled', ref: output(0) }],
          items: elements(pooled.shape),
          body: `  let x = i / ${channels}u % ${across}u * ${stride}u;
  let line = i / ${channels * across}u;
  let y = line / ${down}u * ${height}u + line % ${down}u * ${stride}u;
  var most = -3.4028234e38;
  for (var dy = 0u; dy < ${size}u; dy++) {
    for (var dx = 0u; dx < ${size}u; dx++) { most = max(most, image[((y + dy) * ${width}u + x + dx) * ${channels}u + i % ${channels}u]); }
  }
  pooled[i] = most;`,
        }),
      ],
    }
  },
  reference: ([image], [pooled], { inputs, outputs }, { size, stride }) => {
    const [, height, width, channels] = inputs[0].shape
    const [batch, down, across] = outputs[0].shape
    pooled.fill(Number.NEGATIVE_INFINITY)
    for (let line = 0, at = 0; line < batch * down; line++) {
      const top = Math.floor(line / down) * height + (line % down) * stride
      for (let ox = 0; ox < across; ox++, at += channels) {
        for (let dy = 0; dy < size; dy++) {
          const from = ((top + dy) * width + ox * stride) * channels
          for (let i = 0; i < size * channels; i++) {
            const c = at + (i % channels)
            if (image[from + i] > pooled[c]) pooled[c] = image[from + i]
          }
        }
      }
    }
  },
}

/** Windows of `size`² px, `stride` px apart. Throws for a shape that is no batch of images and where no window fits. */
export const maxPool = (image: Tensor, size: number, stride: number): Tensor => apply1(MAX_POOL, [image], { size, stride })
