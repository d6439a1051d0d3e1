/**
 * A radiance field on a sparse grid over contracted space [-2, 2]³: N cells along an edge, in bricks of 8³ cells that are kept only where there is
 * density. A brick holds the 9³ corners of its cells, those on its faces as its neighbours do, so that a lookup stays inside one brick.
 *
 * A corner is one u32: red, green and blue in 7 bits each from the lowest, then 11 bits of the density before its softplus, low + step · code. Corners are
 * mixed before the softplus: a surface then lies between two corners where it lay, and not smeared over both (as in direct voxel grids, Sun et al. 2022).
 */
import { apply, apply1, type Op } from '../op.ts'
import { elements, input, type Numbers, output, showShape, type Tensor } from '../tensor.ts'
import { float, itemKernel } from './wgsl.ts'

/** Cells along the edge of a brick, corners along it, and corners in all. */
export const BRICK = 8
export const SIDE = BRICK + 1
export const CORNERS = SIDE ** 3

const COLOR_CODES = 127
export const DENSITY_CODES = 2047

/** Corners of the contracted cube lie beyond the ball of all space; this far out is as far as they look. */
const MOST_RADIUS = 1.99

/**
 * Words of the index: EMPTY marks a brick without density, the rest is then how many bricks away the nearest one with density is, at least. Else the rest
 * is a brick's number; COARSE marks haze, whose brick has cells COARSER times as long and covers as many bricks of the index along each axis.
 */
export const EMPTY = 0x80000000
export const COARSE = 0x40000000
export const COARSER = 4

/** More bricks than the words of an index can count. */
const MOST_RESOLUTION = 4096

const checkResolution = (op: string, resolution: number): void => {
  if (!(Number.isInteger(resolution) && resolution > 0 && resolution % (BRICK * COARSER) === 0 && resolution <= MOST_RESOLUTION))
    throw new Error(`${op}: resolution ${resolution}; give a multiple of ${BRICK * COARSER} up to ${MOST_RESOLUTION}`)
}

/** Bricks along an edge of the cube. */
export const bricksAlong = (resolution: number): number => resolution / BRICK

const POINTS: Op<number> = {
  name: 'brickPoints',
  shape: ([bricks], resolution) => {
    checkResolution('brickPoints', resolution)
    if (bricks.dtype !== 'u32') throw new Error(`brickPoints: the bricks are ${bricks.dtype}; make them from a Uint32Array`)
    return [{ shape: [elements(bricks.shape) * CORNERS, 3], dtype: 'f32' }]
  },
  wgsl: ({ inputs: [bricks] }, resolution) => {
    const along = bricksAlong(resolution)
    return {
      dispatches: [
        itemKernel({
          label: 'brickPoints',
          reads: [{ name: 'bricks', ref: input(0), dtype: 'u32' }],
          writes: [{ name: 'x', ref: output(0) }],
          items: elements(bricks.shape) * CORNERS,
          body: `  let word = bricks[i / ${CORNERS}u];
  let coarse = (word & ${COARSE}u) != 0u;
  let b = word & ${COARSE - 1}u;
  let along = select(${along}u, ${along / COARSER}u, coarse);
  let v = i % ${CORNERS}u;
  let corner = vec3u(b / (along * along), b / along % along, b % along) * ${BRICK}u + vec3u(v / ${SIDE ** 2}u, v / ${SIDE}u % ${SIDE}u, v % ${SIDE}u);
  let c = vec3f(corner) * select(${float(4 / resolution)}, ${float((4 / resolution) * COARSER)}, coarse) - 2.0;
  let n = length(c);
  let p = c * select(1.0, 1.0 / (n * (2.0 - min(n, ${float(MOST_RADIUS)}))), n > 1.0);
  x[3u * i] = p.x;
  x[3u * i + 1u] = p.y;
  x[3u * i + 2u] = p.z;`,
        }),
      ],
    }
  },
  reference: ([bricks], [x], _, resolution) => {
    for (let i = 0; i < bricks.length * CORNERS; i++) {
      const word = bricks[Math.floor(i / CORNERS)]
      const cells = word & COARSE ? resolution / COARSER : resolution
      const along = bricksAlong(cells)
      const place = (brick: number, corner: number): number => ((brick * BRICK + corner) * 4) / cells - 2
      const [b, v] = [word & (COARSE - 1), i % CORNERS]
      const cx = place(Math.floor(b / along ** 2), Math.floor(v / SIDE ** 2))
      const cy = place(Math.floor(b / along) % along, Math.floor(v / SIDE) % SIDE)
      const cz = place(b % along, v % SIDE)
      const n = Math.sqrt(cx * cx + cy * cy + cz * cz)
      const f = n > 1 ? 1 / (n * (2 - Math.min(n, MOST_RADIUS))) : 1
      x[3 * i] = f * cx
      x[3 * i + 1] = f * cy
      x[3 * i + 2] = f * cz
    }
  },
}

/**
 * Corners of bricks [B] (u32, counted with x slowest; plus COARSE, counted in bricks of coarse cells) in the space that was contracted: [B · 729, 3], x slowest.
 * Throws for a resolution that is no multiple of 32.
 */
export function brickPoints(bricks: Tensor, resolution: number): Tensor {
  return apply1(POINTS, [bricks], resolution)
}

/** What softplus makes sigma of. */
const inverseSoftplus = (sigma: number): number => (sigma > 15 ? sigma : Math.log(Math.max(Math.expm1(sigma), 1e-30)))

