/** Joining and cutting along the last axis; each is the other's gradient. */
import { apply, apply1, type Op } from '../op.ts'
import { type Dispatch, input, lastAxis, output, rowCount, sameShape, showShape, type Tensor, type TensorType } from '../tensor.ts'
import { itemKernel } from './wgsl.ts'

const GRAIN = 2048

const CONCAT: Op<null> = {
  name: 'concat',
  shape: parts => {
    const [first] = parts
    for (const part of parts) {
      if (part.shape.length === 0 || part.shape.length !== first.shape.length || !sameShape(part.shape.slice(0, -1), first.shape.slice(0, -1)))
        throw new Error(`concat: ${showShape(part.shape)} and ${showShape(first.shape)} differ before the last axis; reshape them first`)
      if (part.dtype !== first.dtype) throw new Error(`concat: ${part.dtype} beside ${first.dtype}; parts need one element type`)
    }
    return [{ shape: [...first.shape.slice(0, -1), parts.reduce((width, part) => width + lastAxis(part.shape), 0)], dtype: first.dtype }]
  },
  wgsl: ({ inputs, outputs: [y] }, _, { storageBuffers }) => {
    const dispatches: Dispatch[] = []
    const begins = columnBegins(inputs)
    const most = storageBuffers - 1
    for (let first = 0; first < inputs.length; first += most) dispatches.push(joinKernel(inputs.slice(first, first + most), first, begins[first], y))
    return { dispatches }
  },
  reference: (parts, [y], { inputs, outputs }) => {
    const total = lastAxis(outputs[0].shape)
    for (const [index, begin] of columnBegins(inputs).entries()) {
      const width = lastAxis(inputs[index].shape)
      for (let r = 0; r < rowCount(inputs[index].shape); r++) y.set(parts[index].subarray(r * width, (r + 1) * width), r * total + begin)
    }
  },
  simd: ({ inputs, outputs: [y] }) => ({
    calls: columnBegins(inputs).map((begin, index) => {
      const width = lastAxis(inputs[index].shape)
      const args = [input(index), output(0), { i32: width }, { i32: 0 }, { i32: lastAxis(y.shape) }, { i32: begin }, { i32: width }]
      return { kernel: 'copyColumns', items: rowCount(y.shape), grain: GRAIN, args }
    }),
  }),
  backward: ({ inputs, grads: [dy], needs }) => {
    if (!dy) return []
    const begins = columnBegins(inputs)
    const ranges = inputs.map((part, index) => ({ begin: begins[index], end: begins[index] + lastAxis(part.shape) }))
    const made = splitColumns(
      dy,
      ranges.filter((_, index) => needs[index]),
    )
    return needs.map(need => (need ? made.shift() : undefined))
  },
}

function columnBegins(parts: readonly TensorType[]): number[] {
  let begin = 0
  return parts.map(part => {
    const here = begin
    begin += lastAxis(part.shape)
    return here
  })
}

/** One invocation per element of the columns these parts fill. */
function joinKernel(parts: readonly TensorType[], first: number, begin: number, y: TensorType): Dispatch {
  const widths = parts.map(part => lastAxis(part.shape))
  const width = widths.reduce((a, b) => a + b, 0)
  let at = 0
  const branches = widths.map((w, index) => {
    const line = `if (c < ${at + w}u) { y[target_] = part${index}[row * ${w}u + c - ${at}u]; }`
    at += w
    return line
  })
  return itemKernel({
    label: 'concat',
    reads: parts.map((part, index) => ({ name: `part${index}`, ref: input(first + index), dtype: part.dtype })),
    writes: [{ name: 'y', ref: output(0), dtype: y.dtype }],
    items: rowCount(y.shape) * width,
    body: `  let row = i / ${width}u;\n  let c = i % ${width}u;\n  let target_ = row * ${lastAxis(y.shape)}u + ${begin}u + c;\n  ${branches.join('\n  else ')}`,
  })
}

interface Range {
  readonly begin: number
  readonly end: number
}

const SLICE: Op<Range> = {
  name: 'sliceColumns',
  shape: ([x], { begin, end }) => {
    if (!(x.shape.length > 0 && begin >= 0 && begin < end && end <= lastAxis(x.shape)))
      throw new Error(`sliceColumns: columns ${begin} to ${end} of ${showShape(x.shape)}; need 0 <= begin < end <= ${lastAxis(x.shape)}`)
    return [{ shape: [...x.shape.slice(0, -1), end - begin], dtype: x.dtype }]
  },
  wgsl: ({ inputs: [x], outputs: [y] }, { begin, end }) => ({
    dispatches: [
      itemKernel({
        label: 'sliceColumns',
        reads: [{ name: 'x', ref: input(0), dtype: x.dtype }],
        writes: [{ name: 'y', ref: output(0), dtype: y.dtype }],
        items: rowCount(x.shape) * (end - begin),
        body: `  y[i] = x[i / ${end - begin}u * ${lastAxis(x.shape)}u + ${begin}u + i % ${end - begin}u];`,
      }),
    ],
  }),
  reference: ([x], [y], { inputs }, { begin, end }) => {
    const total = lastAxis(inputs[0].shape)
    for (let r = 0; r < rowCount(inputs[0].shape); r++) y.set(x.subarray(r * total + begin, r * total + end), r * (end - begin))
  },
  simd: ({ inputs: [x] }, { begin, end }) => {
    const width = end - begin
    const args = [input(0), output(0), { i32: lastAxis(x.shape) }, { i32: begin }, { i32: width }, { i32: 0 }, { i32: width }]
    return { calls: [{ kernel: 'copyColumns', items: rowCount(x.shape), grain: GRAIN, args }] }
  },
  backward: ({ inputs: [x], grads: [dy], attrs }) => [dy && apply1(PAD, [dy], { ...attrs, width: lastAxis(x.shape) })],
}

