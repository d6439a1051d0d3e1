/** Sine and cosine for WGSL. The built-ins promise only 2^-11 absolute error inside [-pi, pi]; these reach about 1e-7 for |x| < 6000. */

/** Multiples of pi/2 are taken off in three parts of at most 12 bits: n * part is exact for |n| < 4096. */
const PARTS = splitHalfPi()

function splitHalfPi(): string[] {
  let rest = Math.PI / 2
  const parts: number[] = []
  for (let k = 0; k < 2; k++) {
    const unit = 2 ** (Math.floor(Math.log2(rest)) - 11)
    const part = Math.floor(rest / unit) * unit
    parts.push(part)
    rest -= part
  }
  parts.push(Math.fround(rest))
  return parts.map(part => `f32(${part})`)
}

/** `fn sinCos(x: f32) -> vec2f`: (sin x, cos x). Taylor series on [-pi/4, pi/4], last terms below 3e-8. */
export const SIN_COS_WGSL = `fn sinCos(x: f32) -> vec2f {
  let n = round(x * ${`f32(${Math.fround(2 / Math.PI)})`});
  let r = ((x - n * ${PARTS[0]}) - n * ${PARTS[1]}) - n * ${PARTS[2]};
  let z = r * r;
  let s = r + r * z * (-1.0 / 6.0 + z * (1.0 / 120.0 + z * (-1.0 / 5040.0 + z / 362880.0)));
  let c = 1.0 + z * (-0.5 + z * (1.0 / 24.0 + z * (-1.0 / 720.0 + z / 40320.0)));
  let quarter = i32(n) & 3;
  let swapped = select(vec2f(s, c), vec2f(c, s), (quarter & 1) == 1);
  return vec2f(select(swapped.x, -swapped.x, quarter >= 2), select(swapped.y, -swapped.y, quarter == 1 || quarter == 2));
}
`
