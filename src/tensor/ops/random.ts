/** Counter-based random numbers: a number depends on (seed, step, stream, index) alone, so every device and thread count draws the same ones. */
import { apply1, type Op } from '../op.ts'
import { elements, input, output, type Shape, showShape, type Tensor, type TensorType } from '../tensor.ts'
import { SIN_COS_WGSL } from './sinCos.ts'
import { type Binding, float, itemKernel } from './wgsl.ts'

interface Draw {
  readonly shape: Shape
  readonly stream: number
}

/** A bijection of 32-bit words whose every output bit depends on every input bit (multiply and xor-shift, constants of lowbias32 by C. Wellons). */
function mix(word: number): number {
  let h = word
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d)
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b)
  return (h ^ (h >>> 16)) >>> 0
}

/** Two independent keys from (seed, step, stream); with a single one, draws would be shifted copies of one sequence. */
function keysOf(seed: number, step: number, stream: number): [number, number] {
  return [
    mix(mix(mix(seed + 0x9e3779b9) + step) + stream),
    mix(mix(mix((seed ^ 0x243f6a88) + 0x85a308d3) ^ Math.imul(step, 0x9e3779b1)) ^ Math.imul(stream, 0x85ebca6b)),
  ]
}

/** 32 random bits. */
const bitsAt = (index: number, [first, second]: [number, number]): number => mix(mix(index ^ first) + second)

const RANDOM_WGSL = `fn mix32(word: u32) -> u32 {
  var h = word;
  h = (h ^ (h >> 16u)) * 0x7feb352du;
  h = (h ^ (h >> 15u)) * 0x846ca68bu;
  return h ^ (h >> 16u);
}
fn bitsAt(index: u32, stream: u32) -> u32 {
  let first = mix32(mix32(mix32(seed[0] + 0x9e3779b9u) + seed[1]) + stream);
  let second = mix32(mix32(mix32((seed[0] ^ 0x243f6a88u) + 0x85a308d3u) ^ (seed[1] * 0x9e3779b1u)) ^ (stream * 0x85ebca6bu));
  return mix32(mix32(index ^ first) + second);
}
`

function checkDraw(name: string, seed: TensorType, { shape, stream }: Draw): void {
  if (seed.dtype !== 'u32' || elements(seed.shape) !== 2)
    throw new Error(`${name}: seed is ${seed.dtype} ${showShape(seed.shape)}; it must be a u32 leaf [2] of (seed, step)`)
  if (stream >>> 0 !== stream) throw new Error(`${name}: stream ${stream} is not a whole number in [0, 2^32)`)
  if (elements(shape) > 2 ** 31) throw new Error(`${name}: ${showShape(shape)} has more than 2^31 elements`)
}

interface DrawKernel {
  /** Beside the seed. */
  readonly reads?: readonly Binding[]
  readonly declarations?: string
  readonly dtype?: 'f32' | 'u32'
}

const drawKernel = (label: string, shape: Shape, body: string, { reads = [], declarations = RANDOM_WGSL, dtype = 'f32' }: DrawKernel = {}) => ({
  dispatches: [
    itemKernel({
      label,
      reads: [{ name: 'seed', ref: input(0), dtype: 'u32' }, ...reads],
      writes: [{ name: 'y', ref: output(0), dtype }],
      declarations,
      items: elements(shape),
      body,
    }),
  ],
})

/** With a second input, the spread: about 1/2, as far as it says. */
const UNIFORM: Op<Draw> = {
  name: 'uniform',
  shape: ([seed, spread], draw) => {
    checkDraw('uniform', seed, draw)
    if (spread && elements(spread.shape) !== 1) throw new Error(`uniform: spread ${showShape(spread.shape)}; it must be a scalar []`)
    return [{ shape: draw.shape, dtype: 'f32' }]
  },
  wgsl: ({ inputs }, { shape, stream }) => {
    const spread = inputs.length > 1
    const body = `  let u = f32(bitsAt(i, ${stream}u) >> 8u) * 0x1p-24f;\n  y[i] = ${spread ? '(u - 0.5) * spread[0] + 0.5' : 'u'};`
    return drawKernel('uniform', shape, body, { reads: spread ? [{ name: 'spread', ref: input(1) }] : [] })
  },
  reference: ([seed, spread], [y], _, { stream }) => {
    const keys = keysOf(seed[0], seed[1], stream)
    for (let i = 0; i < y.length; i++) {
      const u = (bitsAt(i, keys) >>> 8) * 2 ** -24
      y[i] = spread ? (u - 0.5) * spread[0] + 0.5 : u
    }
  },
}

