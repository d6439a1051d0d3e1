/** A parameter set filled from a golden file, and the golden paths of its gradients. */
import { test } from 'vitest'
import { ParameterSet, type ParameterSpecs } from '../../src/nn/parameters.ts'
import type { Device } from '../../src/tensor/device.ts'
import { sameShape, showShape, type Tensor } from '../../src/tensor/tensor.ts'
import type { Golden } from '../golden.ts'
import { checkGolden, type GoldenLeaves, type GoldenResults } from '../tensor/ops/goldenCase.ts'

/**
 * A test per case of a golden file. The first case tries its operations on every device, the others on the CPU: a GPU computes in software here,
 * and other sizes would compile all kernels anew.
 */
export function testCases(golden: Golden, build: (name: string, leaves: GoldenLeaves) => GoldenResults | Promise<GoldenResults>): void {
  for (const [index, name] of Object.keys(golden.cases).entries()) {
    const on = index === 0 ? () => true : ({ device }: { readonly device: Device }) => device.kind === 'cpu'
    test(`golden ${golden.name} ${name}`, () => checkGolden(golden, leaves => build(name, leaves), { on }))
  }
}

export interface GoldenNetwork {
  readonly parameters: ParameterSet
  /** Gradients in the order of `leaves`, by golden path. */
  readonly gradients: (grads: readonly Tensor[]) => Record<string, Tensor>
  readonly leaves: readonly Tensor[]
}

/**
 * The golden's values of parameters by our names, as `ParameterSet.write` takes them.
 * @param path golden path of a parameter below `CASE/param/`, from our name of it. Throws for one of another shape.
 */
export function goldenValues(
  golden: Golden,
  name: string,
  specs: ParameterSpecs,
  path: (ours: string) => string,
): Parameters<ParameterSet['write']>[0] {
  const values = new Map<string, { shape: readonly number[]; data: Float32Array }>()
  for (const [ours, { shape }] of Object.entries(specs)) {
    const full = `${name}/param/${path(ours)}`
    if (!sameShape(golden.shape(full), shape)) throw new Error(`${full}: golden ${showShape(golden.shape(full))}, ours ${showShape(shape)}`)
    values.set(ours, { shape, data: golden.get(full) })
  }
  return values
}

/** How many parameters the golden case has. */
export const goldenParameterCount = (golden: Golden, name: string): number =>
  [...golden.tensors.keys()].filter(key => key.startsWith(`${name}/param/`)).length

/** Throws unless the golden has exactly these parameters, each of its shape. */
export function goldenNetwork(device: Device, golden: Golden, name: string, specs: ParameterSpecs, path: (ours: string) => string): GoldenNetwork {
  const parameters = new ParameterSet(device, specs, 0)
  const values = goldenValues(golden, name, specs, path)
  const theirs = goldenParameterCount(golden, name)
  if (theirs !== values.size) throw new Error(`${golden.name} ${name}: ${theirs} golden parameters, ours are ${values.size}`)
  parameters.write(values, golden.name)
  return {
    parameters,
    leaves: parameters.names.map(n => parameters.get(n)),
    gradients: grads => Object.fromEntries(parameters.names.map((n, i) => [`${name}/grad/param/${path(n)}`, grads[i]])),
  }
}

/** The radiance MLP in Flax's automatic names. */
export function radiancePath(ours: string): string {
  return ours
    .replace(/(^|\/)trunk\//, '$1MLP_0/')
    .replace(/(^|\/)rgb\//, '$1MLP_1/')
    .replace(/(^|\/)density\//, '$1MLP_2/logit/')
}
