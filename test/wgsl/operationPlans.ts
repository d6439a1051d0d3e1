/** One plan per operation: forward and gradient by every f32 input, on seeded random numbers that make sense to it. */
import { type Device, tensor } from '../../src/tensor/device.ts'
import { grad } from '../../src/tensor/grad.ts'
import { adam, clipGradientNorm } from '../../src/tensor/ops/adam.ts'
import { assign } from '../../src/tensor/ops/assign.ts'
import { attention } from '../../src/tensor/ops/attention.ts'
import { brickMarch } from '../../src/tensor/ops/brickMarch.ts'
import { brickPoints, CORNERS, packBricks } from '../../src/tensor/ops/bricks.ts'
import { CAMERA_NUMBERS, cameraNumbers, cameraRays } from '../../src/tensor/ops/cameraRays.ts'
import { concat, sliceColumns } from '../../src/tensor/ops/concat.ts'
import { contract } from '../../src/tensor/ops/contract.ts'
import { type Activation, dense } from '../../src/tensor/ops/dense.ts'
import { gridSamples, gridUpdate } from '../../src/tensor/ops/densityGrid.ts'
import * as elementwise from '../../src/tensor/ops/elementwise.ts'
import { expSe3 } from '../../src/tensor/ops/expSe3.ts'
import { frequencyEncoding } from '../../src/tensor/ops/frequencyEncoding.ts'
import { frozenDense } from '../../src/tensor/ops/frozenDense.ts'
import { fusedMlp, type MlpShape, type MlpTiling } from '../../src/tensor/ops/fusedMlp.ts'
import { mlpMatrices } from '../../src/tensor/ops/fusedMlpLayout.ts'
import { gatherRows } from '../../src/tensor/ops/gather.ts'
import { halfDense } from '../../src/tensor/ops/halfDense.ts'
import { hashEncoding, hashTableLength } from '../../src/tensor/ops/hashEncoding.ts'
import { joinedDense } from '../../src/tensor/ops/joinedDense.ts'
import { l2Normalize } from '../../src/tensor/ops/l2Normalize.ts'
import { layerNorm } from '../../src/tensor/ops/layerNorm.ts'
import { lipschitzScale } from '../../src/tensor/ops/lipschitz.ts'
import { logBounds, product } from '../../src/tensor/ops/lipschitzBounds.ts'
import { maxPool } from '../../src/tensor/ops/maxPool.ts'
import { medianDepth, pickSample } from '../../src/tensor/ops/medianSample.ts'
import { packPixels } from '../../src/tensor/ops/packPixels.ts'
import { patchify } from '../../src/tensor/ops/patchify.ts'
import { addNoise, integers, uniform } from '../../src/tensor/ops/random.ts'
import { rayPoints } from '../../src/tensor/ops/rayPoints.ts'
import { rayWeights } from '../../src/tensor/ops/rayWeights.ts'
import { broadcast, mean, mulRows, sum, sumLast } from '../../src/tensor/ops/reduce.ts'
import { resizeImage } from '../../src/tensor/ops/resize.ts'
import { robustLoss } from '../../src/tensor/ops/robust.ts'
import { concatRows, repeatAll, repeatRows, sliceRows, sumRepeats, sumRowGroups } from '../../src/tensor/ops/rows.ts'
import { fineSamples, sortedUnion, stratifiedSamples } from '../../src/tensor/ops/sampling.ts'
import { se3Transform } from '../../src/tensor/ops/se3.ts'
import { softmax } from '../../src/tensor/ops/softmax.ts'
import { squaredDistance } from '../../src/tensor/ops/squaredDistance.ts'
import { sumSamples } from '../../src/tensor/ops/sumSamples.ts'
import { sums } from '../../src/tensor/ops/sums.ts'
import { totalVariation } from '../../src/tensor/ops/totalVariation.ts'
import { permute } from '../../src/tensor/ops/transpose.ts'
import { unfold } from '../../src/tensor/ops/unfold.ts'
import { weightedSum } from '../../src/tensor/ops/weightedSum.ts'
import type { PlanRequest } from '../../src/tensor/plan.ts'
import { detach, elements, type GraphNode, type Numbers, reshape, type Shape, type Tensor } from '../../src/tensor/tensor.ts'
import { DISTORTED } from '../camera/distorted.ts'
import { cotangent, randomValues } from '../tensor/opCase.ts'

/** Samples a ray. */
const M = 32

/** An input of numbers in -1 … 1, or of the numbers that `values` makes for its length and seed. */
type Input = Shape | { readonly shape: Shape; readonly values: (length: number, seed: number) => Numbers }

