import { expect, test } from 'vitest'
import { PRESETS } from '../../src/nerf/presets.ts'
import { gridResolutions, type RadianceConfig, radianceMlp, radianceSpecs } from '../../src/nerf/templateNerf.ts'
import { boundedWeights, lipschitzProduct, logLipschitz } from '../../src/nn/lipschitz.ts'
import { ParameterSet, type ParameterSpecs, zeros } from '../../src/nn/parameters.ts'
import { grad } from '../../src/tensor/grad.ts'
import { concat } from '../../src/tensor/ops/concat.ts'
import { repeatRows } from '../../src/tensor/ops/rows.ts'
import { reshape } from '../../src/tensor/tensor.ts'
import { loadGolden } from '../golden.ts'
import { testDevices } from '../tensor/harness.ts'
import { goldenNetwork, radiancePath, testCases } from './goldenNetwork.ts'

const mlp = loadGolden('nerf_mlp')

testCases(mlp, (name, { device, leaf, loss }) => {
  const lipschitz = name === 'lipschitz' ? 'input' : 'none'
  const sizes = { nIn: 56, conditionSize: 24, trunkDepth: 4, trunkWidth: 32, skip: 2, rgbDepth: 1, rgbWidth: 16 }
  const config: RadianceConfig = { ...sizes, lipschitz, densityBias: 0 }
  const { parameters, leaves, gradients } = goldenNetwork(device, mlp, name, radianceSpecs('N', config), ours => radiancePath(ours.slice(2)))
  const [x, condition] = [leaf(`${name}/in/x`), leaf(`${name}/in/rgb_condition`)]
  const [rays, samples] = x.shape
  const { rgb, sigma } = radianceMlp(
    boundedWeights(parameters, ['N'], lipschitz),
    'N',
    reshape(x, [rays * samples, config.nIn]),
    repeatRows(condition, samples),
    config,
  )
  const [dx, dcondition, ...grads] = grad(loss({ [`${name}/cot/rgb`]: rgb, [`${name}/cot/sigma`]: sigma }), [x, condition, ...leaves])
  const outputs = { [`${name}/out/rgb`]: rgb, [`${name}/out/sigma`]: sigma }
  return { ...outputs, [`${name}/grad/x`]: dx, [`${name}/grad/rgb_condition`]: dcondition, ...gradients(grads) }
})

const bounds = loadGolden('lip_loss')
const LAYERS = Array.from({ length: 24 }, (_, i) => `F/${i}/lip_c`)
const BOUND_SPECS: ParameterSpecs = Object.fromEntries(LAYERS.map(name => [name, { shape: [], init: zeros, group: 'g' }]))

testCases(bounds, (name, { device, loss }) => {
  const parameters = new ParameterSet(device, BOUND_SPECS, 0)
  const c = bounds.get(`${name}/in/c`)
  parameters.write(new Map(LAYERS.map((layer, i) => [layer, { shape: [], data: c.slice(i, i + 1) }])), bounds.name)
  const product = lipschitzProduct(parameters, ['F'])
  const slopes = grad(
    loss({ [`${name}/cot/product`]: product }),
    LAYERS.map(layer => parameters.get(layer)),
  )
  const values = { [`${name}/out/product`]: product, [`${name}/out/log_product`]: logLipschitz(parameters, ['F']) }
  return { ...values, [`${name}/grad/c`]: concat(slopes.map(slope => reshape(slope, [1]))) }
})

test('a network without Lipschitz layers has no penalty', async () => {
  const [{ device }] = await testDevices()
  const parameters = new ParameterSet(device, { 'F/kernel': { shape: [1], init: zeros, group: 'g' } }, 0)
  expect(() => logLipschitz(parameters, ['F'])).toThrow('F has no Lipschitz layer')
})

test('grid levels grow geometrically from the base to the finest resolution', () => {
  for (const { template } of [PRESETS.tiny, PRESETS.fast]) {
    const resolutions = gridResolutions(template)
    expect(resolutions).toHaveLength(template.levels)
    expect([resolutions[0], resolutions[template.levels - 1]]).toEqual([template.baseResolution, template.finestResolution])
    expect(resolutions).toEqual(resolutions.toSorted((a, b) => a - b))
  }
  expect(gridResolutions({ ...PRESETS.tiny.template, levels: 1 })).toEqual([PRESETS.tiny.template.baseResolution])
})
