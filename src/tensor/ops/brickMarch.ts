/**
 * Pictures of a field on bricks (bricks.ts): each ray goes in equal steps of the contracted distance from its point nearest to the origin, over empty
 * bricks in jumps, through full ones composited step by step (NeRF Eq. 3), and ends where almost no light is left. What light is left gets the last
 * colour met, as the sample at infinity of the exact picture does.
 */
import { apply, type Op } from '../op.ts'
import { detach, elements, input, type Numbers, output, showShape, type Tensor, type TensorType } from '../tensor.ts'
import { BRICK, bricksAlong, COARSE, COARSER, CORNERS, EMPTY, MIX_WGSL, mixCorners, SIDE } from './bricks.ts'
import { CONTRACT_WGSL, contraction } from './contract.ts'
import { float, itemKernel } from './wgsl.ts'

export interface BrickMarchOptions {
  /** Range along the rays, in space units. */
  readonly near: number
  readonly far: number
  /** Cells N along an edge of the contracted cube, a multiple of 32. */
  readonly resolution: number
  /** Length of a step, in cells. */
  readonly step: number
  /** A ray ends when less than this of its light is left. */
  readonly leastLight: number
}

/** [origins, directions, scale, index, voxels] in that order. */
function checkInputs(
  [origins, directions, scale, index]: readonly TensorType[],
  { near, far, resolution, step, leastLight }: BrickMarchOptions,
): void {
  const rays = elements(origins.shape) / 3
  if (!Number.isInteger(rays) || elements(directions.shape) !== 3 * rays || elements(scale.shape) !== 2)
    throw new Error(
      `brickMarch: needs origins [R, 3], directions [R, 3] and scale [2], got ${[origins, directions, scale].map(t => showShape(t.shape)).join(', ')}`,
    )
  if (elements(index.shape) !== bricksAlong(resolution) ** 3)
    throw new Error(`brickMarch: index ${showShape(index.shape)} for ${bricksAlong(resolution)}³ bricks`)
  if (!(far > near && step > 0 && leastLight >= 0 && leastLight < 1))
    throw new Error(`brickMarch: bad range [${near}, ${far}], step ${step} or least light ${leastLight} (must be in [0, 1))`)
}

/** Rays per task on the CPU. */
const GRAIN = 128

const MARCH: Op<BrickMarchOptions> = {
  name: 'brickMarch',
  shape: (inputs, options) => {
    checkInputs(inputs, options)
    const rays = elements(inputs[0].shape) / 3
    return [[rays, 3], [rays], [rays]].map(shape => ({ shape, dtype: 'f32' }))
  },
  wgsl: ({ inputs: [origins] }, options) => ({ dispatches: [marchKernel(elements(origins.shape) / 3, options)] }),
  simd: ({ inputs: [origins] }, { resolution, near, far, step, leastLight }) => {
    const numbers = [{ i32: resolution }, ...[near, far, step, leastLight].map(f32 => ({ f32 }))]
    const args = [...[0, 1, 2, 3, 4].map(input), ...[0, 1, 2].map(output), ...numbers]
    return { calls: [{ kernel: 'brickMarch', items: elements(origins.shape) / 3, grain: GRAIN, args }] }
  },
  reference: (inputs, outputs, _, options) => {
    for (let ray = 0; ray < outputs[1].length; ray++) marchRay(ray, inputs, outputs, options)
  },
}

const bend = (x: number): number => (Math.abs(x) <= 1 ? x : Math.sign(x) * (2 - 1 / Math.abs(x)))
const unbend = (c: number): number => (Math.abs(c) <= 1 ? c : Math.sign(c) / (2 - Math.abs(c)))

