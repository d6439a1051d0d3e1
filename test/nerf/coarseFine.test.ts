import { expect, test } from 'vitest'
import { coarseFine } from '../../src/nerf/coarseFine.ts'
import { rayCodes } from '../../src/nerf/codeField.ts'
import { PLAIN } from '../../src/nerf/coordinates.ts'
import { deformationSpecs } from '../../src/nerf/deformationField.ts'
import { displacementLoss, levelLoss } from '../../src/nerf/losses.ts'
import { PRESETS } from '../../src/nerf/presets.ts'
import { radianceField, warpPoints } from '../../src/nerf/radianceField.ts'
import { templateNames } from '../../src/nerf/rayLevels.ts'
import type { SceneConfig } from '../../src/nerf/sceneConfig.ts'
import { slicingSpecs } from '../../src/nerf/slicingSurface.ts'
import { templateSpecs } from '../../src/nerf/templateNerf.ts'
import { lipschitzProduct } from '../../src/nn/lipschitz.ts'
import { type ParameterSpecs, zeros } from '../../src/nn/parameters.ts'
import { tensor } from '../../src/tensor/device.ts'
import { grad } from '../../src/tensor/grad.ts'
import { concat } from '../../src/tensor/ops/concat.ts'
import { add, affine } from '../../src/tensor/ops/elementwise.ts'
import { cosineWindow } from '../../src/tensor/ops/frequencyEncoding.ts'
import { gatherRows } from '../../src/tensor/ops/gather.ts'
import { medianDepth } from '../../src/tensor/ops/medianSample.ts'
import { accumulation, sumSamples } from '../../src/tensor/ops/sumSamples.ts'
import { reshape, type Tensor } from '../../src/tensor/tensor.ts'
import { type Golden, loadGolden } from '../golden.ts'
import type { GoldenLeaves } from '../tensor/ops/goldenCase.ts'
import { goldenNetwork, radiancePath, testCases } from './goldenNetwork.ts'

/** The golden's small model: the paper's preset with narrower networks, and the code's Lipschitz layers. */
const SMALL = {
  ...PRESETS.paper,
  deformation: { ...PRESETS.paper.deformation, width: 32 },
  slicing: { ...PRESETS.paper.slicing, width: 32 },
  template: { ...PRESETS.paper.template, trunkDepth: 4, trunkWidth: 32, skip: 2, rgbWidth: 16, lipschitz: 'input' },
} as const satisfies SceneConfig

/** Parameters of T, H and every F. */
function networkSpecs({ codeSize, ambientSize, ambientInit, deformation, slicing, template, sampling }: SceneConfig): ParameterSpecs {
  const templates = templateNames(sampling).map(name => templateSpecs(name, template, ambientSize))
  return Object.assign({}, deformationSpecs(deformation, codeSize), slicingSpecs(slicing, codeSize, ambientSize, ambientInit), ...templates)
}

/** The authors' name of a parameter. */
function officialPath(ours: string): string {
  if (ours === 'codes') return 'warp_embed/embed/embedding'
  const [network] = ours.split('/')
  if (network === 'T') return `warp_field${ours.slice(1)}`
  if (network === 'H') return `hyper_sheet_mlp/MLP_0${ours.slice(1)}`
  return radiancePath(ours.replace('F/', 'nerf_mlps_'))
}

interface StepSettings {
  readonly near: number
  readonly far: number
  readonly alphas: { readonly warp_alpha: number; readonly hyper_alpha: number }
  readonly lip_weight: number
  readonly warp_reg_weight: number
}