const within =
  (low: number, high: number) =>
  (...shape: number[]): Input => ({ shape, values: (length, seed) => randomValues(length, seed, [low, high]) })
const share = within(0, 1)
const positive = within(0.1, 2)
/** Densities: about half of the light gets through a ray of M. */
const density = within(0, 2 / M)
/** Whole numbers below `end`. */
const indices = (end: number, ...shape: number[]): Input => ({
  shape,
  values: (length, seed) => Uint32Array.from(randomValues(length, seed, [0, end]), Math.floor),
})
/** Words of two 16-bit numbers each, between 2^-3 and 2^-1 as f16. */
const halves = (count: number): Input => ({
  shape: [count / 2],
  values: (length, seed) => Uint32Array.from(randomValues(length, seed, [0, 0x7ff]), v => 0x30003000 + Math.floor(v) * 0x10001),
})
/** Rising along the last axis. */
const rising = (rays: number, samples: number): Input => ({
  shape: [rays, samples],
  values: (length, seed) => randomValues(length, seed, [0.1, 0.9]).map((v, i) => (i % samples) + v),
})
/** Unit vectors. */
const units = (rows: number): Input => ({
  shape: [rows, 3],
  values: (length, seed) => {
    const v = randomValues(length, seed)
    return v.map((x, i) => x / Math.hypot(...v.subarray(i - (i % 3), i - (i % 3) + 3)))
  },
})

/** What is compiled, and read where it runs. */
export interface OperationPlan {
  readonly name: string
  build(device: Device): PlanRequest
}

function leavesOf(device: Device, inputs: readonly Input[]): Tensor[] {
  return inputs.map((input, i) => {
    const { shape, values } = 'shape' in input ? input : { shape: input, values: randomValues }
    return tensor(device, values(elements(shape), i), shape)
  })
}

/** Forward and gradient of one operation. */
function operation(name: string, inputs: readonly Input[], build: (x: Tensor[]) => Tensor | Tensor[]): OperationPlan {
  return {
    name,
    build(device) {
      const leaves = leavesOf(device, inputs)
      const built = build(leaves)
      const outputs = Array.isArray(built) ? built : [built]
      const loss = outputs
        .map((y, i) => sum(elementwise.mul(reshape(y, [y.length]), tensor(device, cotangent(y.length, i), [y.length]))))
        .reduce(elementwise.add)
      const wrt = leaves.filter(x => x.dtype === 'f32')
      return { outputs: [...outputs, ...grad(loss, wrt)] }
    },
  }
}

/** Operations without a gradient. */
function values(name: string, inputs: readonly Input[], build: (x: Tensor[]) => Tensor[]): OperationPlan {
  return { name, build: (device): PlanRequest => ({ outputs: build(leavesOf(device, inputs)) }) }
}

/** Operations that write into their inputs, which are what is read afterwards. */
function effect(name: string, inputs: readonly Input[], build: (x: Tensor[]) => GraphNode): OperationPlan {
  return {
    name,
    build(device): PlanRequest {
      const leaves = leavesOf(device, inputs)
      return { outputs: leaves, effects: [build(leaves)] }
    },
  }
}

const ACTIVATIONS: Activation[] = ['none', 'relu', 'softplus', 'sigmoid']
const { exp, log, sqrt, square, reciprocal, abs, relu, sigmoid, softplus, quickGelu, gelu, geluTanh } = elementwise
const POSITIVE = { log, sqrt, reciprocal }
const UNARY = { exp, square, abs, relu, sigmoid, softplus, quickGelu, gelu, geluTanh }
const { add, sub, mul } = elementwise
const HASH = { resolutions: [16, 24, 36, 54, 81, 122, 182, 273], log2Entries: 15, features: 2, lo: -2, hi: 2 }
/** A density on the first layer, a colour on the second, in the workgroup memory that every device has. */
const NARROW: MlpShape = {
  nIn: 56,
  layers: [
    { nOut: 64, activation: 'relu', heads: [{ nOut: 1, activation: 'softplus' }] },
    { nOut: 64, activation: 'relu', heads: [{ nOut: 3, activation: 'sigmoid' }] },
  ],
}
const TILING: MlpTiling = { units: 'blocks', rows: 16, blockRows: 4, blockColumns: 4, groups: 264, layersPerDispatch: 1 }
const GRID = { near: 0.5, far: 2, bins: 128, resolution: 64, uniformShare: 0.1 }

