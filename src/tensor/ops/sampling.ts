/** Where along a ray to look: stratified coarse samples, importance samples by inverse CDF, their sorted union (NeRF §5.2, HyperNeRF). */
import { apply1, type Op } from '../op.ts'
import { detach, elements, input, output, showShape, type Tensor } from '../tensor.ts'
import { float, itemKernel } from './wgsl.ts'

export interface StratifiedOptions {
  readonly near: number
  readonly far: number
  /** Samples per ray M. */
  readonly count: number
  /** Even steps of 1/z instead of z. */
  readonly linearDisparity?: boolean
  /** Rays R when there are no uniforms to tell it. */
  readonly rays?: number
}

const STRATIFIED: Op<StratifiedOptions> = {
  name: 'stratifiedSamples',
  shape: ([u], { near, far, count, rays = 1, linearDisparity }) => {
    if (!(far > near) || (linearDisparity && !(near > 0))) throw new Error(`stratifiedSamples: bad range, near ${near}, far ${far}`)
    if (u && (u.shape.length !== 2 || u.shape[1] !== count)) throw new Error(`stratifiedSamples: uniforms ${showShape(u.shape)} for ${count} samples`)
    return [{ shape: [u ? u.shape[0] : rays, count], dtype: 'f32' }]
  },
  wgsl: ({ inputs, outputs: [z] }, { near, far, count, linearDisparity }) => {
    const at = linearDisparity ? `1.0 / mix(${float(1 / near)}, ${float(1 / far)}, t)` : `mix(${float(near)}, ${float(far)}, t)`
    const step = `fn depth(m: f32) -> f32 {\n  let t = clamp(m * ${float(count > 1 ? 1 / (count - 1) : 0)}, 0.0, 1.0);\n  return ${at};\n}\n`
    const stratum = `  let low = 0.5 * (depth(m - 1.0) + depth(m));\n  let high = 0.5 * (depth(m) + depth(m + 1.0));\n  z[i] = low + (high - low) * u[i];`
    return {
      dispatches: [
        itemKernel({
          label: 'stratifiedSamples',
          reads: inputs.length > 0 ? [{ name: 'u', ref: input(0) }] : [],
          writes: [{ name: 'z', ref: output(0) }],
          declarations: step,
          items: elements(z.shape),
          body: `  let m = f32(i % ${count}u);\n${inputs.length > 0 ? stratum : '  z[i] = depth(m);'}`,
        }),
      ],
    }
  },
  reference: ([u], [z], _, { near, far, count, linearDisparity }) => {
    const depth = (m: number): number => {
      const t = count > 1 ? Math.min(Math.max(m / (count - 1), 0), 1) : 0
      return linearDisparity ? 1 / ((1 - t) / near + t / far) : near * (1 - t) + far * t
    }
    for (let i = 0; i < z.length; i++) {
      const m = i % count
      // Strata run between midpoints; the first and the last are half as wide.
      const low = 0.5 * (depth(m - 1) + depth(m))
      const high = 0.5 * (depth(m) + depth(m + 1))
      z[i] = u ? low + (high - low) * u[i] : depth(m)
    }
  },
}

/**
 * Coarse samples z [R, M], ascending: one per stratum at the uniforms u [R, M], or without u evenly spaced with both ends included.
 * Throws for an empty range (near 0 with linear disparity) and when u is not [R, count].
 */
export function stratifiedSamples(u: Tensor | undefined, options: StratifiedOptions): Tensor {
  return apply1(STRATIFIED, u ? [detach(u)] : [], options)
}

/** Added to every weight, so that empty bins stay reachable. */
const PADDING = 1e-5
/** Bins of less probability than this yield their lower end instead of dividing by it. */
const LEAST_PROBABILITY = 1e-5

interface PdfAttrs {
  readonly count: number
  /** Bin edges are the midpoints of the first input, weights are those of its inner samples. */
  readonly midpoints: boolean
}

