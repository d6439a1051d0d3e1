/** What one step of an edit records: the losses of the selected views, their gradients, the optimiser; and the weight that balances them. */
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { Adam } from '../nn/optimizer.ts'
import { grad } from '../tensor/grad.ts'
import { add, affine, square } from '../tensor/ops/elementwise.ts'
import { sum } from '../tensor/ops/reduce.ts'
import { totalVariation } from '../tensor/ops/totalVariation.ts'
import { compile, type Plan } from '../tensor/plan.ts'
import { lastAxis, reshape, type Tensor } from '../tensor/tensor.ts'
import type { EditableCodes } from './editableCodes.ts'
import type { Guidance } from './guidance.ts'
import { judgedViews, renderSelected, type ViewCache } from './viewCache.ts'

/** A recorded step. */
export interface EditGraph extends Disposable {
  readonly plan: Plan
  readonly loss: Tensor
  readonly guided: Tensor
  readonly tv?: Tensor
  /** One update from the views with these numbers, one per slot. */
  run(step: number, views: readonly number[], rate: number): void
}

/** Records a step; releasing it leaves the field as the last run left it. */
export function recordEditStep(scene: SceneManipulator, field: EditableCodes, guidance: Guidance, views: ViewCache, tvWeight: number): EditGraph {
  const { device } = scene
  const { guided, tv } = recordLosses(scene, field, guidance, views)
  const loss = tv ? add(guided, affine(tv, tvWeight)) : guided
  const adam = new Adam(device, field.parameters)
  const { effects, into } = adam.minimize(loss)
  const groups = field.parameters.groups.map(group => group.name)
  const plan = compile(device, { outputs: tv ? [loss, guided, tv] : [loss, guided], effects, into })
  return {
    plan,
    loss,
    guided,
    tv,
    run(step, numbers, rate) {
      for (const [slot, view] of numbers.entries()) views.select(view, slot)
      adam.schedule(step, Object.fromEntries(groups.map(name => [name, rate])))
      plan.run()
    },
    [Symbol.dispose]() {
      plan[Symbol.dispose]()
      adam.release()
    },
  }
}

/** Means over the selected views of the guidance and of the ACR maps' total variation. */
function recordLosses(scene: SceneManipulator, field: EditableCodes, guidance: Guidance, views: ViewCache): { guided: Tensor; tv?: Tensor } {
  const values = (x: Tensor): { codes: Tensor; warp?: Tensor; channels: Tensor | undefined } => {
    const { codes, warp, ratios } = field.at(x)
    return { codes, warp, channels: ratios }
  }
  const { parameters } = field
  const sources = parameters.names.map(name => parameters.get(name))
  const parts = views.slots.map(({ reference }, slot) => {
    const { picture, channels: maps } = renderSelected(scene, views, values, sources, slot)
    const tv = maps && totalVariation(reshape(maps, [views.height, views.width, lastAxis(maps.shape)]))
    return { guided: guidance.loss(picture, reference), tv }
  })
  const meanOf = (terms: readonly Tensor[]): Tensor => (terms.length === 1 ? terms[0] : affine(terms.reduce(add), 1 / terms.length))
  const guided = meanOf(parts.map(part => part.guided))
  const variations = parts.flatMap(({ tv }) => (tv ? [tv] : []))
  const tv = variations.length > 0 ? meanOf(variations) : undefined
  return { guided, tv }
}

/** Pull of the total variation beside that of the guidance where the descent begins: the ratio of their gradients' norms that `balanced` sets. */
const BALANCE = 0.1
/** Ratios that are equal everywhere have no variation to weigh by; the weight then stays within this. */
const MOST_WEIGHT = 100

/** The weight at which the total variation pulls BALANCE times as strongly as the guidance, mean over a few views; 1 where there are no ratios. */
export async function balancedWeight(scene: SceneManipulator, field: EditableCodes, guidance: Guidance, views: ViewCache): Promise<number> {
  const { guided, tv } = recordLosses(scene, field, guidance, views)
  if (!tv) return 1
  const sources = field.parameters.names.map(name => field.parameters.get(name))
  const [pull, smoothing] = [guided, tv].map(loss =>
    grad(loss, sources)
      .map(g => sum(square(g)))
      .reduce(add),
  )
  using plan = compile(scene.device, { outputs: [pull, smoothing] })
  const normOf = async (x: Tensor): Promise<number> => Math.sqrt((await plan.read(x))[0])
  const ratio = await judgedViews(views, async () => {
    for (let slot = 1; slot < views.slots.length; slot++) views.select(0, slot)
    plan.run()
    return (await normOf(pull)) / Math.max(await normOf(smoothing), 1e-12)
  })
  return Math.min(BALANCE * ratio, MOST_WEIGHT)
}
