/** Rows brought to unit Euclidean norm: y = x / max(|x|, eps); dx = (dy - y (y . dy)) / |x|, and dy / eps below eps. */
import { apply1, type Op } from '../op.ts'
import { input, lastAxis, output, rowCount, type Tensor } from '../tensor.ts'
import { float, itemKernel } from './wgsl.ts'

const NORMALIZE: Op<number> = {
  name: 'l2Normalize',
  shape: ([x], eps) => {
    if (x.shape.length === 0) throw new Error('l2Normalize: needs at least one axis, got a scalar')
    if (!(eps > 0)) throw new Error(`l2Normalize: eps ${eps}; give a small number above 0, or a row of zeros becomes NaN`)
    return [{ shape: x.shape, dtype: 'f32' }]
  },
  wgsl: ({ inputs: [x] }, eps) => {
    const width = lastAxis(x.shape)
    return {
      dispatches: [
        itemKernel({
          label: 'l2Normalize',
          reads: [{ name: 'x', ref: input(0) }],
          writes: [{ name: 'y', ref: output(0) }],
          items: rowCount(x.shape),
          body: `  let begin = i * ${width}u;
  var s = 0.0;
  for (var c = 0u; c < ${width}u; c++) { s += x[begin + c] * x[begin + c]; }
  let norm = max(sqrt(s), ${float(eps)});
  for (var c = 0u; c < ${width}u; c++) { y[begin + c] = x[begin + c] / norm; }`,
        }),
      ],
    }
  },
  reference: ([x], [y], { inputs }, eps) => {
    const width = lastAxis(inputs[0].shape)
    for (let begin = 0; begin < x.length; begin += width) {
      let s = 0
      for (let c = 0; c < width; c++) s += x[begin + c] * x[begin + c]
      const norm = Math.max(Math.sqrt(s), eps)
      for (let c = 0; c < width; c++) y[begin + c] = x[begin + c] / norm
    }
  },
  backward: ({ inputs: [x], grads: [dy], attrs }) => [dy && apply1(NORMALIZE_BACKWARD, [x, dy], attrs)],
}

/** Inputs: x, dy. */
const NORMALIZE_BACKWARD: Op<number> = {
  name: 'l2NormalizeBackward',
  shape: ([x]) => [{ shape: x.shape, dtype: 'f32' }],
  wgsl: ({ inputs: [x] }, eps) => {
    const width = lastAxis(x.shape)
    return {
      dispatches: [
        itemKernel({
          label: 'l2NormalizeBackward',
          reads: [
            { name: 'x', ref: input(0) },
            { name: 'dy', ref: input(1) },
          ],
          writes: [{ name: 'dx', ref: output(0) }],
          items: rowCount(x.shape),
          body: `  let begin = i * ${width}u;
  var s = 0.0;
  var dot = 0.0;
  for (var c = 0u; c < ${width}u; c++) {
    s += x[begin + c] * x[begin + c];
    dot += x[begin + c] * dy[begin + c];
  }
  let norm = max(sqrt(s), ${float(eps)});
  let along = select(0.0, dot / norm / norm, sqrt(s) > ${float(eps)});
  for (var c = 0u; c < ${width}u; c++) { dx[begin + c] = (dy[begin + c] - x[begin + c] * along) / norm; }`,
        }),
      ],
    }
  },
  reference: ([x, dy], [dx], { inputs }, eps) => {
    const width = lastAxis(inputs[0].shape)
    for (let begin = 0; begin < x.length; begin += width) {
      let s = 0
      let dot = 0
      for (let c = 0; c < width; c++) {
        s += x[begin + c] * x[begin + c]
        dot += x[begin + c] * dy[begin + c]
      }
      const norm = Math.max(Math.sqrt(s), eps)
      const along = Math.sqrt(s) > eps ? dot / s : 0
      for (let c = 0; c < width; c++) dx[begin + c] = (dy[begin + c] - x[begin + c] * along) / norm
    }
  },
}

/** Rows of unit norm: [..., C] -> [..., C]; a row shorter than eps is divided by eps. Throws unless eps > 0. */
export const l2Normalize = (x: Tensor, eps = 1e-12): Tensor => apply1(NORMALIZE, [x], eps)
