import { expect, test } from 'vitest'
import { type Device, tensor } from '../../../src/tensor/device.ts'
import { type BrickMarchOptions, type Bricks, brickMarch } from '../../../src/tensor/ops/brickMarch.ts'
import { BRICK, brickPoints, COARSE, CORNERS, DENSITY_CODES, EMPTY, packBricks } from '../../../src/tensor/ops/bricks.ts'
import { contract } from '../../../src/tensor/ops/contract.ts'
import { fill } from '../../../src/tensor/ops/fill.ts'
import { packPixels } from '../../../src/tensor/ops/packPixels.ts'
import { compile, evaluate } from '../../../src/tensor/plan.ts'
import { compareDevices, randomValues, testDevices } from '../harness.ts'

const N = 64
const ALONG = N / BRICK
const SCALE = [-8, 60 / DENSITY_CODES]
const OPTIONS: BrickMarchOptions = { near: 0.5, far: 12, resolution: N, step: 1, leastLight: 1e-3 }
const RAYS = 37

/** Unit directions towards places near the middle. */
function rays(): { origins: Float32Array; directions: Float32Array } {
  const origins = randomValues(RAYS * 3, 1, [-0.2, 0.2])
  const goals = randomValues(RAYS * 3, 2, [-1.2, 1.2])
  for (let r = 0; r < RAYS; r++) origins[3 * r + 2] -= 2.5
  const directions = goals.map((g, i) => g - origins[i])
  for (let r = 0; r < RAYS; r++) {
    const n = Math.hypot(...directions.subarray(3 * r, 3 * r + 3))
    for (let axis = 0; axis < 3; axis++) directions[3 * r + axis] /= n
  }
  return { origins, directions }
}

/** Bricks of a soft ball of radius 0.9, those around them of haze, the rest empty. `distance` false hides how far it is from an empty brick to the next. */
function ball(distance = true): { index: Uint32Array; bricks: Uint32Array } {
  const index = new Uint32Array(ALONG ** 3)
  const bricks: number[] = []
  const haze = new Map<number, number>()
  const radius = (b: number): number =>
    Math.hypot(...[Math.floor(b / ALONG ** 2), Math.floor(b / ALONG) % ALONG, b % ALONG].map(v => (v + 0.5) / 2 - 2))
  for (let b = 0; b < index.length; b++) {
    if (radius(b) < 0.9) {
      index[b] = bricks.length
      bricks.push(b)
    } else if (b < 2 * ALONG ** 2 + 3) {
      const [x, y, z] = [Math.floor(b / ALONG ** 2), Math.floor(b / ALONG) % ALONG, b % ALONG].map(v => Math.floor(v / 4))
      const parent = (x * 2 + y) * 2 + z
      if (!haze.has(parent)) haze.set(parent, bricks.push(parent + COARSE) - 1)
      index[b] = (haze.get(parent) ?? 0) + COARSE
    } else index[b] = EMPTY + (distance && radius(b) > 1.9 ? 2 : 1)
  }
  return { index, bricks: Uint32Array.from(bricks) }
}

/** Densities and colours that vary everywhere; words of them. */
async function marchable(device: Device, made = ball(), density = 3): Promise<Bricks> {
  const corners = made.bricks.length * CORNERS
  const { words } = packBricks(
    tensor(device, randomValues(corners, 4, [0, density]), [corners]),
    tensor(device, randomValues(corners * 3, 5, [0, 1]), [corners, 3]),
    tensor(device, SCALE, [2]),
  )
  using plan = compile(device, { outputs: [words] })
  plan.run()
  const voxels = Uint32Array.from(await plan.read(words))
  return { scale: tensor(device, SCALE, [2]), index: tensor(device, made.index, [made.index.length]), voxels: tensor(device, voxels, [corners]) }
}

async function march(device: Device, bricks: Bricks, options: Partial<BrickMarchOptions> = {}): Promise<Float32Array[]> {
  const { origins, directions } = rays()
  const leaves = { origins: tensor(device, origins, [RAYS, 3]), directions: tensor(device, directions, [RAYS, 3]) }
  const { color, depth, accumulation } = brickMarch(leaves, bricks, { ...OPTIONS, ...options })
  return await evaluate(device, [color, depth, accumulation])
}

