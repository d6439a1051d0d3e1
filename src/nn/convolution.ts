/** Convolution of pictures as matrix products of their windows, in bands that fit into memory. Forward only. */
import { type Activation, dense } from '../tensor/ops/dense.ts'
import { concatRows } from '../tensor/ops/rows.ts'
import { unfold, type Windows, windowGrid } from '../tensor/ops/unfold.ts'
import { rowRanges } from '../tensor/rowBlocks.ts'
import { reshape, showShape, type Tensor } from '../tensor/tensor.ts'

/** Bytes of a band's windows, at most: half of what every WebGPU device binds. */
const BAND_BYTES = 2 ** 26

export interface ConvolutionOptions extends Windows {
  readonly activation?: Activation
  readonly bandBytes?: number
}

/**
 * image [B, H, W, C], kernel [k·k·C, out] (rows in the order y, x, C), bias [out] -> [B, H', W', out], as torch's conv2d (which correlates).
 * Throws when the kernel does not fit the image's channels.
 */
export function convolution(
  image: Tensor,
  kernel: Tensor,
  bias: Tensor,
  { activation = 'none', bandBytes = BAND_BYTES, ...windows }: ConvolutionOptions,
): Tensor {
  const [down, across] = windowGrid('convolution', image.shape, windows)
  const [batch, , , channels] = image.shape
  const columns = windows.size ** 2 * channels
  const [nIn, nOut] = kernel.shape
  if (nIn !== columns)
    throw new Error(
      `convolution: kernel ${showShape(kernel.shape)} for ${windows.size}x${windows.size} windows of ${channels} channels, ${columns} rows`,
    )
  const lines = batch * down
  const bands = Math.min(lines, Math.ceil((lines * across * columns * 4) / bandBytes))
  const parts = rowRanges(lines, bands).map(([begin, end]) => dense(unfold(image, windows, begin, end), kernel, bias, activation))
  return reshape(parts.length === 1 ? parts[0] : concatRows(parts), [batch, down, across, nOut])
}

/** A kernel as torch stores it, [out, C, k, k], in the order of `convolution`, [k·k·C, out]. */
export function kernelRows(weight: Float32Array, [nOut, channels, size]: readonly number[]): Float32Array {
  const area = size * size
  const rows = new Float32Array(weight.length)
  for (let o = 0, from = 0; o < nOut; o++)
    for (let c = 0; c < channels; c++) for (let p = 0; p < area; p++) rows[(p * channels + c) * nOut + o] = weight[from++]
  return rows
}
