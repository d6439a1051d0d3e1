/** Rows picked by index, and the adjoint: rows added up by index. */
import { apply1, type Op } from '../op.ts'
import { type Dispatch, elements, input, lastAxis, type Numbers, output, showShape, type Tensor, type TensorType } from '../tensor.ts'
import { LANES, rowKernel } from './rowKernel.ts'
import { itemKernel } from './wgsl.ts'

function checkIndex(name: string, index: TensorType, rows: number): void {
  if (index.dtype !== 'u32') throw new Error(`${name}: the index is ${index.dtype}; make it from a Uint32Array`)
  if (elements(index.shape) !== rows) throw new Error(`${name}: index ${showShape(index.shape)} for ${rows} rows`)
}

/** The reference refuses a bad index; a GPU would clamp it and a WASM kernel read a neighbour, so indices are checked where they are made. */
function rowAt(name: string, index: Numbers, q: number, count: number): number {
  if (index[q] < count) return index[q]
  throw new Error(`${name}: index ${index[q]} at ${q}, but there are only ${count} rows`)
}

const GATHER: Op<null> = {
  name: 'gatherRows',
  shape: ([table, index]) => {
    if (table.shape.length !== 2) throw new Error(`gatherRows: the table is ${showShape(table.shape)}; it must be [rows, columns]`)
    checkIndex('gatherRows', index, elements(index.shape))
    return [{ shape: [elements(index.shape), table.shape[1]], dtype: table.dtype }]
  },
  wgsl: ({ inputs: [table], outputs: [y] }) => ({
    dispatches: [
      itemKernel({
        label: 'gatherRows',
        reads: [
          { name: 'table', ref: input(0), dtype: table.dtype },
          { name: 'index', ref: input(1), dtype: 'u32' },
        ],
        writes: [{ name: 'y', ref: output(0), dtype: y.dtype }],
        items: elements(y.shape),
        body: `  y[i] = table[min(index[i / ${table.shape[1]}u], ${table.shape[0] - 1}u) * ${table.shape[1]}u + i % ${table.shape[1]}u];`,
      }),
    ],
  }),
  reference: ([table, index], [y], { inputs }) => {
    const [count, width] = inputs[0].shape
    for (let q = 0; q < index.length; q++) {
      const row = rowAt('gatherRows', index, q, count)
      for (let c = 0; c < width; c++) y[q * width + c] = table[row * width + c]
    }
  },
  backward: ({ inputs: [table, index], grads: [dy] }) => [dy && scatterAddRows(dy, index, table.shape[0])],
}

const SCATTER: Op<{ count: number }> = {
  name: 'scatterAddRows',
  shape: ([x, index], { count }) => {
    if (x.shape.length !== 2) throw new Error(`scatterAddRows: rows are ${showShape(x.shape)}; they must be [rows, columns]`)
    checkIndex('scatterAddRows', index, x.shape[0])
    return [{ shape: [count, x.shape[1]], dtype: 'f32' }]
  },
  wgsl: ({ inputs: [x] }, { count }) => ({ dispatches: [scatterKernel(x.shape[0], x.shape[1], count)] }),
  reference: ([x, index], [y], { inputs }, { count }) => {
    const width = lastAxis(inputs[0].shape)
    y.fill(0)
    for (let q = 0; q < index.length; q++) {
      const row = rowAt('scatterAddRows', index, q, count)
      for (let c = 0; c < width; c++) y[row * width + c] += x[q * width + c]
    }
  },
  backward: ({ inputs: [, index], grads: [dy] }) => [dy && gatherRows(dy, index)],
}

/** One workgroup per output element; its lanes walk over the rows side by side: no float atomics, always the same order of additions. */
function scatterKernel(rows: number, columns: number, count: number): Dispatch {
  return rowKernel({
    label: 'scatterAddRows',
    reads: [
      { name: 'x', ref: input(0) },
      { name: 'index', ref: input(1), dtype: 'u32' },
    ],
    writes: [{ name: 'y', ref: output(0) }],
    rows: count * columns,
    body: `  var s = 0.0;
  for (var q = lane; q < ${rows}u; q += ${LANES}u) {
    if (index[q] == row / ${columns}u) { s += x[q * ${columns}u + row % ${columns}u]; }
  }
  let total = sumLanes(lane, s);
  if (lane == 0u) { y[row] = total; }`,
  })
}

/** Row index[q] of the table for each q: [N, C], u32 [Q] -> [Q, C]. Indices must be below N (the CPU reference throws, a GPU clamps). */
export const gatherRows = (table: Tensor, index: Tensor): Tensor => apply1(GATHER, [table, index], null)

/** Adds row q of x [Q, C] to row index[q] of zeros [count, C]; the same bits every time. */
export const scatterAddRows = (x: Tensor, index: Tensor, count: number): Tensor => apply1(SCATTER, [x, index], { count })
