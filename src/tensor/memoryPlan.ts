/** Decides which node outputs share memory: a slot is reused as soon as its last reader has run. Pure bookkeeping. */
import { elements, type GraphNode, type Region, type Source, type Tensor } from './tensor.ts'

/** A value's place: a slot of the plan's own memory, or a region the caller named. */
export type Place = { readonly slot: number } | { readonly region: Region }

export interface MemoryPlan {
  /** Slot sizes in elements. */
  readonly slots: number[]
  readonly placeOf: (x: Tensor) => Place
  /** Slots of each node's scratch memory. */
  readonly scratchOf: ReadonlyMap<GraphNode, number[]>
}

/**
 * @param nodes in execution order
 * @param keep tensors whose values outlive the run (outputs to read)
 * @param placed node outputs that must live in a given region (a parameter's place in the flat gradient)
 * @param scratchLengths scratch the device needs for a node, in elements
 */
export function planMemory(
  nodes: readonly GraphNode[],
  keep: readonly Tensor[],
  placed: ReadonlyMap<string, Region>,
  scratchLengths: (node: GraphNode) => readonly number[],
): MemoryPlan {
  const lastUse = new Map<string, number>()
  for (const [step, node] of nodes.entries()) for (const x of node.inputs) if (x.source.kind === 'node') lastUse.set(valueKey(x.source), step)
  for (const x of keep) if (x.source.kind === 'node') lastUse.set(valueKey(x.source), Number.POSITIVE_INFINITY)

  const slots: number[] = []
  const free: number[] = []
  const places = new Map<string, Place>()
  const scratchOf = new Map<GraphNode, number[]>()
  const expiring = new Map<number, number[]>()

  const take = (length: number): number => {
    let best = -1
    for (const slot of free) {
      if (best < 0) best = slot
      else if (slots[best] < length ? slots[slot] > slots[best] : slots[slot] >= length && slots[slot] < slots[best]) best = slot
    }
    // A much larger slot is left for a larger value; a smaller one may grow only if nothing fits.
    if (best >= 0 && (slots[best] >= length ? slots[best] <= 4 * Math.max(length, 1024) : true)) {
      free.splice(free.indexOf(best), 1)
      slots[best] = Math.max(slots[best], length)
      return best
    }
    return slots.push(length) - 1
  }

  for (const [step, node] of nodes.entries()) {
    const scratchSlots = scratchLengths(node).map(take)
    for (const [index, y] of node.outputs.entries()) {
      const key = valueKey({ kind: 'node', node, index, length: y.length })
      const region = placed.get(key)
      if (region) {
        places.set(key, { region })
        continue
      }
      const slot = take(elements(y.shape))
      places.set(key, { slot })
      const end = lastUse.get(key) ?? step
      if (Number.isFinite(end)) expiring.set(end, [...(expiring.get(end) ?? []), slot])
    }
    if (scratchSlots.length > 0) scratchOf.set(node, scratchSlots)
    free.push(...scratchSlots, ...(expiring.get(step) ?? []))
  }
  const placeOf = (x: Tensor): Place => {
    if (x.source.kind === 'storage') return { region: x.source.region }
    const place = places.get(valueKey(x.source))
    if (!place) throw new Error(`plan: a tensor made by ${x.source.node.name} is not part of this plan; list it in outputs`)
    return place
  }
  return { slots, placeOf, scratchOf }
}

/** Name of a node output, the same for all its reshaped views. */
export function valueKey(source: Source): string {
  return source.kind === 'node' ? `${source.node.id}:${source.index}` : 'storage'
}