const PDF: Op<PdfAttrs> = {
  name: 'pdfSamples',
  shape: ([bins, weights, u], { count, midpoints }) => {
    const expected = midpoints ? bins.shape[1] : bins.shape[1] - 1
    if (bins.shape.length !== 2 || weights.shape.length !== 2 || weights.shape[0] !== bins.shape[0] || weights.shape[1] !== expected) {
      const what = midpoints ? 'z [R, M] and weights [R, M]' : 'bins [R, B] and weights [R, B - 1]'
      throw new Error(`pdfSamples: needs ${what}, got ${showShape(bins.shape)} and ${showShape(weights.shape)}`)
    }
    if (u && (u.shape.length !== 2 || u.shape[0] !== bins.shape[0] || u.shape[1] !== count))
      throw new Error(`pdfSamples: uniforms ${showShape(u.shape)} for ${bins.shape[0]} rays of ${count} samples`)
    if (!(count > 0)) throw new Error('pdfSamples: without uniforms, give the number of samples')
    return [{ shape: [bins.shape[0], count], dtype: 'f32' }]
  },
  wgsl: ({ inputs: [bins, weights, u], outputs: [z] }, { count, midpoints }) => {
    const first = midpoints ? 1 : 0
    const parts = weights.shape[1] - 2 * first
    const edge = midpoints ? '0.5 * (bins[at + b] + bins[at + b + 1u])' : 'bins[at + b]'
    // One invocation per sample walks its ray's CDF: no private array, and all samples of a ray read the same cache lines.
    const body = `  let r = i / ${count}u;
  let first = r * ${weights.shape[1]}u + ${first}u;
  var total = 0.0;
  for (var b = 0u; b < ${parts}u; b++) { total += weights[first + b] + ${float(PADDING)}; }
  let target_ = ${u ? 'u[i]' : `f32(i % ${count}u) * ${float(count > 1 ? 1 / (count - 1) : 0)}`};
  var low = 0.0;
  var high = 0.0;
  var sum = 0.0;
  var bin = 0u;
  for (; bin < ${parts}u; bin++) {
    low = high;
    sum += weights[first + bin] + ${float(PADDING)};
    high = sum / total;
    if (target_ < high) { break; }
  }
  let at = r * ${bins.shape[1]}u;
  if (bin == ${parts}u) {
    z[i] = edge(at, ${parts}u);
    return;
  }
  let width = high - low;
  let t = (target_ - low) / select(width, 1.0, width < ${float(LEAST_PROBABILITY)});
  let start = edge(at, bin);
  z[i] = start + t * (edge(at, bin + 1u) - start);`
    return {
      dispatches: [
        itemKernel({
          label: 'pdfSamples',
          reads: ['bins', 'weights', ...(u ? ['u'] : [])].map((name, index) => ({ name, ref: input(index) })),
          writes: [{ name: 'z', ref: output(0) }],
          declarations: `fn edge(at: u32, b: u32) -> f32 { return ${edge}; }\n`,
          items: elements(z.shape),
          body,
        }),
      ],
    }
  },
  reference: ([bins, weights, u], [z], { inputs }, { count, midpoints }) => {
    const [rays, width] = inputs[1].shape
    const edges = inputs[0].shape[1]
    const first = midpoints ? 1 : 0
    const parts = width - 2 * first
    const cdf = new Float64Array(parts + 1)
    for (let r = 0; r < rays; r++) {
      for (let b = 0; b < parts; b++) cdf[b + 1] = cdf[b] + weights[r * width + first + b] + PADDING
      const total = cdf[parts]
      const edge = (b: number): number => (midpoints ? 0.5 * (bins[r * edges + b] + bins[r * edges + b + 1]) : bins[r * edges + b])
      for (let n = 0; n < count; n++) {
        const target = u ? u[r * count + n] : count > 1 ? n / (count - 1) : 0
        let bin = 0
        while (bin < parts && target >= cdf[bin + 1] / total) bin++
        if (bin === parts) {
          z[r * count + n] = edge(parts)
          continue
        }
        const probability = (cdf[bin + 1] - cdf[bin]) / total
        const t = (target - cdf[bin] / total) / (probability < LEAST_PROBABILITY ? 1 : probability)
        z[r * count + n] = edge(bin) + t * (edge(bin + 1) - edge(bin))
      }
    }
  },
}

