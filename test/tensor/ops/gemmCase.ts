/** One matrix product by a chosen kernel, as an operation: A and B in either order of memory. */
import { apply1, type Op } from '../../../src/tensor/op.ts'
import { gemm, type Tile } from '../../../src/tensor/ops/gemm.ts'
import { numbers } from '../../../src/tensor/ops/gemmOperand.ts'
import { input, output, type Tensor } from '../../../src/tensor/tensor.ts'

export interface ProductAttrs {
  readonly m: number
  readonly n: number
  readonly k: number
  /** A lies as [k, m], B as [n, k]. */
  readonly transposeA?: boolean
  readonly transposeB?: boolean
  readonly slices?: number
  /** Default what the sizes suggest. */
  readonly tile?: Tile
}

const PRODUCT: Op<ProductAttrs> = {
  name: 'product',
  shape: (_, { m, n }) => [{ shape: [m, n], dtype: 'f32' }],
  wgsl: (_, { m, n, k, transposeA, transposeB, slices, tile }, gpu) =>
    gemm(
      {
        label: 'product',
        m,
        n,
        k,
        a: transposeA ? numbers('a', input(0), m, 'outer') : numbers('a', input(0), k, 'inner'),
        b: transposeB ? numbers('b', input(1), k, 'inner') : numbers('b', input(1), n, 'outer'),
        out: output(0),
        slices,
      },
      gpu,
      0,
      tile,
    ),
  reference: ([a, b], [y], _, { m, n, k, transposeA, transposeB }) => {
    for (let r = 0; r < m; r++) {
      for (let c = 0; c < n; c++) {
        let s = 0
        for (let e = 0; e < k; e++) s += a[transposeA ? e * m + r : r * k + e] * b[transposeB ? c * k + e : e * n + c]
        y[r * n + c] = s
      }
    }
  },
}

export const product = (a: Tensor, b: Tensor, attrs: ProductAttrs): Tensor => apply1(PRODUCT, [a, b], attrs)

/** ‖actual − expected‖ / ‖expected‖. */
export function frobenius(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let error = 0
  let norm = 0
  for (let i = 0; i < expected.length; i++) {
    error += (actual[i] - expected[i]) ** 2
    norm += expected[i] ** 2
  }
  return Math.sqrt(error / norm)
}
