/**
 * A coarse memory of where density was found: G³ cells over contracted space [-2, 2]³ (x slowest), updated from the samples of each step and used to
 * place the next step's samples, instead of a coarse network pass.
 */
import { apply, type Op, record } from '../op.ts'
import {
  type Dispatch,
  detach,
  elements,
  type GraphNode,
  input,
  type Numbers,
  output,
  scratch,
  showShape,
  type Tensor,
  type TensorType,
} from '../tensor.ts'
import { CONTRACT_WGSL, contraction } from './contract.ts'
import { bindingHeader, float, itemKernel } from './wgsl.ts'

export interface GridSampleOptions {
  /** Range of z, in normalised units. */
  readonly near: number
  readonly far: number
  /** Bins of [near, far] in which the grid is looked up: equal steps of the contracted distance from the ray's point nearest to the origin. */
  readonly bins: number
  /** Cells per axis G. */
  readonly resolution: number
  /** Share of the probability spread evenly over the bins, so that the grid's mistakes are found. In (0, 1]. */
  readonly uniformShare: number
}

const cellWgsl = (resolution: number): string => `fn cellOf(c: vec3f) -> u32 {
  let at = min(vec3u(clamp(floor((c + 2.0) * ${float(resolution / 4)}), vec3f(0.0), vec3f(${float(resolution - 1)}))), vec3u(${resolution - 1}u));
  return (at.x * ${resolution}u + at.y) * ${resolution}u + at.z;
}
`

function cellOf(x: number, y: number, z: number, resolution: number): number {
  const along = (v: number): number => Math.min(Math.max(Math.floor((v + 2) * (resolution / 4)), 0), resolution - 1)
  return (along(x) * resolution + along(y)) * resolution + along(z)
}

function checkGrid(grid: TensorType, resolution: number, op: string): void {
  if (elements(grid.shape) !== resolution ** 3) throw new Error(`${op}: grid ${showShape(grid.shape)} is not ${resolution}³ cells`)
}

/** Rays, points and cells per task on the CPU, and the bins that its scratch memory holds. */
const RAY_GRAIN = 32
const POINT_GRAIN = 4096
const CELL_GRAIN = 1 << 15
const MOST_BINS = 16384

const GRID_SAMPLES: Op<GridSampleOptions> = {
  name: 'gridSamples',
  shape: ([origins, directions, u, grid], { near, far, bins, resolution, uniformShare }) => {
    checkGrid(grid, resolution, 'gridSamples')
    if (u.shape.length !== 2 || elements(origins.shape) !== u.shape[0] * 3 || elements(directions.shape) !== u.shape[0] * 3) {
      const shapes = [origins, directions, u].map(t => showShape(t.shape)).join(', ')
      throw new Error(`gridSamples: needs origins [R, 3], directions [R, 3] and u [R, M], got ${shapes}`)
    }
    if (!(far > near && bins >= 1 && uniformShare > 0 && uniformShare <= 1))
      throw new Error(`gridSamples: bad range [${near}, ${far}], bins ${bins} or uniform share ${uniformShare} (must be in (0, 1])`)
    return [
      { shape: u.shape, dtype: 'f32' },
      { shape: u.shape, dtype: 'f32' },
    ]
  },
  wgsl: ({ inputs: [, , u] }, options) => ({ dispatches: [sampleKernel(u.shape[0], u.shape[1], options)] }),
  simd: ({ inputs: [, , u] }, { near, far, bins, resolution, uniformShare }) => {
    const sizes = [u.shape[1], bins, resolution].map(i32 => ({ i32 }))
    const args = [...[0, 1, 2, 3].map(input), output(0), output(1), ...sizes, ...[near, far, uniformShare].map(f32 => ({ f32 }))]
    return bins > MOST_BINS ? undefined : { calls: [{ kernel: 'gridSamples', items: u.shape[0], grain: RAY_GRAIN, args }] }
  },
  reference: ([origins, directions, u, grid], [z, starts], { inputs }, options) => {
    const [rays, samples] = inputs[2].shape
    const { bins } = options
    const cdf = new Float64Array(bins + 1)
    const edges = new Float64Array(bins + 1)
    for (let r = 0; r < rays; r++) {
      const origin = origins.subarray(r * 3, r * 3 + 3)
      const direction = directions.subarray(r * 3, r * 3 + 3)
      const bend = rayCoordinate(origin, direction, options)
      for (let b = 0; b <= bins; b++) edges[b] = bend.distance(b / bins)
      rayCdf(origin, direction, grid, edges, options, cdf)
      let bin = 0
      const invert = (share: number): number => {
        const target = share * cdf[bins]
        while (bin < bins - 1 && target >= cdf[bin + 1]) bin++
        const t = Math.min((target - cdf[bin]) / (cdf[bin + 1] - cdf[bin]), 1)
        return bend.distance((bin + t) / bins)
      }
      for (let m = 0; m < samples; m++) {
        starts[r * samples + m] = invert(m / samples)
        z[r * samples + m] = invert((m + u[r * samples + m]) / samples)
      }
    }
  },
}

