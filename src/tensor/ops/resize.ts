/**
 * Image resampling as Pillow, torch (antialias) and jax.image.resize do it: half-pixel centres, the filter widened by the shrink factor, weights
 * renormalised at the border; one axis after the other. With input size n, output size m, output i and input j lie ((2i+1) n − (2j+1) m) / 2m
 * input pixels apart: an integer numerator, so that weights computed on the fly are exact to rounding.
 */
import { apply1, type Op } from '../op.ts'
import { elements, input, output, type Shape, type SimdWork, showShape, type Tensor } from '../tensor.ts'
import { float, itemKernel } from './wgsl.ts'

export type ResizeFilter = 'bilinear' | 'bicubic'

export interface ResizeOptions {
  /** Size of the whole resized image. */
  readonly height: number
  readonly width: number
  readonly filter: ResizeFilter
  /** Widen the filter when shrinking (default true; false only where a caller must match a plain interpolation). */
  readonly antialias?: boolean
  /** Keep only this window of the resized image. */
  readonly crop?: { readonly top: number; readonly left: number; readonly height: number; readonly width: number }
}

/** Bicubic with a = −0.5 (Catmull–Rom), as Pillow and torch's antialias have it. */
const FILTERS = {
  bilinear: { radius: 1, js: (d: number) => Math.max(1 - d, 0), wgsl: 'max(1.0 - d, 0.0)' },
  bicubic: {
    radius: 2,
    js: (d: number) => (d < 1 ? (1.5 * d - 2.5) * d * d + 1 : d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0),
    wgsl: 'select(select(0.0, ((-0.5 * d + 2.5) * d - 4.0) * d + 2.0, d < 2.0), (1.5 * d - 2.5) * d * d + 1.0, d < 1.0)',
  },
}

/** x [outer, from, inner] -> [outer, count, inner]: outputs offset … offset + count of the `to` that the axis is resized to. */
interface AxisAttrs {
  readonly outer: number
  readonly inner: number
  readonly from: number
  readonly to: number
  readonly offset: number
  readonly count: number
  readonly filter: ResizeFilter
  readonly antialias: boolean
  /** Shape of the result. */
  readonly shape: Shape
}

/** Distances are numerators over this many parts of one filter unit. */
const partsOf = ({ from, to, antialias }: AxisAttrs): number => 2 * (antialias ? Math.max(from, to) : to)

interface Tap {
  readonly source: number
  readonly weight: number
}

/** Inputs and weights of output i; the weights add up to 1. */
function tapsOf(i: number, attrs: AxisAttrs): Tap[] {
  const { from, to, filter } = attrs
  const { radius, js } = FILTERS[filter]
  const parts = partsOf(attrs)
  const centre = (2 * i + 1) * from
  const taps: Tap[] = []
  let total = 0
  for (let j = Math.max(Math.floor((centre - radius * parts) / (2 * to)), 0); j < from && (2 * j + 1) * to < centre + radius * parts; j++) {
    const weight = js(Math.abs(centre - (2 * j + 1) * to) / parts)
    if (weight === 0) continue
    taps.push({ source: j, weight })
    total += weight
  }
  return taps.map(({ source, weight }) => ({ source, weight: weight / total }))
}

/** `weight(i, j)` unnormalised, `firstTap(i)`, `lastTap(i)` inclusive, `total(i)`; i counts the whole resized axis. */
function tapsWgsl(attrs: AxisAttrs): string {
  const { from, to, filter } = attrs
  const { radius, wgsl } = FILTERS[filter]
  const parts = partsOf(attrs)
  return `fn weight(i: i32, j: i32) -> f32 {
  let d = f32(abs((2 * i + 1) * ${from} - (2 * j + 1) * ${to})) / ${float(parts)};
  return ${wgsl};
}
fn firstTap(i: i32) -> i32 { return max((2 * i + 1) * ${from} - ${radius * parts}, 0) / ${2 * to}; }
fn lastTap(i: i32) -> i32 { return min(((2 * i + 1) * ${from} + ${radius * parts}) / ${2 * to}, ${from - 1}); }
fn total(i: i32) -> f32 {
  var s = 0.0;
  for (var j = firstTap(i); j <= lastTap(i); j++) { s += weight(i, j); }
  return s;
}
`
}

const RESIZE_AXIS: Op<AxisAttrs> = {
  name: 'resizeAxis',
  shape: (_, { shape }) => [{ shape, dtype: 'f32' }],
  wgsl: (_, attrs) => {
    const { outer, inner, from, offset, count } = attrs
    const body = `  let k = i % ${inner}u;
  let to = i32(i / ${inner}u % ${count}u) + ${offset};
  let at = i / ${inner * count}u * ${from * inner}u + k;
  var s = 0.0;
  for (var j = firstTap(to); j <= lastTap(to); j++) { s += weight(to, j) * x[at + u32(j) * ${inner}u]; }
  y[i] = s / total(to);`
    return {
      dispatches: [
        itemKernel({
          label: 'resizeAxis',
          reads: [{ name: 'x', ref: input(0) }],
          writes: [{ name: 'y', ref: output(0) }],
          declarations: tapsWgsl(attrs),
          items: outer * count * inner,
          body,
        }),
      ],
    }
  },
  simd: (_, attrs) => simdCall('resizeAxis', attrs.outer * attrs.count, attrs),
  reference: ([x], [y], _, attrs) => {
    const { outer, inner, from, offset, count } = attrs
    const sums = new Float64Array(inner)
    for (let i = 0; i < count; i++) {
      const taps = tapsOf(i + offset, attrs)
      for (let o = 0; o < outer; o++) {
        sums.fill(0)
        for (const { source, weight } of taps) {
          const at = (o * from + source) * inner
          for (let k = 0; k < inner; k++) sums[k] += weight * x[at + k]
        }
        y.set(sums, (o * count + i) * inner)
      }
    }
  },
  backward: ({ inputs: [x], grads: [dy], attrs }) => [dy && apply1(RESIZE_AXIS_BACKWARD, [dy], { ...attrs, shape: x.shape })],
}