/** The gradient of a slice: zeros around it. */
const PAD: Op<Range & { width: number }> = {
  name: 'padColumns',
  shape: ([x], { width }) => [{ shape: [...x.shape.slice(0, -1), width], dtype: 'f32' }],
  wgsl: ({ outputs: [y] }, { begin, end, width }) => ({
    dispatches: [
      itemKernel({
        label: 'padColumns',
        reads: [{ name: 'x', ref: input(0) }],
        writes: [{ name: 'y', ref: output(0) }],
        items: rowCount(y.shape) * width,
        body: `  let c = i % ${width}u;
  var v = 0.0;
  if (c >= ${begin}u && c < ${end}u) { v = x[i / ${width}u * ${end - begin}u + c - ${begin}u]; }
  y[i] = v;`,
      }),
    ],
  }),
  reference: ([x], [y], { outputs }, { begin, end, width }) => {
    y.fill(0)
    for (let r = 0; r < rowCount(outputs[0].shape); r++) y.set(x.subarray(r * (end - begin), (r + 1) * (end - begin)), r * width + begin)
  },
  simd: ({ outputs: [y] }, { begin, end, width }) => {
    const inner = { i32: end - begin }
    return {
      calls: [
        { kernel: 'fill', items: rowCount(y.shape) * width, grain: 1 << 14, args: [output(0), { f32: 0 }] },
        {
          kernel: 'copyColumns',
          items: rowCount(y.shape),
          grain: GRAIN,
          args: [input(0), output(0), inner, { i32: 0 }, { i32: width }, { i32: begin }, inner],
        },
      ],
    }
  },
  backward: ({ grads: [dy], attrs: { begin, end } }) => [dy && sliceColumns(dy, begin, end)],
}

/** Several slices of one tensor. */
const SPLIT: Op<readonly Range[]> = {
  name: 'splitColumns',
  shape: ([x], ranges) => ranges.map(({ begin, end }) => ({ shape: [...x.shape.slice(0, -1), end - begin], dtype: x.dtype })),
  wgsl: ({ inputs: [x] }, ranges, { storageBuffers }) => {
    const dispatches: Dispatch[] = []
    const most = storageBuffers - 1
    for (let first = 0; first < ranges.length; first += most) dispatches.push(cutKernel(ranges.slice(first, first + most), first, x))
    return { dispatches }
  },
  reference: ([x], outputs, { inputs }, ranges) => {
    const total = lastAxis(inputs[0].shape)
    for (const [o, { begin, end }] of ranges.entries())
      for (let r = 0; r < rowCount(inputs[0].shape); r++) outputs[o].set(x.subarray(r * total + begin, r * total + end), r * (end - begin))
  },
  simd: ({ inputs: [x] }, ranges) => ({
    calls: ranges.map(({ begin, end }, o) => {
      const width = end - begin
      const args = [input(0), output(o), { i32: lastAxis(x.shape) }, { i32: begin }, { i32: width }, { i32: 0 }, { i32: width }]
      return { kernel: 'copyColumns', items: rowCount(x.shape), grain: GRAIN, args }
    }),
  }),
}

/** One invocation per element of the columns these ranges take. */
function cutKernel(ranges: readonly Range[], first: number, x: TensorType): Dispatch {
  const widths = ranges.map(({ begin, end }) => end - begin)
  const width = widths.reduce((a, b) => a + b, 0)
  let at = 0
  const branches = widths.map((w, index) => {
    const line = `if (c < ${at + w}u) { y${index}[row * ${w}u + c - ${at}u] = x[row * ${lastAxis(x.shape)}u + c + ${ranges[index].begin}u - ${at}u]; }`
    at += w
    return line
  })
  return itemKernel({
    label: 'splitColumns',
    reads: [{ name: 'x', ref: input(0), dtype: x.dtype }],
    writes: widths.map((_, index) => ({ name: `y${index}`, ref: output(first + index), dtype: x.dtype })),
    items: rowCount(x.shape) * width,
    body: `  let row = i / ${width}u;\n  let c = i % ${width}u;\n  ${branches.join('\n  else ')}`,
  })
}

const splitColumns = (x: Tensor, ranges: readonly Range[]): Tensor[] =>
  ranges.length === 1 ? [sliceColumns(x, ranges[0].begin, ranges[0].end)] : apply(SPLIT, [x], ranges)

/** Joins along the last axis: [..., a], [..., b] -> [..., a + b]. Throws when the other axes differ or there are no parts. */
export function concat(parts: readonly Tensor[]): Tensor {
  if (parts.length === 0) throw new Error('concat: no parts given')
  return parts.length === 1 ? parts[0] : apply1(CONCAT, parts, null)
}

/** Columns [begin, end) of the last axis: [..., C] -> [..., end - begin]. Throws when they are not inside the last axis. */
export function sliceColumns(x: Tensor, begin: number, end: number): Tensor {
  return apply1(SLICE, [x], { begin, end })
}