/** Along a ray, s in 0..1 <-> distance: s is even in the contracted distance from the ray's point nearest to the origin, so near things get the bins. */
function rayCoordinate(origin: Numbers, direction: Numbers, { near, far }: GridSampleOptions): { distance: (s: number) => number } {
  const nearest = -(origin[0] * direction[0] + origin[1] * direction[1] + origin[2] * direction[2])
  const bend = (x: number): number => (Math.abs(x) <= 1 ? x : Math.sign(x) * (2 - 1 / Math.abs(x)))
  const unbend = (c: number): number => (Math.abs(c) <= 1 ? c : Math.sign(c) / (2 - Math.abs(c)))
  const first = bend(near - nearest)
  const span = bend(far - nearest) - first
  return { distance: s => nearest + unbend(first + span * s) }
}

/** Fills cdf [bins + 1]: alpha compositing of the looked-up densities, widened to the neighbours, mixed with the uniform share. */
function rayCdf(origin: Numbers, direction: Numbers, grid: Numbers, edges: Float64Array, options: GridSampleOptions, cdf: Float64Array): void {
  const { bins, resolution, uniformShare } = options
  const weights = new Float64Array(bins)
  let light = 1
  for (let b = 0; b < bins; b++) {
    const t = 0.5 * (edges[b] + edges[b + 1])
    const [x, y, z] = [0, 1, 2].map(axis => origin[axis] + t * direction[axis])
    const f = contraction(Math.hypot(x, y, z))
    const through = Math.exp(-grid[cellOf(f * x, f * y, f * z, resolution)] * (edges[b + 1] - edges[b]))
    weights[b] = light * (1 - through)
    light *= through
  }
  let total = 0
  const wide = weights.map((w, b) => 0.5 * (Math.max(w, weights[Math.max(b - 1, 0)]) + Math.max(w, weights[Math.min(b + 1, bins - 1)])))
  for (const w of wide) total += w
  const [scale, floor] = total > LEAST_TOTAL ? [(1 - uniformShare) / total, uniformShare / bins] : [0, 1 / bins]
  for (let b = 0; b < bins; b++) cdf[b + 1] = cdf[b] + scale * wide[b] + floor
}

/** A ray that met less than this met nothing: it is sampled evenly. */
const LEAST_TOTAL = 1e-6

/** Invocations per ray: they share the random reads of the grid, the costly part. */
const LANES = 32

