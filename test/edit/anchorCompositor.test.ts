import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AnchorCompositor, anchorLogits, compositorSpecs } from '../../src/edit/anchorCompositor.ts'
import { blend } from '../../src/nerf/codeField.ts'
import { createRenderer, type RenderedImage } from '../../src/nerf/render.ts'
import { encodePoints, slicingSpecs, slicingSurface } from '../../src/nerf/slicingSurface.ts'
import { type Device, Storage, tensor } from '../../src/tensor/device.ts'
import { grad } from '../../src/tensor/grad.ts'
import { dense } from '../../src/tensor/ops/dense.ts'
import { cosineWindow } from '../../src/tensor/ops/frequencyEncoding.ts'
import { softmax } from '../../src/tensor/ops/softmax.ts'
import { compile, evaluate } from '../../src/tensor/plan.ts'
import { reshape } from '../../src/tensor/tensor.ts'
import { loadGolden } from '../golden.ts'
import { goldenNetwork, testCases } from '../nerf/goldenNetwork.ts'
import { smallScene } from '../nerf/smallScene.ts'
import { randomValues, testDevices } from '../tensor/harness.ts'
import { anchorsOf } from './smallAnchors.ts'

const golden = loadGolden('pac')
/** H and P have the same sizes. */
const OFFICIAL = { bands: 6, depth: 6, width: 64, skip: 4 }

/** The authors' name of a parameter. */
const officialPath = (ours: string): string => `${ours.startsWith('P') ? 'hyper_mapper_mlp' : 'hyper_sheet_mlp'}/MLP_0${ours.slice(1)}`

testCases(golden, (name, { device, leaf, loss }) => {
  const specs = { ...compositorSpecs(OFFICIAL, 8), ...slicingSpecs(OFFICIAL, 8, 4, 1e-5) }
  const { parameters, leaves, gradients } = goldenNetwork(device, golden, name, specs, officialPath)
  const [points, anchors] = [leaf(`${name}/in/points`), leaf(`${name}/in/anchors`)]
  const x = reshape(points, [points.length / 3, 3])
  const mask = softmax(anchorLogits(parameters, OFFICIAL, encodePoints(OFFICIAL, x), anchors))
  const composed = dense(mask, anchors)
  const window = tensor(device, cosineWindow(6, OFFICIAL.bands), [OFFICIAL.bands])
  const ambient = slicingSurface(parameters, OFFICIAL, encodePoints(OFFICIAL, x, window), composed)
  const results = { mask, composed_code: composed, ambient }
  const total = loss(Object.fromEntries(Object.entries(results).map(([key, y]) => [`${name}/cot/${key}`, y])))
  const [dpoints, danchors, ...grads] = grad(total, [points, anchors, ...leaves])
  const outputs = Object.fromEntries(Object.entries(results).map(([key, y]) => [`${name}/out/${key}`, y]))
  return { ...outputs, [`${name}/grad/points`]: dpoints, [`${name}/grad/anchors`]: danchors, ...gradients(grads) }
})

