/** Numbers known when the graph is recorded, as a u32 tensor: small tables that kernels read. */
import { apply1, type Op } from '../op.ts'
import { output, type Tensor } from '../tensor.ts'
import { itemKernel } from './wgsl.ts'

const CONSTANT: Op<{ values: readonly number[] }> = {
  name: 'constant',
  shape: (_, { values }) => [{ shape: [values.length], dtype: 'u32' }],
  wgsl: (_, { values }) => ({
    dispatches: [
      itemKernel({
        label: 'constant',
        writes: [{ name: 'y', ref: output(0), dtype: 'u32' }],
        declarations: `var<private> values: array<u32, ${values.length}> = array<u32, ${values.length}>(${values.map(v => `${v}u`).join(', ')});`,
        items: values.length,
        body: '  y[i] = values[i];',
      }),
    ],
  }),
  reference: (_, [y], __, { values }) => {
    y.set(values)
  },
  backward: () => [],
}

/** Whole numbers in [0, 2^32) as a u32 tensor [N]. Throws for anything else. */
export function constantU32(values: readonly number[]): Tensor {
  for (const value of values) if (value >>> 0 !== value) throw new Error(`constantU32: ${value} is not a whole number in [0, 2^32)`)
  return apply1(CONSTANT, [], { values })
}
