/** Points along rays: o + z d. */
import { apply1, type Op } from '../op.ts'
import { detach, elements, input, output, showShape, type Tensor } from '../tensor.ts'
import { itemKernel } from './wgsl.ts'

const RAY_POINTS: Op<null> = {
  name: 'rayPoints',
  shape: ([origins, directions, z]) => {
    const rays = z.shape[0]
    if (z.shape.length !== 2 || elements(origins.shape) !== rays * 3 || elements(directions.shape) !== rays * 3) {
      const shapes = [origins, directions, z].map(t => showShape(t.shape)).join(', ')
      throw new Error(`rayPoints: needs origins [R, 3], directions [R, 3] and z [R, M], got ${shapes}`)
    }
    return [{ shape: [elements(z.shape), 3], dtype: 'f32' }]
  },
  wgsl: ({ inputs: [, , z] }) => ({
    dispatches: [
      itemKernel({
        label: 'rayPoints',
        reads: ['origins', 'directions', 'z'].map((name, index) => ({ name, ref: input(index) })),
        writes: [{ name: 'x', ref: output(0) }],
        items: elements(z.shape) * 3,
        body: `  let q = i / 3u;\n  let at = q / ${z.shape[1]}u * 3u + i % 3u;\n  x[i] = origins[at] + z[q] * directions[at];`,
      }),
    ],
  }),
  simd: ({ inputs: [, , z] }) => ({
    calls: [{ kernel: 'rayPoints', items: z.shape[0], grain: 256, args: [input(0), input(1), input(2), output(0), { i32: z.shape[1] }] }],
  }),
  reference: ([origins, directions, z], [x], { inputs }) => {
    const samples = inputs[2].shape[1]
    for (let q = 0; q < z.length; q++) {
      const at = Math.floor(q / samples) * 3
      for (let axis = 0; axis < 3; axis++) x[q * 3 + axis] = origins[at + axis] + z[q] * directions[at + axis]
    }
  },
}

/**
 * origins [R, 3], directions [R, 3], z [R, M] -> points [R·M, 3], ray by ray. Gradients stop here: sample positions carry none (Paper §4.3).
 * Throws when the ray counts differ.
 */
export function rayPoints(origins: Tensor, directions: Tensor, z: Tensor): Tensor {
  return apply1(RAY_POINTS, [detach(origins), detach(directions), detach(z)], null)
}