/** One whole step of the original on the golden's batch: every output and the gradient of every parameter. */
function officialStep(golden: Golden, name: string, { device, leaf }: GoldenLeaves): Record<string, Tensor> {
  const settings = golden.cases[name] as unknown as StepSettings
  const config = SMALL
  const specs = { ...networkSpecs(config), codes: { shape: [5, config.codeSize], init: zeros, group: 'codes' } }
  const { parameters, leaves, gradients } = goldenNetwork(device, golden, name, specs, officialPath)
  const given = (path: string): Tensor => leaf(`${name}/in/${path}`)
  const codesOf = (path: string): Tensor => {
    const ids = golden.get(`${name}/in/${path}`)
    return gatherRows(parameters.get('codes'), tensor(device, Uint32Array.from(ids), [ids.length]))
  }
  const windows = {
    warp: tensor(device, cosineWindow(settings.alphas.warp_alpha, config.deformation.bands), [config.deformation.bands]),
    ambient: tensor(device, cosineWindow(settings.alphas.hyper_alpha, config.template.ambientBands), [config.template.ambientBands]),
  }
  const codes = rayCodes(codesOf('warp_id'))
  const networks = { parameters, config, coordinates: PLAIN, windows }
  const [coarse, fine] = templateNames(config.sampling).map(F => radianceField(networks, F, { warp: codes, codes }))
  const pass = (path: string) => ({ count: golden.shape(`${name}/in/${path}`)[1], u: given(path) })
  const rays = { origins: given('origins'), directions: given('directions') }
  const { near, far } = settings
  const levels = coarseFine({ coarse, fine }, rays, { near, far, coarse: pass('u_coarse'), fine: pass('u_fine') })
  const penalty = affine(lipschitzProduct(parameters, ['F']), settings.lip_weight)
  const points = add(given('background_points'), affine(given('background_noise'), 0.001))
  const { warped: moved } = warpPoints(networks, points, codesOf('background_warp_id'))
  const background = displacementLoss(moved, points, 0.001)
  const totals: Tensor[] = []
  const results: Record<string, Tensor> = { [`${name}/out/background_loss`]: background }
  for (const level of ['coarse', 'fine'] as const) {
    const { z, x, warped, ambient, weights, color } = levels[level]
    const { photometric, warp } = levelLoss(levels[level], given('rgb'), 0.001)
    // The code adds the penalty once for each level.
    const total = add(add(photometric, affine(warp, settings.warp_reg_weight)), penalty)
    totals.push(total)
    const entries = { rgb: photometric, warp_reg: warp, lipschitz: penalty, total }
    for (const [key, value] of Object.entries(entries)) results[`${name}/out/${level}/${key}`] = value
    const rendered = { rgb: color, weights, points: x, warped_points: concat([warped, ambient]), med_depth: medianDepth(weights, z) }
    const sums = { depth: sumSamples(weights, reshape(z, [z.length, 1])), acc: accumulation(weights, { infinity: true }) }
    for (const [key, value] of Object.entries({ ...rendered, ...sums })) results[`${name}/out/${level}_out/${key}`] = value
  }
  const total = [...totals, background].reduce((a, b) => add(a, b))
  return { ...results, ...gradients(grad(total, leaves)) }
}

const golden = loadGolden('train_step')

testCases(golden, (name, leaves) => officialStep(golden, name, leaves))

test('both levels share T and H and have an F of their own', () => {
  const names = Object.keys(networkSpecs(SMALL))
  for (const network of ['T', 'H', 'F/coarse', 'F/fine']) expect(names.filter(n => n.startsWith(`${network}/`)).length).toBeGreaterThan(10)
  expect(new Set(names.map(n => n.split('/')[0]))).toEqual(new Set(['T', 'H', 'F']))
})

test('the preset `paper` has the parameters of the paper', () => {
  const sizeOf = (prefix: string): number =>
    Object.entries(networkSpecs(PRESETS.paper))
      .filter(([name]) => name.startsWith(prefix) && !name.endsWith('lip_c'))
      .reduce((total, [, { shape }]) => total + shape.reduce((a, b) => a * b, 1), 0)
  expect(sizeOf('T/')).toBe(91_654)
  expect(sizeOf('H/')).toBe(26_756)
  expect(sizeOf('F/coarse/')).toBe(591_876)
  expect(sizeOf('F/fine/')).toBe(591_876)
  expect(Object.keys(networkSpecs(PRESETS.paper)).filter(name => name.endsWith('lip_c'))).toHaveLength(24)
})