describe('the mix', () => {
  const Q = 40
  /** A compositor whose logits vary from point to point, as after an edit. */
  async function trained(device: Device, anchors?: (codes: Float32Array) => Float32Array): Promise<AnchorCompositor> {
    const scene = smallScene(device)
    const own = await anchorsOf(scene, [0, 2, 4])
    const compositor = new AnchorCompositor(scene, { ...own, codes: anchors ? anchors(own.codes) : own.codes })
    const logit = compositor.parameters.get('P/logit/kernel').length
    compositor.parameters.flat.write(randomValues(logit, 5, [-8, 8]), compositor.parameters.offset('P/logit/kernel'))
    return compositor
  }
  const points = (device: Device, seed: number) => tensor(device, randomValues(3 * Q, seed, [-2, 2]), [Q, 3])

  test('has shares of every anchor that sum to 1, and stays in the anchors’ hull', async () => {
    const [{ device }] = await testDevices()
    const compositor = await trained(device)
    const size = compositor.scene.config.codeSize
    const x = new Storage(device, 3 * Q)
    const at = x.tensor([Q, 3])
    const [ratios, codes] = [compositor.ratios(at), compositor.codes(at)]
    using plan = compile(device, { outputs: [ratios, codes] })
    const coordinate = fc.float({ min: -50, max: 50, noNaN: true })
    await fc.assert(
      fc.asyncProperty(fc.array(coordinate, { minLength: 3 * Q, maxLength: 3 * Q }), async coordinates => {
        x.write(Float32Array.from(coordinates))
        plan.run()
        const [shares, mixed] = [await plan.read(ratios), await plan.read(codes)]
        expect(Math.min(...shares)).toBeGreaterThanOrEqual(0)
        for (let q = 0; q < Q; q++) {
          const row = shares.subarray(3 * q, 3 * q + 3)
          expect(row[0] + row[1] + row[2]).toBeCloseTo(1, 5)
          for (let c = 0; c < size; c++) {
            const corners = [0, 1, 2].map(k => compositor.anchors.codes[k * size + c])
            // In the hull: the barycentric sum of the corners with shares that are not negative and sum to 1.
            const sum = corners.reduce((total, corner, k) => total + row[k] * corner, 0)
            expect(mixed[q * size + c]).toBeCloseTo(sum, 6)
            expect(mixed[q * size + c]).toBeGreaterThanOrEqual(Math.min(...corners) - 1e-6)
            expect(mixed[q * size + c]).toBeLessThanOrEqual(Math.max(...corners) + 1e-6)
          }
        }
      }),
      { numRuns: 30 },
    )
  })

  test('of equal anchors is that anchor everywhere', async () => {
    const [{ device }] = await testDevices()
    const code = randomValues(8, 3)
    const compositor = await trained(device, codes => Float32Array.from(codes, (_, i) => code[i % 8]))
    const [mixed] = await evaluate(device, [compositor.codes(points(device, 1))])
    for (const [i, value] of mixed.entries()) expect(value).toBeCloseTo(code[i % 8], 6)
  })

  test('begins with the neutral anchor’s share, the rest shared alike', async () => {
    const [{ device }] = await testDevices()
    const scene = smallScene(device)
    for (const [neutral, indices] of [
      [0.8, [0, 1, 2, 3]],
      [0.5, [3, 1]],
    ] as const) {
      const compositor = new AnchorCompositor(scene, await anchorsOf(scene, indices), { neutral })
      const K = indices.length
      const [ratios] = await evaluate(device, [compositor.ratios(points(device, 2))])
      const Q = ratios.length / K
      // Starts differ a little from place to place; on the whole the shares are as said.
      for (let k = 0; k < K; k++) {
        const mean = ratios.filter((_, i) => i % K === k).reduce((a, b) => a + b) / Q
        expect(Math.abs(mean - (k === 0 ? neutral : (1 - neutral) / (K - 1)))).toBeLessThan(0.1)
      }
    }
  })

  test('at strength 0 renders the reference bit by bit, and moves away from it with the strength', async () => {
    const [, { device }] = await testDevices()
    const compositor = await trained(device)
    const { scene } = compositor
    scene.setStep(scene.config.training.steps) // ambient coordinates are open
    await scene.setReference(0)
    const camera = scene.description.frames[0].camera
    const at = async (strength: number): Promise<RenderedImage> => {
      using renderer = createRenderer(scene, blend(scene.referenceField, compositor.codes, strength))
      return await renderer.render(camera)
    }
    using plain = createRenderer(scene, scene.referenceField)
    const reference = await plain.render(camera)
    expect(await at(0)).toEqual(reference)
    const distance = ({ rgb }: RenderedImage): number => Math.sqrt(rgb.reduce((sum, v, i) => sum + (v - reference.rgb[i]) ** 2, 0))
    const [half, full] = [distance(await at(0.5)), distance(await at(1))]
    expect(half).toBeGreaterThan(0)
    expect(full).toBeGreaterThan(half)
  })
})

test('refuses a single anchor, codes of another size and a share that is none', async () => {
  const [{ device }] = await testDevices()
  const scene = smallScene(device)
  const anchors = await anchorsOf(scene, [0, 2])
  expect(() => new AnchorCompositor(scene, { ...anchors, indices: [0] })).toThrow('AnchorCompositor: 1 anchor; a mix needs at least two')
  expect(() => new AnchorCompositor(scene, { ...anchors, codes: anchors.codes.slice(1) })).toThrow('AnchorCompositor: 15 numbers for 2 codes of 8')
  for (const neutral of [0, 1, Number.NaN])
    expect(() => new AnchorCompositor(scene, anchors, { neutral })).toThrow(`neutral = ${neutral}; give a share`)
})