const countOf = (u: Tensor | undefined, count: number | undefined): number => u?.shape[1] ?? count ?? 0

/**
 * Samples distributed like a histogram: bins [R, B] edges, weights [R, B-1] (1e-5 is added to each), u [R, n] in [0, 1] -> z [R, n], in u's order.
 * Without u, `count` even steps from 0 to 1, both included. Carries no gradient. Throws when shapes differ.
 */
export function pdfSamples(bins: Tensor, weights: Tensor, u: Tensor | undefined, count?: number): Tensor {
  return apply1(PDF, [bins, weights, ...(u ? [u] : [])].map(detach), { count: countOf(u, count), midpoints: false })
}

/**
 * Fine samples from a coarse pass: z [R, M] and its weights [R, M] give a histogram between the midpoints of z with the inner samples' weights.
 * Otherwise like `pdfSamples`.
 */
export function fineSamples(z: Tensor, weights: Tensor, u: Tensor | undefined, count?: number): Tensor {
  return apply1(PDF, [z, weights, ...(u ? [u] : [])].map(detach), { count: countOf(u, count), midpoints: true })
}

const SORTED_UNION: Op<null> = {
  name: 'sortedUnion',
  shape: ([a, b]) => {
    if (a.shape.length !== 2 || b.shape.length !== 2 || a.shape[0] !== b.shape[0])
      throw new Error(`sortedUnion: needs [R, A] and [R, B], got ${showShape(a.shape)} and ${showShape(b.shape)}`)
    return [{ shape: [a.shape[0], a.shape[1] + b.shape[1]], dtype: 'f32' }]
  },
  wgsl: ({ inputs: [a, b], outputs: [z] }) => {
    const [nA, nB] = [a.shape[1], b.shape[1]]
    // Rank sort: each value counts what goes before it. (A + B)² comparisons per ray from cache beat a sort with barriers at M ~ 128.
    const body = `  let r = i / ${nA + nB}u;
  let own = i % ${nA + nB}u;
  let v = value(r, own);
  var rank = 0u;
  for (var j = 0u; j < ${nA + nB}u; j++) {
    let w = value(r, j);
    rank += select(0u, 1u, w < v || (w == v && j < own));
  }
  z[r * ${nA + nB}u + rank] = v;`
    return {
      dispatches: [
        itemKernel({
          label: 'sortedUnion',
          reads: [
            { name: 'a', ref: input(0) },
            { name: 'b', ref: input(1) },
          ],
          writes: [{ name: 'z', ref: output(0) }],
          declarations: `fn value(r: u32, j: u32) -> f32 {\n  if (j < ${nA}u) { return a[r * ${nA}u + j]; }\n  return b[r * ${nB}u + j - ${nA}u];\n}\n`,
          items: elements(z.shape),
          body,
        }),
      ],
    }
  },
  reference: ([a, b], [z], { inputs }) => {
    const rays = inputs[0].shape[0]
    const [nA, nB] = inputs.map(x => x.shape[1])
    for (let r = 0; r < rays; r++) {
      const row = z.subarray(r * (nA + nB), (r + 1) * (nA + nB))
      row.set(a.subarray(r * nA, (r + 1) * nA))
      row.set(b.subarray(r * nB, (r + 1) * nB), nA)
      row.sort()
    }
  },
}

/** All samples of both, ascending: a [R, A], b [R, B], in any order -> [R, A+B]. Carries no gradient. Throws when the ray counts differ. */
export function sortedUnion(a: Tensor, b: Tensor): Tensor {
  return apply1(SORTED_UNION, [detach(a), detach(b)], null)
}
