/** Repeating, cutting and joining along the first axis. The trailing axes are folded into one row width C. */
import { apply1, type Op } from '../op.ts'
import { elements, input, lastAxis, output, reshape, rowCount, sameShape, showShape, type Tensor, type TensorType } from '../tensor.ts'
import { concat, sliceColumns } from './concat.ts'
import { itemKernel } from './wgsl.ts'

type Times = { readonly times: number }
const GRAIN = 1024

/** Numbers per entry of the first axis. */
const widthOf = (x: TensorType): number => elements(x.shape.slice(1))

function repeatedShape(name: string, x: TensorType, times: number): TensorType[] {
  if (x.shape.length === 0 || !Number.isInteger(times) || times < 1)
    throw new Error(`${name}: ${showShape(x.shape)} ${times} times; need at least one axis and a whole number of at least 1`)
  return [{ shape: [x.shape[0] * times, ...x.shape.slice(1)], dtype: x.dtype }]
}

function summedShape(name: string, x: TensorType, times: number): TensorType[] {
  if (x.shape.length === 0 || !Number.isInteger(times) || times < 1 || x.shape[0] % times !== 0)
    throw new Error(`${name}: the first axis of ${showShape(x.shape)} is not a multiple of ${times}`)
  return [{ shape: [x.shape[0] / times, ...x.shape.slice(1)], dtype: 'f32' }]
}

const REPEAT_ROWS: Op<Times> = {
  name: 'repeatRows',
  shape: ([x], { times }) => repeatedShape('repeatRows', x, times),
  wgsl: ({ inputs: [x], outputs: [y] }, { times }) => ({
    dispatches: [
      itemKernel({
        label: 'repeatRows',
        reads: [{ name: 'x', ref: input(0), dtype: x.dtype }],
        writes: [{ name: 'y', ref: output(0), dtype: y.dtype }],
        items: elements(y.shape),
        body: `  y[i] = x[i / ${widthOf(x) * times}u * ${widthOf(x)}u + i % ${widthOf(x)}u];`,
      }),
    ],
  }),
  reference: ([x], [y], { inputs }, { times }) => {
    const width = widthOf(inputs[0])
    for (let r = 0; r * width < y.length; r++) {
      const from = Math.floor(r / times) * width
      y.set(x.subarray(from, from + width), r * width)
    }
  },
  simd: ({ inputs: [x], outputs: [y] }, { times }) => ({
    calls: [{ kernel: 'repeatRows', items: y.shape[0], grain: GRAIN, args: [input(0), output(0), { i32: widthOf(x) }, { i32: times }] }],
  }),
  backward: ({ grads: [dy], attrs: { times } }) => [dy && sumRowGroups(dy, times)],
}

const SUM_ROW_GROUPS: Op<Times> = {
  name: 'sumRowGroups',
  shape: ([x], { times }) => summedShape('sumRowGroups', x, times),
  wgsl: ({ outputs: [y] }, { times }) => ({
    dispatches: [
      itemKernel({
        label: 'sumRowGroups',
        reads: [{ name: 'x', ref: input(0) }],
        writes: [{ name: 'y', ref: output(0) }],
        items: elements(y.shape),
        body: `  let begin = i / ${widthOf(y)}u * ${widthOf(y) * times}u + i % ${widthOf(y)}u;
  var s = 0.0;
  for (var j = 0u; j < ${times}u; j++) { s += x[begin + j * ${widthOf(y)}u]; }
  y[i] = s;`,
      }),
    ],
  }),
  reference: ([x], [y], { outputs }, { times }) => {
    const width = widthOf(outputs[0])
    for (let i = 0; i < y.length; i++) {
      const begin = Math.floor(i / width) * width * times + (i % width)
      let s = 0
      for (let j = 0; j < times; j++) s += x[begin + j * width]
      y[i] = s
    }
  },
  simd: ({ outputs: [y] }, { times }) => ({
    calls: [{ kernel: 'sumRowGroups', items: y.shape[0], grain: GRAIN, args: [input(0), output(0), { i32: widthOf(y) }, { i32: times }] }],
  }),
  backward: ({ grads: [dy], attrs: { times } }) => [dy && repeatRows(dy, times)],
}

const REPEAT_ALL: Op<Times> = {
  name: 'repeatAll',
  shape: ([x], { times }) => repeatedShape('repeatAll', x, times),
  wgsl: ({ inputs: [x], outputs: [y] }) => ({
    dispatches: [
      itemKernel({
        label: 'repeatAll',
        reads: [{ name: 'x', ref: input(0), dtype: x.dtype }],
        writes: [{ name: 'y', ref: output(0), dtype: y.dtype }],
        items: elements(y.shape),
        body: `  y[i] = x[i % ${elements(x.shape)}u];`,
      }),
    ],
  }),
  reference: ([x], [y], _, { times }) => {
    for (let j = 0; j < times; j++) y.set(x, j * x.length)
  },
  simd: ({ inputs: [x] }, { times }) => {
    const block = { i32: elements(x.shape) }
    return {
      calls: [{ kernel: 'copyColumns', items: times, grain: 1, args: [input(0), output(0), { i32: 0 }, { i32: 0 }, block, { i32: 0 }, block] }],
    }
  },
  backward: ({ grads: [dy], attrs: { times } }) => [dy && sumRepeats(dy, times)],
}