/** @param R rays; operations on points see R · 32 of them. */
export function operationPlans(R = 4096): readonly OperationPlan[] {
  const Q = R * M
  return [
    ...Object.entries(UNARY).map(([name, op]) => operation(name, [[Q]], ([x]) => op(x))),
    ...Object.entries(POSITIVE).map(([name, op]) => operation(name, [positive(Q)], ([x]) => op(x))),
    ...Object.entries({ add, sub, mul }).map(([name, op]) => operation(name, [[Q], [Q], []], ([a, b, s]) => op(op(a, b), s))),
    operation('affine and clamp', [[Q]], ([x]) => elementwise.clamp(elementwise.affine(x, 1 / 3, -1e-7), -1e6, 1)),
    operation('sum, mean, broadcast', [[Q, 3], []], ([x, s]) => [sum(x), mean(x), broadcast(s, [Q, 3])]),
    operation('sumLast, mulRows', [[Q, 3], [Q]], ([x, s]) => [sumLast(x), mulRows(x, s)]),
    ...ACTIVATIONS.map(a => operation(`dense ${a}`, [[Q, 63], [63, 64], [64]], ([x, w, b]) => dense(x, w, b, a))),
    operation('fusedMlp', [[Q, NARROW.nIn], ...mlpMatrices(NARROW).flatMap(m => [[m.nIn, m.nOut], [m.nOut]])], ([x, ...p]) =>
      fusedMlp(x, p, NARROW, TILING),
    ),
    operation(
      'dense of one output',
      [
        [Q, 64],
        [64, 1],
      ],
      ([x, w]) => dense(x, w),
    ),
    operation('dense of few rows', [[50, 3072], [3072, 768], [768]], ([x, w, b]) => dense(x, w, b)),
    ...(['f16', 'bf16'] as const).map(format =>
      operation(`halfDense ${format}`, [[50, 768], halves(3072 * 768)], ([x, w]) => halfDense(x, w, undefined, { format, nOut: 3072 })),
    ),
    operation('joinedDense', [[Q, 64], [Q, 44], [108, 64], [64]], ([x, z, w, b]) => joinedDense(x, z, w, b, 'relu')),
    operation(
      'frozenDense',
      [
        [50, 768],
        [50, 3072],
        [3072, 768],
      ],
      ([y, x, w]) => frozenDense(y, x, { w: detach(w) }, 'quickGelu'),
    ),
    operation('softmax', [[Q, 6]], ([x]) => softmax(x)),
    operation('layerNorm', [[200, 768], [768], [768]], ([x, gamma, beta]) => layerNorm(x, gamma, beta)),
    operation(
      'attention',
      [
        [4 * 50, 768],
        [4 * 50, 768],
        [4 * 50, 768],
      ],
      ([q, k, v]) => attention(q, k, v, { batch: 4, tokens: 50, heads: 12, causal: false }),
    ),
    operation(
      'attention, causal',
      [
        [77, 512],
        [77, 512],
        [77, 512],
      ],
      ([q, k, v]) => attention(q, k, v, { batch: 1, tokens: 77, heads: 8, causal: true }),
    ),
    operation('l2Normalize', [[8, 512]], ([x]) => l2Normalize(x)),
    operation(
      'concat and slice',
      [
        [Q, 63],
        [Q, 8],
      ],
      ([a, b]) => sliceColumns(concat([a, b]), 60, 70),
    ),
    operation('rows', [[R, 27]], ([x]) => sumRowGroups(repeatRows(x, M), M)),
    operation('gatherRows', [[512, 8], indices(512, R)], ([table, index]) => gatherRows(table, index)),
    operation('frequencyEncoding', [[Q, 3], share(8)], ([x, window]) => frequencyEncoding(x, { minBand: 0, bands: 8, window: detach(window) })),
    operation('hashEncoding', [within(-2, 2)(Q, 3), [hashTableLength(HASH)]], ([x, tables]) => hashEncoding(x, tables, HASH)),
    operation(
      'se3Transform',
      [
        [Q, 3],
        [Q, 3],
        [Q, 3],
      ],
      ([w, v, x]) => se3Transform(w, v, x),
    ),
    operation('expSe3', [[Q, 6], positive(Q)], ([screw, theta]) => expSe3(screw, theta)),
    operation('rayPoints', [[R, 3], units(R), rising(R, M)], ([o, d, z]) => rayPoints(o, d, z)),
    operation('rendering', [density(R, M), rising(R, M), positive(R), [R, M, 3]], ([sigma, z, norm, rgb]) =>
      sumSamples(rayWeights(sigma, z, norm, { infinity: true }), rgb),
    ),
    operation('contract', [within(-3, 3)(Q, 3)], ([x]) => contract(x)),
    operation('medianDepth', [density(R, M), rising(R, M)], ([weights, z]) => medianDepth(detach(weights), z)),
    operation('pickSample', [[R, M, 3], indices(M, R)], ([x, index]) => pickSample(x, index)),
    operation('robustLoss', [within(0, 0.01)(Q)], ([squared]) => robustLoss(squared, { alpha: -2, scale: 0.03 })),
    values('sums', [[64, 64], [64, 64], [64], [64], [64]], ([a, b, c, d, e]) =>
      sums([
        [a, b],
        [c, d, e],
      ]),
    ),
    operation(
      'squaredDistance',
      [
        [R, 3],
        [R, 3],
      ],
      ([a, b]) => squaredDistance(a, b),
    ),
    operation('lipschitz', [[64, 64], positive(), positive(8)], ([w, c, bounds]) => [
      lipschitzScale(w, c, 'output'),
      weightedSum([
        { value: product(bounds), weight: 0.1 },
        { value: logBounds(bounds), weight: 2 },
      ]),
    ]),
    operation('totalVariation', [[128, 128, 4]], ([maps]) => totalVariation(maps)),
    operation('permute', [[4, 50, 12, 64]], ([x]) => permute(x, [0, 2, 1, 3])),
    values('unfold', [[2, 128, 128, 64]], ([image]) => [unfold(image, { size: 3, stride: 1, padding: 1 }, 100, 140)]),
    values('maxPool', [[2, 127, 127, 64]], ([image]) => [maxPool(image, 3, 2)]),
    operation('patchify', [[4, 224, 224, 3]], ([image]) => patchify(image, 32)),
    operation('resize down', [[4, 256, 256, 3]], ([x]) => resizeImage(x, { height: 112, width: 112, filter: 'bilinear' })),
    operation('resize up', [[4, 128, 128, 3]], ([x]) => resizeImage(x, { height: 224, width: 224, filter: 'bicubic' })),
    operation(
      'row slices',
      [
        [R, 3],
        [R, 3],
      ],
      ([a, b]) => sliceRows(concatRows([a, b]), R - 10, 2 * R - 10),
    ),
    operation('repeatAll', [[512, 8]], ([x]) => sumRepeats(repeatAll(x, 7), 7)),
    values('samples', [share(R, M), share(R, M), share(R, 2 * M)], ([u, weights, v]) => {
      const z = stratifiedSamples(u, { near: 0.5, far: 2, count: M })
      return [sortedUnion(z, fineSamples(z, weights, v))]
    }),
    values('cameraRays', [{ shape: [CAMERA_NUMBERS], values: () => cameraNumbers(DISTORTED, 7) }], ([camera]) => {
      const { origins, directions } = cameraRays(camera, R)
      return [origins, directions]
    }),
    values('bricks', [indices(4 ** 3, R), density(R * CORNERS), share(R * CORNERS, 3), positive(2)], ([bricks, sigma, rgb, scale]) => {
      const { words, largest } = packBricks(sigma, rgb, scale)
      return [brickPoints(bricks, 32), words, largest]
    }),
    values(
      'brickMarch',
      [[R, 3], units(R), positive(2), indices(2, 8 ** 3), indices(2 ** 31, 2 * CORNERS)],
      ([origins, directions, scale, index, voxels]) =>
        Object.values(
          brickMarch({ origins, directions }, { scale, index, voxels }, { near: 0.5, far: 2, resolution: 64, step: 1, leastLight: 1e-3 }),
        ),
    ),
    values('packPixels', [share(R, 3)], ([color]) => [packPixels(color)]),
    values('random', [indices(1 << 20, 2), [R, 3]], ([seed, x]) => [uniform(seed, [R, M], 0), addNoise(x, seed, 0.2, 1), integers(seed, [R], 2, 48)]),
    values('gridSamples', [[R, 3], units(R), share(R, M), within(0, 5)(64 ** 3)], ([o, d, u, grid]) =>
      Object.values(gridSamples(o, d, u, grid, GRID)),
    ),
    effect('gridUpdate', [within(0, 5)(64 ** 3), within(-2, 2)(Q, 3), within(0, 9)(Q)], ([grid, points, sigma]) =>
      gridUpdate(grid, points, sigma, { resolution: 64, decay: 0.95, fade: 0.9 }),
    ),
    effect('assign', [[Q], [Q]], ([target, value]) => assign(target, value)),
    effect('clipGradientNorm', [[1 << 20]], ([g]) => clipGradientNorm(g, 1)),
    effect('adam', [[1 << 20], [1 << 20], [1 << 20], share(1 << 20), within(0.01, 0.9)(7)], ([p, g, m, v, scalars]) => adam(p, g, m, v, scalars)),
  ]
}
