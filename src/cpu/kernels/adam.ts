// Adam with the usual bias correction (Kingma and Ba 2015, Algorithm 1).

/**
 * (param, grad, m, v, scalars, offset, group); items = elements of a group, which begins at `offset`. scalars, f32, 7 per group: learning rate, beta1,
 * beta2, epsilon, 1 - beta1^t, 1 - beta2^t, gradient scale.
 */
export function adam(args: usize, begin: i32, end: i32): void {
  const first = (usize(begin) + <usize>load<u32>(args, 20)) << 2
  let param = <usize>load<u32>(args) + first
  let grad = <usize>load<u32>(args, 4) + first
  let m = <usize>load<u32>(args, 8) + first
  let v = <usize>load<u32>(args, 12) + first
  const scalars: usize = load<u32>(args, 16) + load<u32>(args, 24) * 28
  const rate = v128.load32_splat(scalars)
  const beta1 = v128.load32_splat(scalars, 4)
  const beta2 = v128.load32_splat(scalars, 8)
  const epsilon = v128.load32_splat(scalars, 12)
  const correction1 = v128.load32_splat(scalars, 16)
  const correction2 = v128.load32_splat(scalars, 20)
  const gradScale = v128.load32_splat(scalars, 24)
  const rest1 = f32x4.sub(f32x4.splat(1), beta1)
  const rest2 = f32x4.sub(f32x4.splat(1), beta2)
  for (let left = end - begin; left > 0; left -= 4) {
    const whole = left >= 4
    const g = f32x4.mul(whole ? v128.load(grad) : v128.load32_zero(grad), gradScale)
    const m1 = f32x4.add(f32x4.mul(beta1, whole ? v128.load(m) : v128.load32_zero(m)), f32x4.mul(rest1, g))
    const v1 = f32x4.add(f32x4.mul(beta2, whole ? v128.load(v) : v128.load32_zero(v)), f32x4.mul(rest2, f32x4.mul(g, g)))
    const denominator = f32x4.add(f32x4.sqrt(f32x4.div(v1, correction2)), epsilon)
    const step = f32x4.mul(rate, f32x4.div(f32x4.div(m1, correction1), denominator))
    const next = f32x4.sub(whole ? v128.load(param) : v128.load32_zero(param), step)
    if (whole) {
      v128.store(m, m1)
      v128.store(v, v1)
      v128.store(param, next)
    } else {
      v128.store32_lane(m, m1, 0)
      v128.store32_lane(v, v1, 0)
      v128.store32_lane(param, next, 0)
      left += 3 // the tail goes one element at a time
    }
    const bytes: usize = whole ? 16 : 4
    param += bytes
    grad += bytes
    m += bytes
    v += bytes
  }
}