const SUM_REPEATS: Op<Times> = {
  name: 'sumRepeats',
  shape: ([x], { times }) => summedShape('sumRepeats', x, times),
  wgsl: ({ outputs: [y] }, { times }) => ({
    dispatches: [
      itemKernel({
        label: 'sumRepeats',
        reads: [{ name: 'x', ref: input(0) }],
        writes: [{ name: 'y', ref: output(0) }],
        items: elements(y.shape),
        body: `  var s = 0.0;\n  for (var j = 0u; j < ${times}u; j++) { s += x[i + j * ${elements(y.shape)}u]; }\n  y[i] = s;`,
      }),
    ],
  }),
  reference: ([x], [y], _, { times }) => {
    for (let i = 0; i < y.length; i++) {
      let s = 0
      for (let j = 0; j < times; j++) s += x[i + j * y.length]
      y[i] = s
    }
  },
  simd: ({ outputs: [y] }, { times }) => {
    const block = elements(y.shape)
    return {
      calls: [{ kernel: 'reducePartials', items: block, grain: 4096, args: [input(0), output(0), { i32: times }, { i32: block }, { i32: 0 }] }],
    }
  },
  backward: ({ grads: [dy], attrs: { times } }) => [dy && repeatAll(dy, times)],
}

/** Each row `times` times in a row: [R, C] -> [R * times, C]; row r goes to r * times ... r * times + times - 1. */
export const repeatRows = (x: Tensor, times: number): Tensor => apply1(REPEAT_ROWS, [x], { times })
/** What `repeatRows` made x of, and how often; x itself, once, where it is something else. Kernels that read rows by number need no copies. */
export function beforeRepeat(x: Tensor): { rows: Tensor; times: number } {
  const { source } = x
  if (source.kind !== 'node' || source.node.name !== REPEAT_ROWS.name) return { rows: x, times: 1 }
  const [rows] = source.node.inputs
  // a detached copy: gradients stop here
  if (source.node.outputs[0].source !== source || lastAxis(rows.shape) !== lastAxis(x.shape)) return { rows: x, times: 1 }
  return { rows, times: rowCount(x.shape) / rowCount(rows.shape) }
}
/** Adjoint of repeatRows, the sum of each `times` consecutive rows: [R * times, C] -> [R, C]. Throws when they do not divide. */
export const sumRowGroups = (x: Tensor, times: number): Tensor => apply1(SUM_ROW_GROUPS, [x], { times })
/** The whole block `times` times: [R, C] -> [times * R, C]. */
export const repeatAll = (x: Tensor, times: number): Tensor => apply1(REPEAT_ALL, [x], { times })
/** Adjoint of repeatAll, the sum of the `times` blocks: [times * R, C] -> [R, C]. Throws when they do not divide. */
export const sumRepeats = (x: Tensor, times: number): Tensor => apply1(SUM_REPEATS, [x], { times })

/** Rows [begin, end): [R, C] -> [end - begin, C]. Throws when they are not inside the first axis. */
export function sliceRows(x: Tensor, begin: number, end: number): Tensor {
  if (!(x.shape.length > 0 && begin >= 0 && begin < end && end <= x.shape[0]))
    throw new Error(`sliceRows: rows ${begin} to ${end} of ${showShape(x.shape)}; need 0 <= begin < end <= ${x.shape[0] ?? 0}`)
  const width = widthOf(x)
  return reshape(sliceColumns(reshape(x, [x.length]), begin * width, end * width), [end - begin, ...x.shape.slice(1)])
}

/** Joins along the first axis: [a, C], [b, C] -> [a + b, C]. Throws when the other axes differ or there are no parts. */
export function concatRows(parts: readonly Tensor[]): Tensor {
  if (parts.length === 0) throw new Error('concatRows: no parts given')
  const [first] = parts
  for (const part of parts) {
    if (part.shape.length === 0 || !sameShape(part.shape.slice(1), first.shape.slice(1)))
      throw new Error(`concatRows: ${showShape(part.shape)} and ${showShape(first.shape)} differ after the first axis; reshape them first`)
  }
  const rows = parts.reduce((total, part) => total + part.shape[0], 0)
  return reshape(concat(parts.map(part => reshape(part, [part.length]))), [rows, ...first.shape.slice(1)])
}