function marchRay(ray: number, inputs: Numbers[], [color, depth, accumulation]: Numbers[], options: BrickMarchOptions): void {
  const { near, far, resolution, leastLight } = options
  const [origins, directions, [low, densityStep], index, voxels] = inputs
  const o = origins.subarray(3 * ray, 3 * ray + 3)
  const d = directions.subarray(3 * ray, 3 * ray + 3)
  const dot = (a: Numbers, b: Numbers): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
  const cell = 4 / resolution
  const step = options.step * cell
  const along = bricksAlong(resolution)
  const nearest = -dot(o, d)
  const first = bend(near - nearest)
  const end = bend(far - nearest)
  // Outside the unit ball a contracted point moves at most this far per contracted distance.
  const stretch = Math.sqrt(1 + 4 * Math.max(dot(o, o) - nearest * nearest, 0))
  const placeAt = (t: number, cells: number): number[] => {
    const point = [0, 1, 2].map(axis => o[axis] + t * d[axis])
    const f = contraction(Math.hypot(...point))
    return point.map(v => Math.min(Math.max((f * v + 2) * (cells / 4), 0), cells))
  }
  const mixed = new Float64Array(4)
  const sum = [0, 0, 0]
  const last = [0, 0, 0]
  let light = 1
  let z = 0
  let rest = far
  for (let k = 0; first + k * step < end; ) {
    const s = first + (k + 0.5) * step
    let place = placeAt(nearest + unbend(s), resolution)
    const brick = place.map(v => Math.min(Math.floor(v / BRICK), along - 1))
    const word = index[(brick[0] * along + brick[1]) * along + brick[2]]
    if (word >= EMPTY) {
      const border = Math.min(...place.map((v, axis) => Math.min(v - BRICK * brick[axis], BRICK * (brick[axis] + 1) - v)))
      const reach = ((word - EMPTY - 1) * BRICK + border) * cell
      const speed = Math.abs(s) <= 1 && Math.abs(s + reach) <= 1 ? 1 : stretch
      k += Math.max(1, Math.floor(reach / (speed * step)))
      continue
    }
    // Haze is crossed in steps as long as its cells. They may reach into a fine brick, whose outer cells hold little: bricks are kept with room around.
    const span = word >= COARSE ? COARSER : 1
    const t = nearest + unbend(first + (k + 0.5 * span) * step)
    place = placeAt(t, resolution / span)
    const corner = brick.map(b => BRICK * Math.floor(b / span))
    const at = place.map((v, axis) => Math.min(Math.max(Math.floor(v), corner[axis]), corner[axis] + BRICK - 1))
    const [x, y, w] = at.map((v, axis) => v - corner[axis])
    mixCorners(
      voxels,
      (word & (COARSE - 1)) * CORNERS + (x * SIDE + y) * SIDE + w,
      place.map((v, axis) => v - at[axis]),
      mixed,
    )
    const before = low + densityStep * mixed[3]
    const sigma = Math.max(before, 0) + Math.log1p(Math.exp(-Math.abs(before)))
    const length = unbend(Math.min(first + (k + span) * step, end)) - unbend(first + k * step)
    const weight = -light * Math.expm1(-sigma * length)
    for (let c = 0; c < 3; c++) {
      sum[c] += weight * mixed[c]
      last[c] = mixed[c]
    }
    z += weight * t
    light -= weight
    if (light < leastLight) {
      rest = t
      break
    }
    k += span
  }
  color.set(
    sum.map((v, c) => v + light * last[c]),
    3 * ray,
  )
  depth[ray] = z + light * rest
  accumulation[ray] = 1 - light
}

