/** Numbers and colours by chance. */
import type { Vector3 } from '../../src/camera/vector.ts'
import type { HostRandom } from '../../src/tensor/hostRandom.ts'

/** Linear light. */
export type Rgb = Vector3

export const mixed = (a: Rgb, b: Rgb, t: number): Rgb => [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t]
export const clamp = (v: number): number => Math.min(1, Math.max(0, v))
export const within = (random: HostRandom, low: number, high: number): number => low + (high - low) * random.next()
export const pick = <T>(random: HostRandom, list: readonly T[]): T => list[random.integer(list.length)]

export function randomColor(random: HostRandom, most = 0.7): Rgb {
  const color: Rgb = [most * random.next() ** 2, most * random.next() ** 2, most * random.next() ** 2]
  const grey = (color[0] + color[1] + color[2]) / 3
  return mixed(color, [grey, grey, grey], 0.8 * random.next())
}

/** Noise of a point that changes over `size`, with standard deviation about `amount`. */
export function smoothNoise(random: HostRandom, size: number, amount: number): (x: number, y: number, z: number) => number {
  const waves = Array.from({ length: 10 }, () => {
    const k = [0, 1, 2].map(() => random.normal() / size)
    return [...k, 2 * Math.PI * random.next()]
  })
  return (x, y, z) =>
    (amount * Math.SQRT2 * waves.reduce((s, [a, b, c, phase]) => s + Math.sin(a * x + b * y + c * z + phase), 0)) / Math.sqrt(waves.length)
}
