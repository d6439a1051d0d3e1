/** Adam over a parameter set: flat gradients and moments beside the flat parameters, one update with a rate per group. */
import { type Device, Storage } from '../tensor/device.ts'
import { grad } from '../tensor/grad.ts'
import { valueKey } from '../tensor/memoryPlan.ts'
import { ADAM_SCALARS, adam, clipGradientNorm } from '../tensor/ops/adam.ts'
import { assign } from '../tensor/ops/assign.ts'
import type { PlanRequest } from '../tensor/plan.ts'
import type { GraphNode, Tensor } from '../tensor/tensor.ts'
import type { ParameterSet } from './parameters.ts'

export interface AdamOptions {
  readonly beta1?: number
  readonly beta2?: number
  readonly epsilon?: number
  /** Gradients are scaled down to this global norm; none by default. */
  readonly maxNorm?: number
}

/** Moments and scalars of Adam for one parameter set. */
export class Adam {
  readonly gradients: Storage
  readonly m: Storage
  readonly v: Storage
  /** Seven of each group. */
  private readonly scalars: Storage
  private readonly options: Required<Omit<AdamOptions, 'maxNorm'>> & Pick<AdamOptions, 'maxNorm'>

  constructor(
    device: Device,
    readonly parameters: ParameterSet,
    { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, maxNorm }: AdamOptions = {},
  ) {
    this.options = { beta1, beta2, epsilon, maxNorm }
    const n = parameters.flat.length
    this.gradients = new Storage(device, n)
    this.m = new Storage(device, n)
    this.v = new Storage(device, n)
    this.scalars = new Storage(device, parameters.groups.length * ADAM_SCALARS.length)
  }

  /** The part of a plan that lowers `loss`: gradients placed into the flat buffer, then one Adam update per group. */
  minimize(loss: Tensor): Required<Pick<PlanRequest, 'effects' | 'into'>> {
    const { parameters, gradients } = this
    const grads = grad(
      loss,
      parameters.names.map(name => parameters.get(name)),
    )
    const into: { value: Tensor; leaf: Tensor }[] = []
    const copies: GraphNode[] = []
    const placed = new Set<string>()
    for (const [i, name] of parameters.names.entries()) {
      const leaf = gradients.tensor(grads[i].shape, parameters.offset(name))
      const key = valueKey(grads[i].source)
      // One gradient can belong to two parameters (of a sum); a value has one place, so the second gets a copy, recorded before the update.
      if (grads[i].source.kind === 'node' && !placed.has(key)) into.push({ value: grads[i], leaf })
      else copies.push(assign(leaf, grads[i]))
      placed.add(key)
    }
    const { maxNorm } = this.options
    const clip = maxNorm === undefined ? [] : [clipGradientNorm(gradients.tensor([gradients.length]), maxNorm)]
    const [param, gradient, m, v, scalars] = [parameters.flat, gradients, this.m, this.v, this.scalars].map(storage =>
      storage.tensor([storage.length]),
    )
    const begins = parameters.groups.map(({ offset }) => offset)
    return { into, effects: [...copies, ...clip, adam(param, gradient, m, v, scalars, begins)] }
  }

  /** Sets the learning rates of the next run: `step` counts from 0; groups without a rate stand still. */
  schedule(step: number, rates: Readonly<Record<string, number>>): void {
    const { epsilon } = this.options
    // The kernels know the betas as f32; with other digits here the first steps would come out of the corrections too long.
    const [beta1, beta2] = [Math.fround(this.options.beta1), Math.fround(this.options.beta2)]
    const corrections = [1 - beta1 ** (step + 1), 1 - beta2 ** (step + 1)]
    this.scalars.write(Float32Array.from(this.parameters.groups.flatMap(({ name }) => [rates[name] ?? 0, beta1, beta2, epsilon, ...corrections, 1])))
  }

  /** Forgets all moments. */
  reset(): void {
    for (const moments of [this.m, this.v]) moments.write(new Float32Array(moments.length))
  }

  release(): void {
    for (const storage of [this.gradients, this.m, this.v, this.scalars]) storage.release()
  }
}
