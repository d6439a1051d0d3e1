/** Seeded random numbers on the host. Stateless: a draw is a function of (seed, stream, index), so that a resumed run continues exactly. */

/** 32-bit mix of three words (murmur3's finaliser over a running hash). */
export function hash3(a: number, b: number, c: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b)
  h = mix(h ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35))
  h = mix(h ^ Math.imul(c + 0x165667b1, 0x27d4eb2f))
  return h >>> 0
}

function mix(h: number): number {
  let x = h
  x ^= x >>> 16
  x = Math.imul(x, 0x85ebca6b)
  x ^= x >>> 13
  x = Math.imul(x, 0xc2b2ae35)
  return x ^ (x >>> 16)
}

/** A stream of draws in [0, 1): `next()` walks the index. */
export class HostRandom {
  private index = 0
  constructor(
    private readonly seed: number,
    private readonly stream = 0,
  ) {}

  /** Uniform in [0, 1), 24 bits. */
  next(): number {
    return (hash3(this.seed, this.stream, this.index++) >>> 8) / 0x1000000
  }

  /** Standard normal (Box–Muller). */
  normal(): number {
    const u = 1 - this.next()
    return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * this.next())
  }

  /** Integer in [0, bound). */
  integer(bound: number): number {
    return Math.min(Math.floor(this.next() * bound), bound - 1)
  }
}

/** Number of a name, for a stream per parameter that does not depend on declaration order (FNV-1a). */
export function hashName(name: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193)
  return h >>> 0
}
