// Scaled dot-product attention; see src/tensor/ops/attention.ts. Items are rows (sequence, head, token), the token running fastest.
// Every row is computed by one thread in a fixed order, so results do not depend on how rows are dealt out.

import { expVector, madd, splat } from './simdMath'

// the row now at hand
let keys: usize = 0 // byte offset of its head's first token
let token: i32 = 0
let limit: i32 = 0 // tokens it sees
let stride: usize = 0 // bytes from token to token

// @ts-ignore: decorator
@inline
function locate(row: i32, tokens: i32, heads: i32, size: i32, causal: i32): void {
  token = row % tokens
  const head = (row / tokens) % heads
  const sequence = row / tokens / heads
  stride = usize(heads * size) << 2
  keys = usize(sequence * tokens) * stride + (usize(head * size) << 2)
  limit = causal ? token + 1 : tokens
}

// @ts-ignore: decorator
@inline
function sumOf(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
}

/** out[j] = scale * (x . rows[j]) for `count` rows of `size` floats, four at a time. */
function dots(x: usize, rows: usize, count: i32, size: i32, scale: f32, out: usize): void {
  const whole = size & ~3
  let j = 0
  for (; j + 4 <= count; j += 4) {
    const r0 = rows
    const r1 = rows + stride
    const r2 = r1 + stride
    const r3 = r2 + stride
    let a = splat(0)
    let b = splat(0)
    let c = splat(0)
    let d = splat(0)
    for (let i: usize = 0, end = usize(whole) << 2; i < end; i += 16) {
      const v = v128.load(x + i)
      a = madd(v, v128.load(r0 + i), a)
      b = madd(v, v128.load(r1 + i), b)
      c = madd(v, v128.load(r2 + i), c)
      d = madd(v, v128.load(r3 + i), d)
    }
    // transpose and add: lane n holds the sum of accumulator n
    const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5)
    const ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7)
    const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5)
    const cd1 = v128.shuffle<f32>(c, d, 2, 6, 3, 7)
    const low = f32x4.add(v128.shuffle<f32>(ab0, cd0, 0, 1, 4, 5), v128.shuffle<f32>(ab0, cd0, 2, 3, 6, 7))
    const high = f32x4.add(v128.shuffle<f32>(ab1, cd1, 0, 1, 4, 5), v128.shuffle<f32>(ab1, cd1, 2, 3, 6, 7))
    let sum = f32x4.add(low, high)
    for (let i = whole; i < size; i++) {
      const at = usize(i) << 2
      const column = f32x4(load<f32>(r0 + at), load<f32>(r1 + at), load<f32>(r2 + at), load<f32>(r3 + at))
      sum = madd(v128.load32_splat(x + at), column, sum)
    }
    v128.store(out + (usize(j) << 2), f32x4.mul(sum, splat(scale)))
    rows = r3 + stride
  }
  for (; j < count; j++) {
    let a = splat(0)
    for (let i: usize = 0, end = usize(whole) << 2; i < end; i += 16) a = madd(v128.load(x + i), v128.load(rows + i), a)
    let sum = sumOf(a)
    for (let i = whole; i < size; i++) sum += load<f32>(x + (usize(i) << 2)) * load<f32>(rows + (usize(i) << 2))
    store<f32>(out + (usize(j) << 2), scale * sum)
    rows += stride
  }
}

/** out[0..size) = scale * sum_j weights[j] * rows[j]; weights are `step` bytes apart. */
function blend(weights: usize, step: usize, rows: usize, count: i32, size: i32, scale: f32, out: usize): void {
  const s = splat(scale)
  let i = 0
  for (; i + 16 <= size; i += 16) {
    let a = splat(0)
    let b = splat(0)
    let c = splat(0)
    let d = splat(0)
    let r = rows + (usize(i) << 2)
    let w = weights
    for (let j = count; j > 0; j--) {
      const p = v128.load32_splat(w)
      a = madd(p, v128.load(r), a)
      b = madd(p, v128.load(r, 16), b)
      c = madd(p, v128.load(r, 32), c)
      d = madd(p, v128.load(r, 48), d)
      r += stride
      w += step
    }
    const o = out + (usize(i) << 2)
    v128.store(o, f32x4.mul(a, s))
    v128.store(o, f32x4.mul(b, s), 16)
    v128.store(o, f32x4.mul(c, s), 32)
    v128.store(o, f32x4.mul(d, s), 48)
  }
  for (; i < size; i++) {
    let a: f32 = 0
    let r = rows + (usize(i) << 2)
    let w = weights
    for (let j = count; j > 0; j--) {
      a += load<f32>(w) * load<f32>(r)
      r += stride
      w += step
    }
    store<f32>(out + (usize(i) << 2), a * scale)
  }
}