/** One workgroup per ray: all lanes look up the bins, lane 0 composites them in 2·bins words of workgroup memory, all lanes invert the CDF. */
function sampleKernel(rays: number, samples: number, options: GridSampleOptions): Dispatch {
  const { near, far, bins, resolution, uniformShare } = options
  const x = Math.min(rays, 65535)
  const y = Math.ceil(rays / x)
  const names = ['origins', 'directions', 'u', 'grid']
  const header = bindingHeader(
    names.map((name, index) => ({ name, ref: input(index) })),
    [
      { name: 'z', ref: output(0) },
      { name: 'starts', ref: output(1) },
    ],
  )
  const code = `${header}${CONTRACT_WGSL}${cellWgsl(resolution)}
var<workgroup> through: array<f32, ${bins}>;
var<workgroup> cdf: array<f32, ${bins + 1}>;
fn bend(x: f32) -> f32 { return select(sign(x) * (2.0 - 1.0 / max(abs(x), 1.0)), x, abs(x) <= 1.0); }
fn unbend(c: f32) -> f32 { return select(sign(c) / max(2.0 - abs(c), 1e-6), c, abs(c) <= 1.0); }
fn invert(share: f32) -> f32 {
  let goal = share * cdf[${bins}];
  var low = 0u;
  var high = ${bins - 1}u;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (goal >= cdf[middle + 1u]) { low = middle + 1u; } else { high = middle; }
  }
  return (f32(low) + min((goal - cdf[low]) / (cdf[low + 1u] - cdf[low]), 1.0)) * ${float(1 / bins)};
}
@compute @workgroup_size(${LANES}) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let r = group.x + group.y * ${x}u;
  if (r >= ${rays}u) { return; }
  let o = vec3f(origins[3u * r], origins[3u * r + 1u], origins[3u * r + 2u]);
  let d = vec3f(directions[3u * r], directions[3u * r + 1u], directions[3u * r + 2u]);
  let nearest = -dot(o, d);
  let first = bend(${float(near)} - nearest);
  let span = bend(${float(far)} - nearest) - first;
  for (var b = lane; b < ${bins}u; b += ${LANES}u) {
    let begin = nearest + unbend(first + span * f32(b) * ${float(1 / bins)});
    let end = nearest + unbend(first + span * f32(b + 1u) * ${float(1 / bins)});
    through[b] = exp(-grid[cellOf(contractPoint(o + 0.5 * (begin + end) * d))] * (end - begin));
  }
  workgroupBarrier();
  if (lane == 0u) {
    var light = 1.0;
    for (var b = 0u; b < ${bins}u; b++) {
      let e = through[b];
      through[b] = light * (1.0 - e);
      light *= e;
    }
    var total = 0.0;
    var before = through[0];
    for (var b = 0u; b < ${bins}u; b++) {
      let w = through[b];
      let wide = 0.5 * (max(w, before) + max(w, through[min(b + 1u, ${bins - 1}u)]));
      cdf[b + 1u] = wide;
      total += wide;
      before = w;
    }
    let found = total > ${float(LEAST_TOTAL)};
    let scale = select(0.0, ${float(1 - uniformShare)} / max(total, ${float(LEAST_TOTAL)}), found);
    let share = select(${float(1 / bins)}, ${float(uniformShare / bins)}, found);
    cdf[0] = 0.0;
    for (var b = 0u; b < ${bins}u; b++) { cdf[b + 1u] = cdf[b] + scale * cdf[b + 1u] + share; }
  }
  workgroupBarrier();
  for (var m = lane; m < ${samples}u; m += ${LANES}u) {
    let at = r * ${samples}u + m;
    starts[at] = nearest + unbend(first + span * invert(f32(m) * ${float(1 / samples)}));
    z[at] = nearest + unbend(first + span * invert((f32(m) + u[at]) * ${float(1 / samples)}));
  }
}`
  return { label: 'gridSamples', code, bindings: [...names.map((_, index) => input(index)), output(0), output(1)], groups: [x, y, 1] }
}

export interface GridSamples {
  /** Sample distances [R, M], ascending: sample m inverts the CDF at (m + u)/M. */
  readonly z: Tensor
  /** Where each sample's stretch of the ray begins, [R, M]: the CDF inverted at m/M. It ends where the next begins. */
  readonly starts: Tensor
}

/**
 * Samples where the grid [G³] holds density: origins [R, 3], unit directions [R, 3] in normalised units, u [R, M] in [0, 1).
 * Carries no gradient. Throws for a bad range, share or shape.
 */
export function gridSamples(origins: Tensor, directions: Tensor, u: Tensor, grid: Tensor, options: GridSampleOptions): GridSamples {
  const [z, starts] = apply(GRID_SAMPLES, [origins, directions, u, grid].map(detach), options)
  return { z, starts }
}