test('corners of fine and coarse bricks lie where they are counted to, and come back when contracted', async () => {
  const bricks = Uint32Array.of(0, 5 * ALONG * ALONG + 3 * ALONG + 6, COARSE + 3)
  for (const { device, compileOnly } of await testDevices()) {
    const x = brickPoints(tensor(device, bricks, [3]), N)
    const [folded] = await evaluate(device, [contract(x)])
    if (compileOnly) continue
    const corner = (brick: number, v: number): number[] => [...folded.slice(3 * (brick * CORNERS + v), 3 * (brick * CORNERS + v) + 3)]
    const fine = [5, 3, 6].map(b => b / 2 - 2)
    for (const [axis, v] of corner(1, 0).entries()) expect(v).toBeCloseTo(fine[axis], 5)
    for (const [axis, v] of corner(1, 81 * 2 + 9 * 3 + 8).entries()) expect(v).toBeCloseTo(fine[axis] + [2, 3, 8][axis] / 16, 5)
    // coarse brick (0, 1, 1): from [-2, 0, 0] on, four times as large; its corner at [-1, 1, 0.5]
    for (const [axis, v] of corner(2, 81 * 4 + 9 * 4 + 2).entries()) expect(v).toBeCloseTo([-1, 1, 0.5][axis], 5)
    expect(Math.hypot(...corner(0, 0))).toBeLessThan(2) // a corner of the cube lies beyond all space
  }
})

test('brickPoints, packBricks and packPixels on every device', () =>
  compareDevices({
    name: 'bricks',
    run: async device => {
      const x = brickPoints(tensor(device, Uint32Array.of(1, 77, COARSE + 1), [3]), N)
      const [sigma, rgb] = [
        tensor(device, randomValues(CORNERS, 1, [0, 30]), [CORNERS]),
        tensor(device, randomValues(CORNERS * 3, 2, [0, 1]), [CORNERS, 3]),
      ]
      const { words, largest } = packBricks(sigma, rgb, tensor(device, SCALE, [2]))
      const pixels = packPixels(rgb)
      using plan = compile(device, { outputs: [x, words, largest, pixels] })
      plan.run()
      const read = async (y: typeof x) => new Float32Array(await plan.read(y))
      // words as their parts: two devices may round a number in the middle of two codes to either
      const codes = [...(await read(words))].map(w => Math.floor(w / 2 ** 21) / 100)
      const reds = [...(await read(pixels))].map(w => 100 + (w & 255))
      return [
        { name: 'points', values: await read(x) },
        { name: 'codes', values: Float32Array.from(codes) },
        { name: 'largest', values: await read(largest) },
        { name: 'reds', values: Float32Array.from(reds) },
      ]
    },
    tolerance: 1e-2,
  }))

test('a corner keeps its colour to a 7-bit step and its density to half a code', async () => {
  for (const { device, compileOnly } of await testDevices()) {
    const sigma = randomValues(CORNERS, 3, [0, 40])
    const rgb = randomValues(CORNERS * 3, 4, [0, 1])
    const { words } = packBricks(tensor(device, sigma, [CORNERS]), tensor(device, rgb, [CORNERS, 3]), tensor(device, SCALE, [2]))
    using plan = compile(device, { outputs: [words] })
    plan.run()
    const packed = await plan.read(words)
    await device.sync()
    if (compileOnly) continue
    for (const [i, word] of packed.entries()) {
      for (let c = 0; c < 3; c++) expect(Math.abs(((word >>> (7 * c)) & 127) / 127 - rgb[3 * i + c])).toBeLessThan(0.5 / 127 + 1e-6)
      const before = SCALE[0] + SCALE[1] * (word >>> 21)
      expect(Math.abs(before - Math.log(Math.expm1(sigma[i])))).toBeLessThan(sigma[i] < 1e-3 ? 2 : SCALE[1] * 0.51 + 1e-4)
    }
  }
})

test('rays through fine bricks, haze and emptiness on every device', () =>
  compareDevices({
    name: 'brickMarch',
    // a place near a face of a brick or a cell may fall on either side of it
    tolerance: 5e-3,
    run: async device => {
      const [color, depth, accumulation] = await march(device, await marchable(device))
      return [
        { name: 'color', values: color },
        { name: 'depth', values: depth },
        { name: 'accumulation', values: accumulation },
      ]
    },
  }))

