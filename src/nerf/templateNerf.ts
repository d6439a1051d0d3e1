/** F, the template NeRF: colour and density at a template point and its ambient coordinates. */

import { layerChain } from '../nn/layers.ts'
import { linear, linearSpecs, type Weights } from '../nn/linear.ts'
import { hiddenLayers, mlp, mlpSpecs } from '../nn/mlp.ts'
import { constant, type ParameterSet, type ParameterSpecs, uniformInit } from '../nn/parameters.ts'
import { concat } from '../tensor/ops/concat.ts'
import { frequencyEncoding } from '../tensor/ops/frequencyEncoding.ts'
import { hashEncoding } from '../tensor/ops/hashEncoding.ts'
import { repeatRows } from '../tensor/ops/rows.ts'
import { reshape, rowCount, type Tensor } from '../tensor/tensor.ts'
import type { HashTemplateConfig, TemplateConfig, TemplateSizes } from './sceneConfig.ts'

/** Sizes of the radiance MLP: trunk -> density; trunk -> bottleneck ++ condition -> colour. */
export interface RadianceConfig extends Omit<TemplateSizes, 'ambientBands' | 'directionBands'> {
  readonly nIn: number
  readonly conditionSize: number
}

export function radianceSpecs(name: string, c: RadianceConfig): ParameterSpecs {
  const { lipschitz } = c
  const group = 'template'
  const specs: ParameterSpecs = {
    ...mlpSpecs(`${name}/trunk`, { nIn: c.nIn, depth: c.trunkDepth, width: c.trunkWidth, skip: c.skip, lipschitz, group }),
    ...linearSpecs(`${name}/density`, { nIn: c.trunkWidth, nOut: 1, lipschitz, group }),
    ...linearSpecs(`${name}/bottleneck`, { nIn: c.trunkWidth, nOut: c.trunkWidth, lipschitz, group }),
    ...mlpSpecs(`${name}/rgb`, {
      nIn: c.trunkWidth + c.conditionSize,
      depth: c.rgbDepth,
      width: c.rgbWidth,
      skip: c.rgbDepth,
      output: { size: 3 },
      lipschitz,
      group,
    }),
  }
  return { ...specs, [`${name}/density/bias`]: { ...specs[`${name}/density/bias`], init: constant(c.densityBias) } }
}

/**
 * x [Q, in] and, if there is one, a condition [Q, c] -> rgb [Q, 3] in 0..1 and sigma [Q] ≥ 0.
 * @param weights bounded, where F has Lipschitz layers
 * @param beside the last of the inputs, where they are a tensor of their own
 */
export function radianceMlp(
  weights: Weights,
  name: string,
  x: Tensor,
  condition: Tensor | undefined,
  c: RadianceConfig,
  beside?: Tensor,
): { rgb: Tensor; sigma: Tensor } {
  if (!condition && c.skip >= c.trunkDepth && c.trunkDepth > 0) {
    const density = { name: `${name}/density`, activation: 'softplus' } as const
    const color = { name: `${name}/rgb/logit`, activation: 'sigmoid' } as const
    const bottleneck = { name: `${name}/bottleneck`, activation: 'none' } as const
    const layers = c.rgbDepth > 0 ? [bottleneck, ...hiddenLayers(`${name}/rgb`, c.rgbDepth, [color])] : [{ ...bottleneck, heads: [color] }]
    const [sigma, rgb] = layerChain(weights, beside ? [x, beside] : x, [...hiddenLayers(`${name}/trunk`, c.trunkDepth, [density]), ...layers])
    return { rgb, sigma: reshape(sigma, [sigma.shape[0]]) }
  }
  const trunk = mlp(weights, `${name}/trunk`, beside ? concat([x, beside]) : x, { depth: c.trunkDepth, skip: c.skip })
  const sigma = linear(weights, `${name}/density`, trunk, 'softplus')
  const bottleneck = linear(weights, `${name}/bottleneck`, trunk)
  const sizes = { depth: c.rgbDepth, skip: c.rgbDepth, output: { size: 3 } }
  const rgb = mlp(weights, `${name}/rgb`, bottleneck, sizes, 'sigmoid', condition)
  return { rgb, sigma: reshape(sigma, [sigma.shape[0]]) }
}

/** Half the side of the cube that holds all contracted points. */
const CONTRACTED = 2

/** Values of an encoded position. */
const positionSize = (config: TemplateConfig): number => (config.kind === 'hash' ? config.levels * config.features : 6 * config.positionBands)

function radianceConfig(config: TemplateConfig, ambientSize: number): RadianceConfig {
  const nIn = positionSize(config) + 2 * config.ambientBands * ambientSize
  return { ...config, nIn, conditionSize: 6 * config.directionBands }
}

/** Values per point of F's widest layer, its input concatenated again included: what a batch's largest buffer is made of. */
export function widestLayer(config: TemplateConfig, ambientSize: number): number {
  const { nIn, skip, trunkDepth, trunkWidth } = radianceConfig(config, ambientSize)
  return trunkWidth + (skip < trunkDepth ? nIn : 0)
}

/** Parameters of a network F of this name; a hash table is called NAME/grid. */
export function templateSpecs(name: string, config: TemplateConfig, ambientSize: number): ParameterSpecs {
  const specs = radianceSpecs(name, radianceConfig(config, ambientSize))
  if (config.kind === 'frequency') return specs
  const entries = config.levels * 2 ** config.log2Entries * config.features
  return { ...specs, [`${name}/grid`]: { shape: [entries], init: uniformInit(-1e-2, 1e-2), group: 'grid' } }
}

/** Cells along an edge at each level, growing geometrically from base to finest. */
export function gridResolutions({ levels, baseResolution, finestResolution }: HashTemplateConfig): number[] {
  return Array.from({ length: levels }, (_, l) =>
    Math.round(baseResolution * (finestResolution / baseResolution) ** (levels > 1 ? l / (levels - 1) : 0)),
  )
}

/** What F sees of template points [Q, 3] (contracted for a hash table): [Q, levels · features] or [Q, 6 · positionBands]. */
export function encodePosition(parameters: ParameterSet, name: string, config: TemplateConfig, seen: Tensor): Tensor {
  if (config.kind === 'frequency') return frequencyEncoding(seen, { minBand: 0, bands: config.positionBands })
  const { log2Entries, features } = config
  return hashEncoding(seen, parameters.get(`${name}/grid`), {
    resolutions: gridResolutions(config),
    log2Entries,
    features,
    lo: -CONTRACTED,
    hi: CONTRACTED,
  })
}

export interface TemplateInput {
  /** `encodePosition` of the warped points. */
  readonly position: Tensor
  /** Encoded ambient coordinates, [Q, 2 · ambientBands · ambientSize]. */
  readonly ambient: Tensor
  /** Unit viewing directions of the rays the points lie on, [R, 3], Q / R points each. */
  readonly directions: Tensor
}

/** rgb [Q, 3], sigma [Q] per unit of the networks' coordinates. @param weights bounded, where F has Lipschitz layers */
export function templateNerf(
  weights: Weights,
  name: string,
  config: TemplateConfig,
  ambientSize: number,
  { position, ambient, directions }: TemplateInput,
): { rgb: Tensor; sigma: Tensor } {
  const samples = rowCount(position.shape) / rowCount(directions.shape)
  const { directionBands: bands } = config
  const condition = bands > 0 ? repeatRows(frequencyEncoding(directions, { minBand: 0, bands }), samples) : undefined
  return radianceMlp(weights, name, position, condition, radianceConfig(config, ambientSize), ambient)
}
