/**
 * The windows of a convolution as rows (im2col), so that the convolution is one matrix product: image [B, H, W, C] -> [rows · W', k·k·C], columns in
 * the order (y, x, C), zeros outside the image. Rows of windows [begin, end) of the B · H' there are: a picture in bands needs less memory. Forward only.
 */
import { apply1, type Op } from '../op.ts'
import { elements, input, output, type Shape, showShape, type Tensor } from '../tensor.ts'
import { itemKernel } from './wgsl.ts'

export interface Windows {
  /** Side of a window, px. */
  readonly size: number
  readonly stride: number
  /** Zeros around the image. */
  readonly padding: number
}

interface Attrs extends Windows {
  readonly begin: number
  readonly end: number
}

/** Windows along an axis of `length` px: floor((length + 2 · padding − size) / stride) + 1. */
export const windowsAlong = (length: number, { size, stride, padding }: Windows): number => Math.floor((length + 2 * padding - size) / stride) + 1

/** [B, H, W, C] -> windows down and across. Throws for another shape and where no window fits. */
export function windowGrid(op: string, image: Shape, windows: Windows): [down: number, across: number] {
  if (image.length !== 4) throw new Error(`${op}: image must be [B, H, W, C], got ${showShape(image)}`)
  const [down, across] = [windowsAlong(image[1], windows), windowsAlong(image[2], windows)]
  if (down < 1 || across < 1)
    throw new Error(`${op}: no ${windows.size}x${windows.size} window fits into ${image[2]}x${image[1]} px; give a larger picture`)
  return [down, across]
}

const UNFOLD: Op<Attrs> = {
  name: 'unfold',
  shape: ([image], attrs) => {
    const [down, across] = windowGrid('unfold', image.shape, attrs)
    const { begin, end, size } = attrs
    const rows = image.shape[0] * down
    if (!(0 <= begin && begin < end && end <= rows)) throw new Error(`unfold: rows ${begin} to ${end} of ${rows}; give a range inside`)
    return [{ shape: [(end - begin) * across, size * size * image.shape[3]], dtype: 'f32' }]
  },
  wgsl: ({ inputs: [image], outputs: [rows] }, attrs) => {
    const [, height, width, channels] = image.shape
    const [down, across] = windowGrid('unfold', image.shape, attrs)
    const { size, stride, padding, begin } = attrs
    const columns = size * size * channels
    return {
      dispatches: [
        itemKernel({
          label: 'unfold',
          reads: [{ name: 'image', ref: input(0) }],
          writes: [{ name: 'rows', ref: output(0) }],
          items: elements(rows.shape),
          body: `  let row = i / ${columns}u;
  let column = i % ${columns}u;
  let line = ${begin}u + row / ${across}u;
  let y = i32(line % ${down}u * ${stride}u + column / ${size * channels}u) - ${padding};
  let x = i32(row % ${across}u * ${stride}u + column / ${channels}u % ${size}u) - ${padding};
  let inside = y >= 0 && y < ${height} && x >= 0 && x < ${width};
  let at = ((line / ${down}u * ${height}u + u32(max(y, 0))) * ${width}u + u32(max(x, 0))) * ${channels}u + column % ${channels}u;
  rows[i] = select(0.0, image[min(at, ${elements(image.shape) - 1}u)], inside);`,
        }),
      ],
    }
  },
  reference: ([image], [rows], { inputs }, attrs) => {
    const [, height, width, channels] = inputs[0].shape
    const [down, across] = windowGrid('unfold', inputs[0].shape, attrs)
    const { size, stride, padding, begin, end } = attrs
    let at = 0
    for (let line = begin; line < end; line++) {
      const top = Math.floor(line / down) * height
      for (let ox = 0; ox < across; ox++) {
        const left = ox * stride - padding
        // the columns of one line of a window lie side by side in the image
        const [from, to] = [Math.max(0, left), Math.min(width, left + size)]
        for (let ky = 0; ky < size; ky++, at += size * channels) {
          const y = (line % down) * stride + ky - padding
          if (y < 0 || y >= height || to <= from) {
            rows.fill(0, at, at + size * channels)
            continue
          }
          const start = ((top + y) * width + from) * channels
          rows.fill(0, at, at + (from - left) * channels)
          rows.set(image.subarray(start, start + (to - from) * channels), at + (from - left) * channels)
          rows.fill(0, at + (to - left) * channels, at + size * channels)
        }
      }
    }
  },
}

/** Lines of windows [begin, end) as rows [(end − begin) · W', k·k·C]. Throws for a shape that is no batch of images, and for lines that are not there. */
export function unfold(image: Tensor, windows: Windows, begin: number, end: number): Tensor {
  return apply1(UNFOLD, [image], { ...windows, begin, end })
}