function simdCall(kernel: string, items: number, attrs: AxisAttrs): SimdWork {
  const { inner, from, to, offset, count, filter } = attrs
  const numbers = [inner, from, to, offset, count, partsOf(attrs), FILTERS[filter].radius - 1].map(i32 => ({ i32 }))
  // about 4,096 floats per task
  return { calls: [{ kernel, items, grain: Math.max(1, Math.ceil(4096 / inner)), args: [input(0), output(0), ...numbers] }] }
}

/** The adjoint: input j gathers from every output whose filter reaches it. */
const RESIZE_AXIS_BACKWARD: Op<AxisAttrs> = {
  name: 'resizeAxisBackward',
  shape: (_, { shape }) => [{ shape, dtype: 'f32' }],
  wgsl: (_, attrs) => {
    const { outer, inner, from, to, offset, count, filter } = attrs
    const reach = FILTERS[filter].radius * partsOf(attrs)
    const body = `  let k = i % ${inner}u;
  let j = i32(i / ${inner}u % ${from}u);
  let at = i / ${inner * from}u * ${count * inner}u + k;
  let first = max(max((2 * j + 1) * ${to} - ${reach}, 0) / ${2 * from}, ${offset});
  let last = min(((2 * j + 1) * ${to} + ${reach}) / ${2 * from}, ${offset + count - 1});
  var s = 0.0;
  for (var o = first; o <= last; o++) { s += weight(o, j) / total(o) * dy[at + u32(o - ${offset}) * ${inner}u]; }
  dx[i] = s;`
    return {
      dispatches: [
        itemKernel({
          label: 'resizeAxisBackward',
          reads: [{ name: 'dy', ref: input(0) }],
          writes: [{ name: 'dx', ref: output(0) }],
          declarations: tapsWgsl(attrs),
          items: outer * from * inner,
          body,
        }),
      ],
    }
  },
  simd: (_, attrs) => simdCall('resizeAxisBackward', attrs.outer * attrs.from, attrs),
  reference: ([dy], [dx], _, attrs) => {
    const { outer, inner, from, offset, count } = attrs
    const sums = new Float64Array(outer * from * inner)
    for (let i = 0; i < count; i++) {
      for (const { source, weight } of tapsOf(i + offset, attrs)) {
        for (let o = 0; o < outer; o++) {
          const to = (o * from + source) * inner
          const at = (o * count + i) * inner
          for (let k = 0; k < inner; k++) sums[to + k] += weight * dy[at + k]
        }
      }
    }
    dx.set(sums)
  },
}

/**
 * Resized images: x [H, W, C] or [B, H, W, C] -> [..., h, w, C], in x's own value range (bicubic overshoots it).
 * On bytes, Pillow and torch round to bytes after the columns' pass as well: resize the width alone, round, then the height.
 * Throws for another rank, a size below 1 or a crop outside the resized image.
 */
export function resizeImage(x: Tensor, { height, width, filter, antialias = true, crop }: ResizeOptions): Tensor {
  if (x.shape.length !== 3 && x.shape.length !== 4) throw new Error(`resizeImage: image must be [H, W, C] or [B, H, W, C], got ${showShape(x.shape)}`)
  const window = crop ?? { top: 0, left: 0, height, width }
  const inside = window.top >= 0 && window.left >= 0 && window.top + window.height <= height && window.left + window.width <= width
  if (!(height >= 1 && width >= 1 && window.height >= 1 && window.width >= 1 && inside)) {
    const { top, left, height: h, width: w } = window
    throw new Error(`resizeImage: window of ${h} x ${w} at row ${top}, column ${left} does not fit into the resized image of ${height} x ${width}`)
  }
  const [h, w, channels] = x.shape.slice(-3)
  const batch = x.shape.slice(0, -3)
  const axis = (image: Tensor, attrs: Omit<AxisAttrs, 'filter' | 'antialias'>): Tensor =>
    attrs.from === attrs.to && attrs.count === attrs.to ? image : apply1(RESIZE_AXIS, [image], { ...attrs, filter, antialias })
  const rows = axis(x, {
    outer: elements(batch),
    inner: w * channels,
    from: h,
    to: height,
    offset: window.top,
    count: window.height,
    shape: [...batch, window.height, w, channels],
  })
  return axis(rows, {
    outer: elements(batch) * window.height,
    inner: channels,
    from: w,
    to: width,
    offset: window.left,
    count: window.width,
    shape: [...batch, window.height, window.width, channels],
  })
}