export interface GridUpdateOptions {
  readonly resolution: number
  /** Factor on a touched cell's old density, so that density that went away is forgotten. In [0, 1]. */
  readonly decay: number
  /** Factor on the other cells, so that what is no longer visited is slowly forgotten. In [0, 1]. */
  readonly fade: number
}

const GRID_UPDATE: Op<GridUpdateOptions> = {
  name: 'gridUpdate',
  effect: true,
  shape: ([grid, points, sigma], { resolution }) => {
    checkGrid(grid, resolution, 'gridUpdate')
    if (elements(points.shape) !== elements(sigma.shape) * 3)
      throw new Error(`gridUpdate: needs points [Q, 3] and sigma [Q], got ${showShape(points.shape)} and ${showShape(sigma.shape)}`)
    return []
  },
  wgsl: ({ inputs: [grid, , sigma] }, { resolution, decay, fade }) => {
    const cells = elements(grid.shape)
    const largest = { name: 'largest', ref: scratch(0), dtype: 'u32' as const }
    return {
      scratch: [cells],
      dispatches: [
        itemKernel({ label: 'gridClear', writes: [largest], items: cells, body: '  largest[i] = 0u;' }),
        itemKernel({
          label: 'gridScatter',
          reads: [
            { name: 'points', ref: input(1) },
            { name: 'sigma', ref: input(2) },
          ],
          writes: [{ ...largest, element: 'atomic<u32>' }],
          declarations: cellWgsl(resolution),
          items: elements(sigma.shape),
          // Positive floats order like their bits; + 1 tells a density of 0 from no sample.
          body: `  let c = vec3f(points[3u * i], points[3u * i + 1u], points[3u * i + 2u]);
  atomicMax(&largest[cellOf(c)], bitcast<u32>(abs(max(sigma[i], 0.0))) + 1u);`,
        }),
        itemKernel({
          label: 'gridMerge',
          reads: [largest],
          writes: [{ name: 'grid', ref: input(0) }],
          items: cells,
          body: `  if (largest[i] > 0u) { grid[i] = max(${float(decay)} * grid[i], bitcast<f32>(largest[i] - 1u)); } else { grid[i] *= ${float(fade)}; }`,
        }),
      ],
    }
  },
  simd: ({ inputs: [grid, , sigma] }, { resolution, decay, fade }) => {
    const cells = elements(grid.shape)
    return {
      scratch: [cells],
      calls: [
        { kernel: 'fill', items: cells, grain: CELL_GRAIN, args: [scratch(0), { f32: 0 }] },
        { kernel: 'gridScatter', items: elements(sigma.shape), grain: POINT_GRAIN, args: [input(1), input(2), scratch(0), { i32: resolution }] },
        { kernel: 'gridMerge', items: cells, grain: CELL_GRAIN, args: [scratch(0), input(0), { f32: decay }, { f32: fade }] },
      ],
    }
  },
  reference: ([grid, points, sigma], _, __, { resolution, decay, fade }) => {
    const largest = new Map<number, number>()
    for (let q = 0; q < sigma.length; q++) {
      const cell = cellOf(points[q * 3], points[q * 3 + 1], points[q * 3 + 2], resolution)
      largest.set(cell, Math.max(largest.get(cell) ?? 0, sigma[q]))
    }
    for (let cell = 0; cell < grid.length; cell++) {
      const value = largest.get(cell)
      grid[cell] = value === undefined ? Math.fround(fade) * grid[cell] : Math.max(Math.fround(decay) * grid[cell], value)
    }
  },
}

/**
 * An effect for `compile`: cells of the leaf grid [G³] that hold points [Q, 3] (contracted) become max(decay · old, largest sigma [Q] >= 0 there);
 * others become fade · old. The result does not depend on the order of the points. Throws when shapes differ.
 */
export function gridUpdate(grid: Tensor, points: Tensor, sigma: Tensor, options: GridUpdateOptions): GraphNode {
  return record(GRID_UPDATE, [grid, points, sigma], options)
}