/** Box-Muller: element i takes the draws 2i, in (0, 1], and 2i + 1. */
const NORMAL_WGSL = `fn normalAt(i: u32, stream: u32) -> f32 {
  let u = f32((bitsAt(2u * i, stream) >> 8u) + 1u) * 0x1p-24f;
  let turn = f32(bitsAt(2u * i + 1u, stream) >> 8u) * 0x1p-24f;
  return sqrt(-2.0 * log(u)) * sinCos(6.2831855 * turn).y;
}
`

/** Inputs the seed and what the numbers are added to. */
const NOISE: Op<{ readonly stream: number; readonly deviation: number }> = {
  name: 'noise',
  shape: ([seed, x], { stream }) => {
    checkDraw('noise', seed, { shape: x.shape, stream })
    return [{ shape: x.shape, dtype: 'f32' }]
  },
  wgsl: ({ inputs: [, x] }, { stream, deviation }) =>
    drawKernel('noise', x.shape, `  y[i] = x[i] + ${float(deviation)} * normalAt(i, ${stream}u);`, {
      reads: [{ name: 'x', ref: input(1) }],
      declarations: RANDOM_WGSL + SIN_COS_WGSL + NORMAL_WGSL,
    }),
  reference: ([seed, x], [y], _, { stream, deviation }) => {
    const keys = keysOf(seed[0], seed[1], stream)
    for (let i = 0; i < y.length; i++) y[i] = x[i] + deviation * normalOf(i, keys)
  },
  backward: ({ grads: [dy] }) => [undefined, dy],
}

function normalOf(i: number, keys: [number, number]): number {
  const u = ((bitsAt(2 * i, keys) >>> 8) + 1) * 2 ** -24
  const turn = (bitsAt(2 * i + 1, keys) >>> 8) * 2 ** -24
  return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * turn)
}

/** floor(bits * bound / 2^32): the high word of the 64-bit product, from 16-bit halves. */
const HIGH_WORD_WGSL = `fn highWord(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let middle = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u);
}
`

const INTEGERS: Op<Draw & { bound: number }> = {
  name: 'integers',
  shape: ([seed], draw) => {
    checkDraw('integers', seed, draw)
    if (draw.bound >>> 0 !== draw.bound || draw.bound < 1) throw new Error(`integers: bound ${draw.bound} is not a whole number in [1, 2^32)`)
    return [{ shape: draw.shape, dtype: 'u32' }]
  },
  wgsl: (_, { shape, stream, bound }) =>
    drawKernel('integers', shape, `  y[i] = highWord(bitsAt(i, ${stream}u), ${bound}u);`, {
      declarations: RANDOM_WGSL + HIGH_WORD_WGSL,
      dtype: 'u32',
    }),
  reference: ([seed], [y], _, { stream, bound }) => {
    const keys = keysOf(seed[0], seed[1], stream)
    for (let i = 0; i < y.length; i++) {
      const bits = bitsAt(i, keys)
      y[i] = Math.floor(((bits >>> 16) * bound + Math.floor(((bits & 0xffff) * bound) / 65536)) / 65536)
    }
  },
}

/**
 * f32 numbers in [0, 1), multiples of 2^-24, the same bits on every device. `seed` is a u32 leaf [2]: (seed, step); `stream` tells draws of one step apart.
 * @param spread a scalar [] in 0..1: numbers lie within half of it from 1/2
 */
export const uniform = (seed: Tensor, shape: Shape, stream: number, spread?: Tensor): Tensor =>
  apply1(UNIFORM, spread ? [seed, spread] : [seed], { shape, stream })
/** x plus normal numbers of mean 0; devices agree to about 1e-3 of the deviation only, as their logarithms differ. Seed and stream as in `uniform`. */
export const addNoise = (x: Tensor, seed: Tensor, deviation: number, stream: number): Tensor => apply1(NOISE, [seed, x], { deviation, stream })
/** u32 numbers in [0, bound), the same on every device; the bias is below bound / 2^32. Seed and stream as in `uniform`. */
export const integers = (seed: Tensor, shape: Shape, stream: number, bound: number): Tensor => apply1(INTEGERS, [seed], { shape, stream, bound })