/** p[0..count) becomes its softmax. */
function softmax(p: usize, count: i32): void {
  const end = p + (usize(count) << 2)
  const end4 = p + (usize(count & ~3) << 2)
  let highest = splat(-3.4e38)
  for (let at = p; at < end4; at += 16) highest = f32x4.pmax(highest, v128.load(at))
  let largest: f32 = max(max(f32x4.extract_lane(highest, 0), f32x4.extract_lane(highest, 1)), max(f32x4.extract_lane(highest, 2), f32x4.extract_lane(highest, 3)))
  for (let at = end4; at < end; at += 4) largest = max(largest, load<f32>(at))
  let sums = splat(0)
  for (let at = p; at < end4; at += 16) {
    const e = expVector(f32x4.sub(v128.load(at), splat(largest)))
    v128.store(at, e)
    sums = f32x4.add(sums, e)
  }
  let total = sumOf(sums)
  for (let at = end4; at < end; at += 4) {
    const e = f32x4.extract_lane(expVector(splat(load<f32>(at) - largest)), 0)
    store<f32>(at, e)
    total += e
  }
  const inverse: f32 = f32(1) / total
  for (let at = p; at < end4; at += 16) v128.store(at, f32x4.mul(v128.load(at), splat(inverse)))
  for (let at = end4; at < end; at += 4) store<f32>(at, load<f32>(at) * inverse)
}

/** (q, k, v, y, p, tokens, heads, size, causal); p [rows, tokens] is scratch. */
export function attentionForward(args: usize, begin: i32, end: i32): void {
  const q: usize = load<u32>(args)
  const k: usize = load<u32>(args, 4)
  const v: usize = load<u32>(args, 8)
  const y: usize = load<u32>(args, 12)
  const tokens = load<i32>(args, 20)
  const heads = load<i32>(args, 24)
  const size = load<i32>(args, 28)
  const causal = load<i32>(args, 32)
  const scale = f32(1) / sqrt<f32>(f32(size))
  for (let row = begin; row < end; row++) {
    locate(row, tokens, heads, size, causal)
    const own = keys + usize(token) * stride
    const p = <usize>load<u32>(args, 16) + (usize(row) * usize(tokens) << 2)
    dots(q + own, k + keys, limit, size, scale, p)
    softmax(p, limit)
    blend(p, 4, v + keys, limit, size, 1, y + own)
  }
}

/** (q, k, v, dy, dq, p, ds, tokens, heads, size, causal); items are query rows. Leaves p and ds, both [rows, tokens], for attentionBackwardKey. */
export function attentionBackwardQuery(args: usize, begin: i32, end: i32): void {
  const q: usize = load<u32>(args)
  const k: usize = load<u32>(args, 4)
  const v: usize = load<u32>(args, 8)
  const dy: usize = load<u32>(args, 12)
  const dq: usize = load<u32>(args, 16)
  const tokens = load<i32>(args, 28)
  const heads = load<i32>(args, 32)
  const size = load<i32>(args, 36)
  const causal = load<i32>(args, 40)
  const scale = f32(1) / sqrt<f32>(f32(size))
  for (let row = begin; row < end; row++) {
    locate(row, tokens, heads, size, causal)
    const own = keys + usize(token) * stride
    const first = usize(row) * usize(tokens) << 2
    const p = <usize>load<u32>(args, 20) + first
    const ds = <usize>load<u32>(args, 24) + first
    dots(q + own, k + keys, limit, size, scale, p)
    softmax(p, limit)
    dots(dy + own, v + keys, limit, size, 1, ds)
    const delta = productSum(p, ds, limit)
    const seen = usize(limit) << 2
    const seen4 = usize(limit & ~3) << 2
    for (let at: usize = 0; at < seen4; at += 16) v128.store(ds + at, f32x4.mul(v128.load(p + at), f32x4.sub(v128.load(ds + at), splat(delta))))
    for (let at = seen4; at < seen; at += 4) store<f32>(ds + at, load<f32>(p + at) * (load<f32>(ds + at) - delta))
    blend(ds, 4, k + keys, limit, size, scale, dq + own)
  }
}

function productSum(a: usize, b: usize, count: i32): f32 {
  const end = usize(count) << 2
  const end4 = usize(count & ~3) << 2
  let sums = splat(0)
  for (let at: usize = 0; at < end4; at += 16) sums = madd(v128.load(a + at), v128.load(b + at), sums)
  let total = sumOf(sums)
  for (let at = end4; at < end; at += 4) total += load<f32>(a + at) * load<f32>(b + at)
  return total
}

/** (q, dy, p, ds, dk, dv, tokens, heads, size, causal); items are key rows: column `token` of p and ds weighs the queries that see it. */
export function attentionBackwardKey(args: usize, begin: i32, end: i32): void {
  const q: usize = load<u32>(args)
  const dy: usize = load<u32>(args, 4)
  const tokens = load<i32>(args, 24)
  const heads = load<i32>(args, 28)
  const size = load<i32>(args, 32)
  const causal = load<i32>(args, 36)
  const scale = f32(1) / sqrt<f32>(f32(size))
  const step = usize(tokens) << 2
  for (let row = begin; row < end; row++) {
    locate(row, tokens, heads, size, causal)
    const from = causal ? token : 0
    const queries = keys + usize(from) * stride
    const column = (usize(row - token + from) * usize(tokens) + usize(token)) << 2
    const own = keys + usize(token) * stride
    blend(<usize>load<u32>(args, 12) + column, step, q + queries, tokens - from, size, scale, <usize>load<u32>(args, 16) + own)
    blend(<usize>load<u32>(args, 8) + column, step, dy + queries, tokens - from, size, 1, <usize>load<u32>(args, 20) + own)
  }
}
