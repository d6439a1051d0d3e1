/** Lenses beyond `Camera`'s k₁, k₂, k₃, p₁, p₂: pictures through them are resampled once to an ideal pinhole, and forgotten. */

/**
 * Normalised coordinates (x/z, y/z), r and θ = atan r their radius and angle; the formulas are COLMAP's and OpenCV's.
 * - fisheye: (x, y)·θ/r, then 1 + k₁θ² + k₂θ⁴ + k₃θ⁶ + k₄θ⁸, and tangential and thin-prism terms where given (OPENCV_FISHEYE, THIN_PRISM_FISHEYE)
 * - rational: (1 + k₁r² + k₂r⁴ + k₃r⁶) / (1 + k₄r² + k₅r⁴ + k₆r⁶), tangential terms as in `Camera` (FULL_OPENCV)
 * - fov: r_d = atan(2 r tan(ω/2)) / ω (FOV)
 */
export type WideLens =
  | {
      kind: 'fisheye'
      radial: readonly [number, number, number, number]
      tangential?: readonly [number, number]
      thinPrism?: readonly [number, number]
    }
  | {
      kind: 'rational'
      numerator: readonly [number, number, number]
      denominator: readonly [number, number, number]
      tangential: readonly [number, number]
    }
  | { kind: 'fov'; omega: number }

/** Where the lens puts the normalised point (x, y): normalised coordinates on the picture. */
export function distortWide(lens: WideLens, x: number, y: number): [number, number] {
  const r = Math.hypot(x, y)
  if (lens.kind === 'fov') {
    // ω -> 0 is the pinhole; the quotient would be 0/0
    const factor = r < 1e-9 || lens.omega < 1e-6 ? 1 : Math.atan(2 * r * Math.tan(lens.omega / 2)) / (r * lens.omega)
    return [x * factor, y * factor]
  }
  if (lens.kind === 'rational') {
    const r2 = r * r
    const polynomial = ([a, b, c]: readonly [number, number, number]): number => 1 + r2 * (a + r2 * (b + r2 * c))
    const radial = polynomial(lens.numerator) / polynomial(lens.denominator)
    return addTangential(x, y, x * radial, y * radial, lens.tangential)
  }
  const shrink = r < 1e-9 ? 1 : Math.atan(r) / r
  const [u, v] = [x * shrink, y * shrink]
  const t2 = u * u + v * v
  const [k1, k2, k3, k4] = lens.radial
  const radial = 1 + t2 * (k1 + t2 * (k2 + t2 * (k3 + t2 * k4)))
  const [ud, vd] = addTangential(u, v, u * radial, v * radial, lens.tangential ?? [0, 0])
  const [sx, sy] = lens.thinPrism ?? [0, 0]
  return [ud + sx * t2, vd + sy * t2]
}

function addTangential(x: number, y: number, xd: number, yd: number, [p1, p2]: readonly [number, number]): [number, number] {
  const r2 = x * x + y * y
  return [xd + 2 * p1 * x * y + p2 * (r2 + 2 * x * x), yd + 2 * p2 * x * y + p1 * (r2 + 2 * y * y)]
}
