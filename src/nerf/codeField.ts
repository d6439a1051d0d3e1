/**
 * A code field gives every point its latent code: points [Q, 3] in space units -> codes [Q, d_w]. It is the one idea behind a frame's
 * expression, a blend of two, an inverted code and the compositor; the renderer never asks which it has.
 */
import { add, affine } from '../tensor/ops/elementwise.ts'
import { repeatRows } from '../tensor/ops/rows.ts'
import { lastAxis, reshape, rowCount, type Tensor } from '../tensor/tensor.ts'

/** The latent code of every point: points [Q, 3] in space units -> codes [Q, d_w]. */
export interface CodeField {
  (x: Tensor): Tensor
  /** The code [1, d_w] of a field that is the same everywhere: networks then take its part of their first layer for a bias. */
  readonly constant?: Tensor
}

/** The same code [d_w] everywhere. `code` is a leaf the caller may rewrite between renders. */
export function constantCode(code: Tensor): CodeField {
  return sameEverywhere(reshape(code, [1, lastAxis(code.shape)]))
}

const sameEverywhere = (constant: Tensor): CodeField => Object.assign((x: Tensor) => repeatRows(constant, rowCount(x.shape)), { constant })

/** The codes of a field at points [Q, 3]: [Q, d_w], or [1, d_w] for all of them. */
export const codesAt = (field: CodeField, x: Tensor): Tensor => field.constant ?? field(x)

/** One code per ray: points [R · M, 3] ray by ray, any M; codes [R, d_w]. */
export function rayCodes(codes: Tensor): CodeField {
  return x => repeatRows(codes, rowCount(x.shape) / rowCount(codes.shape))
}

/** (1 − s)·a + s·b at every point. With b an edit and a the reference code, s is the edit's strength (0 is the unedited scene exactly). */
export function blend(a: CodeField, b: CodeField, s: number): CodeField {
  if (!Number.isFinite(s)) throw new Error(`blend: strength is ${s}; give a finite number, usually 0..1`)
  if (s === 0) return a
  if (s === 1) return b
  const mixed = (one: Tensor, other: Tensor): Tensor => add(affine(one, 1 - s), affine(other, s))
  if (a.constant && b.constant) return sameEverywhere(mixed(a.constant, b.constant))
  return x => mixed(a(x), b(x))
}
