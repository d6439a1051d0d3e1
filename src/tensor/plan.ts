/** Record once, replay: a list of nodes with planned memory, turned into the device's own program. */
import type { KernelTime } from '../gpu/gpuDevice.ts'
import type { Device, Executable, PlannedStep } from './device.ts'
import { planMemory, valueKey } from './memoryPlan.ts'
import { assign } from './ops/assign.ts'
import type { GraphNode, Memory, Region, Tensor } from './tensor.ts'

export interface PlanRequest {
  /** Tensors to read after a run. */
  outputs?: readonly Tensor[]
  /** Effects (optimiser steps, assignments) to run, in recording order. */
  effects?: readonly GraphNode[]
  /** Node outputs written straight into a leaf's memory, e.g. gradients into one flat buffer. */
  into?: readonly Placement[]
  /** Values that something else has computed into a leaf: what they come from is not run. */
  given?: readonly Placement[]
}

/** A value and the leaf whose memory holds it. */
export interface Placement {
  readonly value: Tensor
  readonly leaf: Tensor
}

/** A compiled plan: `run` as often as wanted, then `read`. */
export interface Plan extends Disposable {
  run(): void
  /** Waits for the last run and copies an output's numbers. Throws for a tensor that is not among the outputs. */
  read(x: Tensor): Promise<Float32Array>
  /** Runs once and tells where the time goes: milliseconds and calls per kernel. Empty where the device has no such clock. */
  profile(): Promise<ReadonlyMap<string, KernelTime>>
  /** Node names in execution order, for tests and profiles. */
  readonly nodes: readonly string[]
  /** Bytes of intermediate memory. */
  readonly bytes: number
}

/** Compiles everything the request needs, in recording order, without the rest. Throws when a tensor's memory cannot be had. */
export function compile(device: Device, request: PlanRequest): Plan {
  const { placed, copies } = placements(request.into ?? [])
  const keep = [...(request.outputs ?? [])]
  const effects = [...(request.effects ?? []), ...copies]
  const given = givenRegions(request.given ?? [])
  const nodes = needed([...keep, ...(request.into ?? []).map(p => p.value)], effects, given)
  const plan = planMemory(nodes, keep, placed, node => device.scratchOf(node))
  const memories = plan.slots.map(length => device.allocate(Math.max(length, 1) * 4))
  const regionOf = (x: Tensor): Region => {
    const known = given.get(valueKey(x.source))
    if (known) return known
    const place = plan.placeOf(x)
    return 'slot' in place ? { memory: memories[place.slot], offset: 0, length: x.length } : place.region
  }
  const steps: PlannedStep[] = nodes.map(node => ({
    node,
    inputs: node.inputs.map(regionOf),
    outputs: node.outputs.map(regionOf),
    // its own length, not the slot's: a slot may exceed what a GPU binds
    scratch: device.scratchOf(node).map((length, i) => ({ memory: memories[plan.scratchOf.get(node)?.[i] ?? 0], offset: 0, length })),
  }))
  const executable = device.build(steps)
  return new CompiledPlan(
    device,
    executable,
    memories,
    regionOf,
    new Set(keep.map(x => valueKey(x.source))),
    nodes.map(n => n.name),
    sum(plan.slots) * 4,
  )
}

class CompiledPlan implements Plan {
  constructor(
    private readonly device: Device,
    private readonly executable: Executable,
    private readonly memories: readonly Memory[],
    private readonly regionOf: (x: Tensor) => Region,
    private readonly readable: ReadonlySet<string>,
    readonly nodes: readonly string[],
    readonly bytes: number,
  ) {}

  run(): void {
    this.executable.run()
  }

  profile(): Promise<ReadonlyMap<string, KernelTime>> {
    return this.executable.profile()
  }

  async read(x: Tensor): Promise<Float32Array> {
    if (x.source.kind === 'node' && !this.readable.has(valueKey(x.source)))
      throw new Error(`plan.read: output of ${x.source.node.name} was not listed in outputs`)
    return (await this.device.read(this.regionOf(x), x.dtype)) as Float32Array
  }

  [Symbol.dispose](): void {
    this.executable.dispose()
    for (const memory of this.memories) this.device.release(memory)
  }
}

/** Values that can live in the named leaf; the others are copied there by an extra node. */
function placements(into: readonly Placement[]): { placed: Map<string, Region>; copies: GraphNode[] } {
  const placed = new Map<string, Region>()
  const copies: GraphNode[] = []
  for (const { value, leaf } of into) {
    if (leaf.source.kind !== 'storage') throw new Error('compile: `into` names a tensor that is not a leaf')
    if (value.source.kind === 'node' && !placed.has(valueKey(value.source))) placed.set(valueKey(value.source), leaf.source.region)
    else copies.push(assign(leaf, value))
  }
  return { placed, copies }
}

/** Where values lie that a plan need not compute. */
function givenRegions(given: readonly Placement[]): ReadonlyMap<string, Region> {
  const regions = new Map<string, Region>()
  for (const { value, leaf } of given) {
    if (leaf.source.kind !== 'storage') throw new Error('compile: `given` names a tensor that is not a leaf')
    if (value.source.kind === 'node') regions.set(valueKey(value.source), leaf.source.region)
  }
  return regions
}

/** Nodes that the roots and effects need, in recording order, themselves included. */
export function needed(roots: readonly Tensor[], effects: readonly GraphNode[], given: ReadonlyMap<string, Region> = new Map()): GraphNode[] {
  const seen = new Set<GraphNode>(effects)
  const stack: Tensor[] = [...roots, ...effects.flatMap(e => e.inputs)]
  for (let x = stack.pop(); x; x = stack.pop()) {
    if (x.source.kind !== 'node' || seen.has(x.source.node) || given.has(valueKey(x.source))) continue
    seen.add(x.source.node)
    stack.push(...x.source.node.inputs)
  }
  return [...seen].sort((a, b) => a.id - b.id)
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

/** Runs a graph once and returns the numbers of `outputs`, in order. For set-up and tests; a loop compiles a plan. */
export async function evaluate(device: Device, outputs: readonly Tensor[]): Promise<Float32Array[]> {
  using plan = compile(device, { outputs })
  plan.run()
  return await Promise.all(outputs.map(x => plan.read(x)))
}
