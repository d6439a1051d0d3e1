/** A plan that runs many times on changing leaves: what does not depend on them is computed once, ahead of the runs. */
import { type Device, Storage } from './device.ts'
import { valueKey } from './memoryPlan.ts'
import { compile, needed, type Placement, type Plan, type PlanRequest } from './plan.ts'
import type { GraphNode, Tensor } from './tensor.ts'

export interface RepeatedPlan extends Disposable {
  /** Computes what the runs share: before the first of them, and again when other leaves (weights, codes) have changed. */
  prepare(): void
  /** The part that depends on the changing leaves. */
  readonly plan: Plan
}

/**
 * Compiles a request in two parts.
 * @param changing leaves that are rewritten between runs; effects always belong to the runs. Throws when memory cannot be had.
 */
export function compileRepeated(device: Device, request: PlanRequest, changing: readonly Storage[]): RepeatedPlan {
  const { outputs = [], effects = [], into = [] } = request
  const nodes = needed([...outputs, ...into.map(p => p.value)], effects)
  const memories = new Set(changing.map(storage => storage.region.memory))
  const varies = new Set<GraphNode>()
  const changes = ({ source }: Tensor): boolean => (source.kind === 'storage' ? memories.has(source.region.memory) : varies.has(source.node))
  for (const node of nodes) if (node.effect || node.inputs.some(changes)) varies.add(node)

  const storages: Storage[] = []
  const shared = new Map<string, Placement>()
  const share = (value: Tensor): void => {
    if (value.source.kind !== 'node' || varies.has(value.source.node) || shared.has(valueKey(value.source))) return
    const storage = new Storage(device, value.source.length, value.dtype)
    storages.push(storage)
    shared.set(valueKey(value.source), { value, leaf: storage.tensor([value.source.length]) })
  }
  for (const node of varies) for (const x of node.inputs) share(x)
  for (const x of [...outputs, ...into.map(p => p.value)]) share(x)

  const given = [...shared.values()]
  const ahead = compile(device, { into: given })
  const plan = compile(device, { ...request, given })
  return {
    prepare: () => ahead.run(),
    plan,
    [Symbol.dispose]() {
      plan[Symbol.dispose]()
      ahead[Symbol.dispose]()
      for (const storage of storages) storage.release()
    },
  }
}