test('jumps over emptiness change nothing', async () => {
  for (const { device, compileOnly } of await testDevices()) {
    const [far, near] = [await march(device, await marchable(device, ball(true))), await march(device, await marchable(device, ball(false)))]
    if (!compileOnly) expect(far).toEqual(near)
  }
})

test('a ray that ends early differs from one that goes on by less than the light it had left', async () => {
  for (const { device, compileOnly } of await testDevices()) {
    const bricks = await marchable(device, ball(), 40)
    const [early, late] = [await march(device, bricks), await march(device, bricks, { leastLight: 0 })]
    if (compileOnly) continue
    for (const [i, v] of late[0].entries()) expect(Math.abs(early[0][i] - v)).toBeLessThan(1e-3)
    for (const [i, v] of late[2].entries()) expect(Math.abs(early[2][i] - v)).toBeLessThan(1e-3)
    expect(late[2].some(a => a > 0.999)).toBe(true)
  }
})

test('by hand: half the light of an even ball, its colour alone, and the far bound where nothing is', async () => {
  const made = ball()
  made.index.fill(0)
  for (const { device, compileOnly } of await testDevices()) {
    const density = Math.log(2) / 2 // half of the light in 2 units
    const corners = CORNERS
    const { words } = packBricks(
      fill([corners], density),
      tensor(
        device,
        Float32Array.from({ length: corners * 3 }, (_, i) => [1, 0.5, 0][i % 3]),
        [corners, 3],
      ),
      tensor(device, SCALE, [2]),
    )
    using plan = compile(device, { outputs: [words] })
    plan.run()
    const voxels = tensor(device, Uint32Array.from(await plan.read(words)), [corners])
    const bricks = { scale: tensor(device, SCALE, [2]), index: tensor(device, made.index, [made.index.length]), voxels }
    const leaves = { origins: tensor(device, [0, 0, -1.5], [1, 3]), directions: tensor(device, [0, 0, 1], [1, 3]) }
    const even = brickMarch(leaves, bricks, { ...OPTIONS, near: 0.5, far: 2.5 })
    const nothing = brickMarch(
      leaves,
      {
        ...bricks,
        index: tensor(
          device,
          made.index.map(() => EMPTY + 1),
          [made.index.length],
        ),
      },
      OPTIONS,
    )
    const [color, , accumulation, none, far] = await evaluate(device, [even.color, even.depth, even.accumulation, nothing.color, nothing.depth])
    if (compileOnly) continue
    // one part in a hundred: the density's code
    expect(accumulation[0]).toBeCloseTo(0.5, 2)
    for (const [c, v] of [1, 64 / 127, 0].entries()) expect(color[c]).toBeCloseTo(v, 5)
    expect([...none]).toEqual([0, 0, 0])
    expect(far[0]).toBeCloseTo(12, 5)
  }
})

test('names what does not fit', () => {
  const [rays3, index, voxels] = [fill([4, 3], 0), fill([ALONG ** 3], 0), fill([CORNERS], 0)]
  const bricks = { scale: fill([2], 1), index, voxels }
  const both = { origins: rays3, directions: rays3 }
  expect(() => brickMarch(both, { ...bricks, index: fill([8], 0) }, OPTIONS)).toThrow('brickMarch: index [8] for 8³ bricks')
  expect(() => brickMarch(both, bricks, { ...OPTIONS, leastLight: 1 })).toThrow('least light 1 (must be in [0, 1))')
  expect(() => brickMarch({ ...both, directions: fill([5, 3], 0) }, bricks, OPTIONS)).toThrow('got [4, 3], [5, 3], [2]')
  expect(() => brickPoints(fill([4], 0), N)).toThrow('the bricks are f32; make them from a Uint32Array')
  expect(() => packBricks(fill([728], 0), fill([728, 3], 0), fill([2], 0))).toThrow('needs sigma [B · 729]')
  expect(() => packPixels(fill([4, 4], 0))).toThrow('packPixels: colours must be [R, 3], got [4, 4]')
})
