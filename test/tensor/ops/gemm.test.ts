import { afterAll, describe, expect, test } from 'vitest'
import { openCpuDevice } from '../../../src/cpu/cpuDevice.ts'
import { cpuBackend } from '../../../src/tensor/cpuBackend.ts'
import { type Device, tensor } from '../../../src/tensor/device.ts'
import { gpuBackend } from '../../../src/tensor/gpuBackend.ts'
import { grad } from '../../../src/tensor/grad.ts'
import { MATRIX_TILES, type MatrixTile, subgroupMatrices } from '../../../src/tensor/matrixUnit.ts'
import type { Tile } from '../../../src/tensor/ops/gemm.ts'
import { LARGE_TILES } from '../../../src/tensor/ops/gemmLarge.ts'
import { joinedDense } from '../../../src/tensor/ops/joinedDense.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { withEmulatedMatrices } from '../../gpu/emulatedMatrices.ts'
import { openComputingGpu, openNullGpu } from '../../gpu/softwareGpu.ts'
import { randomValues } from '../harness.ts'
import { frobenius, type ProductAttrs, product } from './gemmCase.ts'

const opened: Device[] = []
const keep = (device: Device): Device => {
  opened.push(device)
  return device
}
afterAll(() => {
  for (const device of opened) device[Symbol.dispose]()
}, 60_000)

const reference = keep(cpuBackend(await openCpuDevice({ threads: 1 }), false))
const computing = await openComputingGpu()
const compiling = await openNullGpu()
if (typeof computing === 'string') console.warn(`SKIPPED: products on an adapter: ${computing}`)
const f32 = [computing, compiling].flatMap(gpu =>
  typeof gpu === 'string' ? [] : [{ name: gpu.name, device: keep(gpuBackend(gpu)), computes: gpu === computing }],
)

const UNIT = { m: 16, n: 16, k: 16, lanes: 32 }
/** Large blocks and few lanes: kernels unroll blocks, and an adapter in software takes long to compile them. */
const EMULATED = { m: 16, n: 32, k: 32, lanes: 1 }
/** Small enough for 32 KiB with f32 in place of f16. */
const EMULATED_TILES: readonly MatrixTile[] = [
  { rows: 32, columns: 32, depth: 32, down: 2, across: 1, cost: 1 },
  { rows: 16, columns: 64, depth: 32, down: 1, across: 2, cost: 2 },
]

/** Null backend: real subgroup matrices, compiled. An adapter: emulated ones. */
const matrix = subgroupMatrices(UNIT)
const units =
  typeof compiling === 'string'
    ? []
    : [
        {
          name: compiling.name,
          device: gpuBackend(compiling, { precision: 'half', matrix, workgroupBytes: 49152, storageBuffers: 8 }),
          computes: false,
        },
      ]
const emulated =
  typeof computing === 'string'
    ? []
    : [
        {
          name: computing.name,
          device: gpuBackend(withEmulatedMatrices(computing, EMULATED), {
            precision: 'half',
            matrix: subgroupMatrices(EMULATED, EMULATED_TILES),
            workgroupBytes: 32768,
            storageBuffers: 8,
          }),
          computes: true,
        },
      ]

/** The null backend has 16 KiB of workgroup memory; that a kernel wants more is said only after all of its WGSL was found right. */
const compiled = (error: Error): undefined => {
  if (!error.message.includes('total use of workgroup storage')) throw error
}

async function results(device: Device, attrs: ProductAttrs): Promise<Float32Array> {
  const { m, n, k } = attrs
  const [a, b] = [tensor(device, randomValues(m * k, 1), [m * k]), tensor(device, randomValues(k * n, 2), [k * n])]
  const [y] = await evaluate(device, [product(a, b, attrs)])
  await device.sync()
  return y
}

/** Sizes with and without tails, in every order of memory. */
const CASES: readonly ProductAttrs[] = [
  { m: 136, n: 140, k: 72 },
  { m: 136, n: 140, k: 72, transposeA: true, transposeB: true },
  { m: 131, n: 67, k: 43, transposeB: true },
  { m: 131, n: 67, k: 43, transposeA: true },
  { m: 70, n: 132, k: 200, slices: 3 },
]

async function check(tile: Tile, devices: typeof f32, tolerance: number, cases = CASES): Promise<void> {
  for (const sizes of cases) {
    const attrs = { ...sizes, tile }
    const expected = await results(reference, attrs)
    for (const { name, device, computes } of devices) {
      if (!computes) await results(device, attrs).catch(compiled)
      else expect(frobenius(await results(device, attrs), expected), `${name}, ${JSON.stringify(attrs)}`).toBeLessThan(tolerance)
    }
  }
}

/** f16's. An adapter may truncate where a GPU rounds to the nearest: twice the error. */
const HALF = 1e-3

/** A dense layer of two inputs and its gradients, the rows' gradients spanning thirty powers of two. */
async function layer(device: Device): Promise<Float32Array[]> {
  const [rows, nIn, nOut] = [7010, 68, 132]
  const leaf = (shape: [number, number], seed: number) => tensor(device, randomValues(shape[0] * shape[1], seed), shape)
  const [x, z, w, b] = [leaf([rows, 40], 1), leaf([rows, nIn - 40], 5), leaf([nIn, nOut], 2), leaf([1, nOut], 3)]
  const y = joinedDense(x, z, w, b, 'softplus')
  const seed = randomValues(rows * nOut, 4).map((v, i) => v * 2 ** -(10 + (Math.floor(i / nOut / 100) % 30)))
  const values = await evaluate(device, [y, ...grad(y, [x, z, w, b], tensor(device, seed, [rows, nOut]))])
  await device.sync()
  return values
}

describe('gemm', () => {
  for (const tile of LARGE_TILES) test(`large tile ${tile.rows} x ${tile.columns}`, () => check({ kind: 'large', tile }, f32, 1e-6))
  test('small tile', () => check({ kind: 'small' }, f32, 1e-6))
  for (const tile of MATRIX_TILES)
    test(`matrix units: ${tile.rows} x ${tile.columns} x ${tile.depth}`, () => check({ kind: 'matrix', tile }, units, HALF))
  for (const tile of EMULATED_TILES)
    test(`emulated matrix units: ${tile.rows} x ${tile.columns}`, () => check({ kind: 'matrix', tile }, emulated, HALF, CASES.slice(1, -1)))
  test('matrix units: a dense layer and its gradient, tiny gradients and large', async () => {
    const expected = await layer(reference)
    for (const { device } of units) await layer(device).catch(compiled)
    for (const { name, device } of emulated) {
      for (const [i, values] of (await layer(device)).entries()) expect(frobenius(values, expected[i]), `${name}, output ${i}`).toBeLessThan(HALF)
    }
  }, 120_000)
})
