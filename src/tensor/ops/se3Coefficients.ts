/**
 * What the exponential map of SE(3) multiplies with: A = sin θ/θ, B = (1 − cos θ)/θ², C = (θ − sin θ)/θ³ as functions of s = θ² = |w|²,
 * smooth at 0, with their gradients by w.
 */

import { SIN_COS_WGSL } from './sinCos.ts'
import { float } from './wgsl.ts'

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1))
/** Coefficients of Σ (−s)^k / (2k + first)!, k < 10: below 1e-8 of A (first 1), B (2), C (3) for s <= π². */
const series = (first: number): number[] => Array.from({ length: 10 }, (_, k) => (-1) ** k / factorial(2 * k + first))
/** Twice the derivative by s: the factor of w in the gradient of A, B, C. */
const slopeSeries = (first: number): number[] =>
  Array.from({ length: 10 }, (_, k) => ((-1) ** (k + 1) * 2 * (k + 1)) / factorial(2 * (k + 1) + first))

export interface Coefficients {
  readonly a: number
  readonly b: number
  readonly c: number
  /** Gradients by w are these times w. */
  readonly da: number
  readonly db: number
  readonly dc: number
}

const SERIES = [1, 2, 3].map(series)
const SLOPE_SERIES = [1, 2, 3].map(slopeSeries)
const horner = (coefficients: readonly number[], s: number): number => coefficients.reduceRight((sum, value) => value + s * sum, 0)

/** From s = θ². Series below 0.5, where the closed forms lose digits. */
export function coefficients(s: number): Coefficients {
  if (s < 0.5) {
    const [a, b, c] = SERIES.map(row => horner(row, s))
    const [da, db, dc] = SLOPE_SERIES.map(row => horner(row, s))
    return { a, b, c, da, db, dc }
  }
  const theta = Math.sqrt(s)
  const a = Math.sin(theta) / theta
  const b = (1 - Math.cos(theta)) / s
  const c = (1 - a) / s
  return { a, b, c, da: (Math.cos(theta) - a) / s, db: (a - 2 * b) / s, dc: (b - 3 * c) / s }
}

const hornerWgsl = (row: readonly number[]): string =>
  row.reduceRight((inner, value) => (inner === '' ? float(value) : `(${float(value)} + s * ${inner})`), '')
/** f32 twin of `coefficients`: series up to θ = π (WGSL's own sin and cos are too coarse), beyond it the closed forms. */
export const COEFFICIENTS_WGSL = `${SIN_COS_WGSL}struct Coefficients { a: f32, b: f32, c: f32, da: f32, db: f32, dc: f32 }
fn seriesA(s: f32) -> f32 { return ${hornerWgsl(SERIES[0])}; }
fn seriesB(s: f32) -> f32 { return ${hornerWgsl(SERIES[1])}; }
fn coefficients(s: f32) -> Coefficients {
  if (s <= 9.8696) {
    let c = ${hornerWgsl(SERIES[2])};
    let da = ${hornerWgsl(SLOPE_SERIES[0])};
    let db = ${hornerWgsl(SLOPE_SERIES[1])};
    let dc = ${hornerWgsl(SLOPE_SERIES[2])};
    return Coefficients(seriesA(s), seriesB(s), c, da, db, dc);
  }
  let theta = sqrt(s);
  let sc = sinCos(theta);
  let a = sc.x / theta;
  let b = (1.0 - sc.y) / s;
  let c = (1.0 - a) / s;
  return Coefficients(a, b, c, (sc.y - a) / s, (a - 2.0 * b) / s, (b - 3.0 * c) / s);
}
`
