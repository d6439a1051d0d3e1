/** Windowed frequency encoding (Nerfies Eq. 4 and 5): w_k sin(2^k x), w_k sin(2^k x + pi/2) for the bands k; no factor pi, no identity. */
import { apply1, type Op, type Types } from '../op.ts'
import { input, lastAxis, output, rowCount, showShape, type Tensor } from '../tensor.ts'
import { SIN_COS_WGSL } from './sinCos.ts'
import { float, itemKernel } from './wgsl.ts'

interface Bands {
  /** Exponent of the lowest frequency. */
  readonly minBand: number
  /** Number of bands. */
  readonly bands: number
}
const GRAIN = 1024

const ENCODE: Op<Bands & { windowed: boolean }> = {
  name: 'frequencyEncoding',
  shape: ([x, window], { bands, minBand }) => {
    if (x.shape.length === 0) throw new Error('frequencyEncoding: needs points [Q, C], got a scalar')
    if (!(bands >= 1 && Number.isInteger(bands) && Number.isInteger(minBand)))
      throw new Error(`frequencyEncoding: ${bands} bands from ${minBand}; give whole numbers, at least 1 band`)
    if (window && window.shape[0] !== bands) throw new Error(`frequencyEncoding: window ${showShape(window.shape)} for ${bands} bands`)
    return [{ shape: [...x.shape.slice(0, -1), 2 * lastAxis(x.shape) * bands], dtype: 'f32' }]
  },
  // One invocation writes the sine and the cosine of one band of one coordinate.
  wgsl: ({ inputs: [x] }, { minBand, bands, windowed }) => {
    const channels = lastAxis(x.shape)
    return {
      dispatches: [
        itemKernel({
          label: 'frequencyEncoding',
          reads: [{ name: 'x', ref: input(0) }, ...(windowed ? [{ name: 'window', ref: input(1) }] : [])],
          writes: [{ name: 'y', ref: output(0) }],
          declarations: SIN_COS_WGSL,
          items: rowCount(x.shape) * bands * channels,
          body: `  let c = i % ${channels}u;
  let k = i / ${channels}u % ${bands}u;
  let row = i / ${channels * bands}u;
  let wave = sinCos(ldexp(x[row * ${channels}u + c], i32(k) + (${minBand})))${windowed ? ' * window[k]' : ''};
  let begin = (row * ${bands}u + k) * ${2 * channels}u + c;
  y[begin] = wave.x;
  y[begin + ${channels}u] = wave.y;`,
        }),
      ],
    }
  },
  reference: ([x, window], [y], { inputs }, { minBand, bands }) => {
    const channels = lastAxis(inputs[0].shape)
    for (let i = 0; i < x.length; i++) {
      const begin = Math.floor(i / channels) * 2 * channels * bands + (i % channels)
      for (let k = 0; k < bands; k++) {
        const weight = window ? window[k] : 1
        y[begin + 2 * k * channels] = weight * Math.sin(2 ** (k + minBand) * x[i])
        y[begin + (2 * k + 1) * channels] = weight * Math.cos(2 ** (k + minBand) * x[i])
      }
    }
  },
  simd: (types, attrs) => simdCall('frequencyEncoding', types, attrs),
  backward: ({ inputs, grads: [dy], needs, attrs }) => {
    if (needs[1]) throw new Error('frequencyEncoding: the window has no gradient; detach it')
    return [dy && apply1(ENCODE_BACKWARD, [inputs[0], dy, ...inputs.slice(1)], attrs)]
  },
}

/** dx = sum over bands of w_k 2^k (cos(2^k x) dy_sin - sin(2^k x) dy_cos). Inputs: x, dy, window. */
const ENCODE_BACKWARD: Op<Bands & { windowed: boolean }> = {
  name: 'frequencyEncodingBackward',
  shape: ([x]) => [{ shape: x.shape, dtype: 'f32' }],
  wgsl: ({ inputs: [x] }, { minBand, bands, windowed }) => {
    const channels = lastAxis(x.shape)
    return {
      dispatches: [
        itemKernel({
          label: 'frequencyEncodingBackward',
          reads: [{ name: 'x', ref: input(0) }, { name: 'dy', ref: input(1) }, ...(windowed ? [{ name: 'window', ref: input(2) }] : [])],
          writes: [{ name: 'dx', ref: output(0) }],
          declarations: SIN_COS_WGSL,
          items: rowCount(x.shape) * channels,
          body: `  let begin = i / ${channels}u * ${2 * channels * bands}u + i % ${channels}u;
  var s = 0.0;
  var scale = ${float(2 ** minBand)};
  for (var k = 0u; k < ${bands}u; k++) {
    let wave = sinCos(scale * x[i]);
    let at = begin + k * ${2 * channels}u;
    s += ${windowed ? 'window[k] * ' : ''}scale * (wave.y * dy[at] - wave.x * dy[at + ${channels}u]);
    scale *= 2.0;
  }
  dx[i] = s;`,
        }),
      ],
    }
  },
  reference: ([x, dy, window], [dx], { inputs }, { minBand, bands }) => {
    const channels = lastAxis(inputs[0].shape)
    for (let i = 0; i < x.length; i++) {
      const begin = Math.floor(i / channels) * 2 * channels * bands + (i % channels)
      let s = 0
      for (let k = 0; k < bands; k++) {
        const scale = 2 ** (k + minBand)
        const at = begin + 2 * k * channels
        s += (window ? window[k] : 1) * scale * (Math.cos(scale * x[i]) * dy[at] - Math.sin(scale * x[i]) * dy[at + channels])
      }
      dx[i] = s
    }
  },
  simd: (types, attrs) => simdCall('frequencyEncodingBackward', types, attrs),
}

function simdCall(kernel: string, { inputs: [x] }: Types, { minBand, bands, windowed }: Bands & { windowed: boolean }) {
  const backward = kernel === 'frequencyEncodingBackward'
  const window = windowed ? input(backward ? 2 : 1) : { i32: 0 }
  const sizes = [{ i32: lastAxis(x.shape) }, { i32: minBand }, { i32: bands }]
  return {
    calls: [{ kernel, items: rowCount(x.shape), grain: GRAIN, args: [input(0), window, ...(backward ? [input(1)] : []), output(0), ...sizes] }],
  }
}

/**
 * Points [Q, C] -> features [Q, 2 * C * bands]: for each band k in [minBand, minBand + bands) first sin(2^k x) of all coordinates,
 * then sin(2^k x + pi/2) of all; both times window[k - minBand] when a window [bands] is given. The window gets no gradient.
 */
export function frequencyEncoding(x: Tensor, { minBand, bands, window }: Bands & { readonly window?: Tensor }): Tensor {
  return apply1(ENCODE, window ? [x, window] : [x], { minBand, bands, windowed: window !== undefined })
}

/** Weight of each band as alpha goes from 0 (all closed) to `bands` (all open): 0.5 (1 + cos(pi clip(alpha - k, 0, 1) + pi)). Nerfies Eq. 5. */
export function cosineWindow(alpha: number, bands: number): Float32Array {
  // (1 + cos(pi t + pi)) / 2 = sin^2(pi t / 2), which is exactly 0 at t = 0
  return Float32Array.from({ length: bands }, (_, k) => Math.sin((Math.PI / 2) * Math.min(Math.max(alpha - k, 0), 1)) ** 2)
}
