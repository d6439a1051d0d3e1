/** Reverse-mode differentiation of the recorded graph: gradients are recorded as further operations. */
import { add } from './ops/elementwise.ts'
import { constantLike } from './ops/fill.ts'
import { sums } from './ops/sums.ts'
import { type GraphNode, reshape, showShape, type Tensor } from './tensor.ts'

/** Identity of a value: a node output or a leaf's region, whatever shape it is seen under. */
type Key = GraphNode | object

function keyOf(x: Tensor): { owner: Key; index: number } {
  return x.source.kind === 'node' ? { owner: x.source.node, index: x.source.index } : { owner: x.source, index: 0 }
}

class GradientTable {
  private readonly table = new Map<Key, (Tensor | undefined)[]>()
  /** Of leaves, whose gradients nothing further is made of: all that was found, to be added up at the end. */
  private readonly leaves = new Map<Key, Tensor[]>()

  get(x: Tensor): Tensor | undefined {
    const { owner, index } = keyOf(x)
    const found = x.source.kind === 'storage' ? this.leaves.get(owner)?.[0] : this.table.get(owner)?.[index]
    return found && reshape(found, x.shape)
  }

  accumulate(x: Tensor, gradient: Tensor): void {
    const { owner, index } = keyOf(x)
    if (x.source.kind === 'storage') {
      this.leaves.set(owner, [...(this.leaves.get(owner) ?? []), gradient])
      return
    }
    const row = this.table.get(owner) ?? []
    const old = row[index]
    row[index] = old ? add(reshape(old, gradient.shape), gradient) : gradient
    this.table.set(owner, row)
  }

  /** Adds up the gradients of all leaves that are used in several places. */
  addUp(): void {
    const several = [...this.leaves].filter(([, list]) => list.length > 1)
    if (several.length === 0) return
    const totals = sums(several.map(([, list]) => list))
    for (const [i, [owner]] of several.entries()) this.leaves.set(owner, [totals[i]])
  }
}

/**
 * Gradients of a scalar `loss` by each of `wrt` (leaves or intermediate tensors), each of its tensor's shape.
 * A tensor the loss does not depend on gets a gradient of zeros. Throws when `loss` is not a scalar or an op on the path has no gradient.
 * @param seed gradient of `loss` itself (default 1).
 */
export function grad(loss: Tensor, wrt: readonly Tensor[], seed?: Tensor): Tensor[] {
  if (loss.length !== 1 && !seed) throw new Error(`grad: loss must be a scalar, got ${showShape(loss.shape)}; reduce it with sum or mean`)
  const nodes = ancestors(loss)
  const wanted = new Map<Key, Set<number>>()
  for (const x of wrt) {
    const { owner, index } = keyOf(x)
    wanted.set(owner, (wanted.get(owner) ?? new Set()).add(index))
  }
  // A node matters when one of its inputs is wanted or comes from a node that matters.
  const matters = new Set<GraphNode>()
  const onPath = (x: Tensor): boolean => {
    if (isDetached(x)) return false
    const { owner, index } = keyOf(x)
    return (wanted.get(owner)?.has(index) ?? false) || (x.source.kind === 'node' && matters.has(x.source.node))
  }
  for (const node of nodes) if (node.inputs.some(onPath)) matters.add(node)

  const table = new GradientTable()
  table.accumulate(loss, seed ?? constantLike(loss, 1))
  for (const node of nodes.toReversed()) {
    if (!matters.has(node)) continue
    const grads = node.outputs.map(y => table.get(y))
    if (grads.every(g => g === undefined)) continue
    const needs = node.inputs.map(onPath)
    const inputGrads = node.backward(grads, needs)
    for (const [i, g] of inputGrads.entries()) if (g && needs[i]) table.accumulate(node.inputs[i], g)
  }
  table.addUp()
  return wrt.map(x => table.get(x) ?? constantLike(x, 0))
}

/** `detach` copies the source object, so the node no longer lists that very source among its outputs. */
function isDetached(x: Tensor): boolean {
  return x.source.kind === 'node' && x.source.node.outputs[x.source.index].source !== x.source
}

/** All nodes the tensor depends on, in recording order. */
function ancestors(root: Tensor): GraphNode[] {
  const seen = new Set<GraphNode>()
  const stack: Tensor[] = [root]
  for (let x = stack.pop(); x; x = stack.pop()) {
    if (x.source.kind !== 'node' || seen.has(x.source.node)) continue
    seen.add(x.source.node)
    stack.push(...x.source.node.inputs)
  }
  return [...seen].sort((a, b) => a.id - b.id)
}