/** Inputs: sigma [V], rgb [V, 3], scale [2]. */
const PACK: Op<null> = {
  name: 'packBricks',
  shape: ([sigma, rgb, scale]) => {
    const corners = elements(sigma.shape)
    if (corners % CORNERS !== 0 || elements(rgb.shape) !== 3 * corners || elements(scale.shape) !== 2) {
      const shapes = [sigma, rgb, scale].map(t => showShape(t.shape)).join(', ')
      throw new Error(`packBricks: needs sigma [B · ${CORNERS}], rgb [B · ${CORNERS}, 3] and scale [2], got ${shapes}`)
    }
    return [
      { shape: [corners], dtype: 'u32' },
      { shape: [corners / CORNERS], dtype: 'f32' },
    ]
  },
  wgsl: ({ inputs: [sigma] }) => ({
    dispatches: [
      itemKernel({
        label: 'packBricks',
        reads: ['sigma', 'rgb', 'scale'].map((name, index) => ({ name, ref: input(index) })),
        writes: [{ name: 'words', ref: output(0), dtype: 'u32' }],
        items: elements(sigma.shape),
        body: `  let s = sigma[i];
  let x = select(log(max(exp(min(s, 15.0)) - 1.0, 1e-30)), s, s > 15.0);
  let code = u32(clamp(round((x - scale[0]) / scale[1]), 0.0, ${float(DENSITY_CODES)}));
  let c = vec3u(round(clamp(vec3f(rgb[3u * i], rgb[3u * i + 1u], rgb[3u * i + 2u]), vec3f(0.0), vec3f(1.0)) * ${float(COLOR_CODES)}));
  words[i] = c.x | (c.y << 7u) | (c.z << 14u) | (code << 21u);`,
      }),
      itemKernel({
        label: 'brickMaxima',
        reads: [{ name: 'sigma', ref: input(0) }],
        writes: [{ name: 'largest', ref: output(1) }],
        items: elements(sigma.shape) / CORNERS,
        body: `  var m = 0.0;
  for (var v = 0u; v < ${CORNERS}u; v++) { m = max(m, sigma[i * ${CORNERS}u + v]); }
  largest[i] = m;`,
      }),
    ],
  }),
  reference: ([sigma, rgb, [low, step]], [words, largest]) => {
    largest.fill(0)
    for (let i = 0; i < sigma.length; i++) {
      const code = Math.min(Math.max(Math.round((inverseSoftplus(sigma[i]) - low) / step), 0), DENSITY_CODES)
      const color = (c: number): number => Math.round(Math.min(Math.max(rgb[3 * i + c], 0), 1) * COLOR_CODES)
      words[i] = (color(0) | (color(1) << 7) | (color(2) << 14) | (code << 21)) >>> 0
      const b = Math.floor(i / CORNERS)
      largest[b] = Math.max(largest[b], sigma[i])
    }
  },
}

/**
 * Densities [B · 729] >= 0 and colours [B · 729, 3] in 0..1 of bricks' corners as words, u32 [B · 729], and each brick's largest density, [B].
 * @param scale [low, step] of the densities before their softplus, [2]: codes 0 … 2047 stand for low + step · code. Throws when sizes differ.
 */
export function packBricks(sigma: Tensor, rgb: Tensor, scale: Tensor): { words: Tensor; largest: Tensor } {
  const [words, largest] = apply(PACK, [sigma, rgb, scale], null)
  return { words, largest }
}

/** WGSL that mixes a cell's corners: rgb in 0..1 and the density before its softplus, at fractions f of cell `cell` of the brick whose words begin at `base`. */
export const MIX_WGSL = `fn codesAt(at: u32, weight: f32) -> vec4f {
  let w = voxels[at];
  return weight * vec4f(vec4u(w & 0x7fu, w & 0x3f80u, w & 0x1fc000u, w >> 21u));
}
fn mixCorners(base: u32, cell: vec3u, f: vec3f) -> vec4f {
  let at = base + (cell.x * ${SIDE}u + cell.y) * ${SIDE}u + cell.z;
  let g = 1.0 - f;
  let sum = codesAt(at, g.x * g.y * g.z) + codesAt(at + 1u, g.x * g.y * f.z)
    + codesAt(at + ${SIDE}u, g.x * f.y * g.z) + codesAt(at + ${SIDE + 1}u, g.x * f.y * f.z)
    + codesAt(at + ${SIDE ** 2}u, f.x * g.y * g.z) + codesAt(at + ${SIDE ** 2 + 1}u, f.x * g.y * f.z)
    + codesAt(at + ${SIDE ** 2 + SIDE}u, f.x * f.y * g.z) + codesAt(at + ${SIDE ** 2 + SIDE + 1}u, f.x * f.y * f.z);
  return sum * vec4f(${[0, 7, 14].map(bit => float(1 / (COLOR_CODES * 2 ** bit))).join(', ')}, 1.0);
}
`

/** The same on the host, into `mixed` [4]: the density as its mean code. */
export function mixCorners(voxels: Numbers, at: number, fraction: readonly number[], mixed: Float64Array): void {
  mixed.fill(0)
  const [fx, fy, fz] = fraction
  for (let corner = 0; corner < 8; corner++) {
    const word = voxels[at + (corner & 4 ? SIDE * SIDE : 0) + (corner & 2 ? SIDE : 0) + (corner & 1)]
    const weight = (corner & 4 ? fx : 1 - fx) * (corner & 2 ? fy : 1 - fy) * (corner & 1 ? fz : 1 - fz)
    for (let c = 0; c < 3; c++) mixed[c] += (weight * ((word >>> (7 * c)) & COLOR_CODES)) / COLOR_CODES
    mixed[3] += weight * (word >>> 21)
  }
}