/** One invocation per ray. Eight storage buffers, as many as every device binds. */
function marchKernel(rays: number, { near, far, resolution, step, leastLight }: BrickMarchOptions) {
  const cell = 4 / resolution
  const along = bricksAlong(resolution)
  return itemKernel({
    label: 'brickMarch',
    reads: [
      { name: 'origins', ref: input(0) },
      { name: 'directions', ref: input(1) },
      { name: 'scale', ref: input(2) },
      { name: 'index', ref: input(3), dtype: 'u32' },
      { name: 'voxels', ref: input(4), dtype: 'u32' },
    ],
    writes: ['color', 'depth', 'accumulation'].map((name, index) => ({ name, ref: output(index) })),
    declarations: `${CONTRACT_WGSL}${MIX_WGSL}fn bend(x: f32) -> f32 { return select(sign(x) * (2.0 - 1.0 / max(abs(x), 1.0)), x, abs(x) <= 1.0); }
fn unbend(c: f32) -> f32 { return select(sign(c) / max(2.0 - abs(c), 1e-6), c, abs(c) <= 1.0); }
`,
    items: rays,
    body: `  let o = vec3f(origins[3u * i], origins[3u * i + 1u], origins[3u * i + 2u]);
  let d = vec3f(directions[3u * i], directions[3u * i + 1u], directions[3u * i + 2u]);
  let nearest = -dot(o, d);
  let first = bend(${float(near)} - nearest);
  let end = bend(${float(far)} - nearest);
  let stretch = sqrt(1.0 + 4.0 * max(dot(o, o) - nearest * nearest, 0.0));
  let steps = u32(ceil((end - first) * ${float(1 / (step * cell))}));
  var sum = vec3f(0.0);
  var last = vec3f(0.0);
  var light = 1.0;
  var z = 0.0;
  var rest = ${float(far)};
  var k = 0u;
  while (k < steps) {
    let s = first + (f32(k) + 0.5) * ${float(step * cell)};
    var t = nearest + unbend(s);
    var place = clamp((contractPoint(o + t * d) + 2.0) * ${float(1 / cell)}, vec3f(0.0), vec3f(${float(resolution)}));
    let brick = min(vec3u(place) / ${BRICK}u, vec3u(${along - 1}u));
    let word = index[(brick.x * ${along}u + brick.y) * ${along}u + brick.z];
    var span = 1u;
    var corner = brick * ${BRICK}u;
    if (word >= ${EMPTY}u) {
      let inside = place - vec3f(corner);
      let border = min(inside, ${float(BRICK)} - inside);
      let reach = (f32((word - ${EMPTY}u - 1u) * ${BRICK}u) + min(border.x, min(border.y, border.z))) * ${float(cell)};
      let speed = select(stretch, 1.0, abs(s) <= 1.0 && abs(s + reach) <= 1.0);
      k += max(1u, u32(reach / (speed * ${float(step * cell)})));
      continue;
    }
    if (word >= ${COARSE}u) {
      span = ${COARSER}u;
      t = nearest + unbend(first + (f32(k) + 0.5 * f32(span)) * ${float(step * cell)});
      place = clamp((contractPoint(o + t * d) + 2.0) * ${float(1 / (COARSER * cell))}, vec3f(0.0), vec3f(${float(resolution / COARSER)}));
      corner = brick / ${COARSER}u * ${BRICK}u;
    }
    let at = clamp(vec3u(place), corner, corner + ${BRICK - 1}u);
    let mixed = mixCorners((word & ${COARSE - 1}u) * ${CORNERS}u, at - corner, place - vec3f(at));
    let before = scale[0] + scale[1] * mixed.w;
    let sigma = max(before, 0.0) + log(1.0 + exp(-abs(before)));
    let begin = first + f32(k) * ${float(step * cell)};
    let weight = light * (1.0 - exp(-sigma * (unbend(min(begin + f32(span) * ${float(step * cell)}, end)) - unbend(begin))));
    last = mixed.xyz;
    sum += weight * last;
    z += weight * t;
    light -= weight;
    if (light < ${float(leastLight)}) {
      rest = t;
      break;
    }
    k += span;
  }
  sum += light * last;
  for (var c = 0u; c < 3u; c++) { color[3u * i + c] = sum[c]; }
  depth[i] = z + light * rest;
  accumulation[i] = 1.0 - light;`,
  })
}

/** A field on bricks, on the device. */
export interface Bricks {
  /** [low, step] of the density codes, [2]. */
  readonly scale: Tensor
  /** What each brick of the cube is, u32 [(N / 8)³] with x slowest: its number, or EMPTY plus a distance in bricks. */
  readonly index: Tensor
  /** Words of the bricks' corners, u32 [B · 729] or more. */
  readonly voxels: Tensor
}

/**
 * Rays [R, 3] with unit directions [R, 3] in space units -> colours [R, 3], distances [R] and how much of each ray ends before the far bound [R].
 * Carries no gradient. Throws for shapes or ranges that do not fit.
 */
export function brickMarch(
  rays: { readonly origins: Tensor; readonly directions: Tensor },
  { scale, index, voxels }: Bricks,
  options: BrickMarchOptions,
): { color: Tensor; depth: Tensor; accumulation: Tensor } {
  const [color, depth, accumulation] = apply(MARCH, [rays.origins, rays.directions, scale, index, voxels].map(detach), options)
  return { color, depth, accumulation }
}
