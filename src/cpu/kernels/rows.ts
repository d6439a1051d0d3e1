// Moving whole rows and columns: concat, slice, repeat and its gradient.

// @ts-ignore: decorator
@inline
function copyFloats(from: usize, to: usize, bytes: usize): void {
  let at: usize = 0
  for (; at + 16 <= bytes; at += 16) v128.store(to + at, v128.load(from + at))
  for (; at < bytes; at += 4) store<u32>(to + at, load<u32>(from + at))
}

/** (out, value); items = elements. */
export function fill(args: usize, begin: i32, end: i32): void {
  const value = v128.load32_splat(args, 4)
  let out = <usize>load<u32>(args) + (usize(begin) << 2)
  let left = end - begin
  for (; left >= 4; left -= 4) {
    v128.store(out, value)
    out += 16
  }
  for (; left > 0; left--) {
    v128.store32_lane(out, value, 0)
    out += 4
  }
}

/** (src, dst, srcStride, srcOffset, dstStride, dstOffset, width), all in floats; items = rows. */
export function copyColumns(args: usize, begin: i32, end: i32): void {
  const srcStride = usize(load<u32>(args, 8)) << 2
  const dstStride = usize(load<u32>(args, 16)) << 2
  const bytes = usize(load<u32>(args, 24)) << 2
  let from = <usize>load<u32>(args) + (usize(load<u32>(args, 12)) << 2) + usize(begin) * srcStride
  let to = <usize>load<u32>(args, 4) + (usize(load<u32>(args, 20)) << 2) + usize(begin) * dstStride
  for (let row = begin; row < end; row++) {
    copyFloats(from, to, bytes)
    from += srcStride
    to += dstStride
  }
}

/** (src, dst, width, times): dst row i is src row i / times; items = rows of dst. */
export function repeatRows(args: usize, begin: i32, end: i32): void {
  const src: usize = load<u32>(args)
  const bytes = usize(load<u32>(args, 8)) << 2
  const times = load<i32>(args, 12)
  let to = <usize>load<u32>(args, 4) + usize(begin) * bytes
  for (let row = begin; row < end; row++) {
    copyFloats(src + usize(row / times) * bytes, to, bytes)
    to += bytes
  }
}

/** (src, dst, width, times): dst row i is the sum of src rows [i times, (i + 1) times), in their order; items = rows of dst. */
export function sumRowGroups(args: usize, begin: i32, end: i32): void {
  const src: usize = load<u32>(args)
  const bytes = usize(load<u32>(args, 8)) << 2
  const times = load<i32>(args, 12)
  let to = <usize>load<u32>(args, 4) + usize(begin) * bytes
  for (let row = begin; row < end; row++) {
    const group = src + usize(row) * bytes * times
    let at: usize = 0
    for (; at + 16 <= bytes; at += 16) {
      let sum = f32x4.splat(0)
      let from = group + at
      for (let t = 0; t < times; t++) {
        sum = f32x4.add(sum, v128.load(from))
        from += bytes
      }
      v128.store(to + at, sum)
    }
    for (; at < bytes; at += 4) {
      let sum: f32 = 0
      let from = group + at
      for (let t = 0; t < times; t++) {
        sum += load<f32>(from)
        from += bytes
      }
      store<f32>(to + at, sum)
    }
    to += bytes
  }
}
