/** Regions of the face: points grouped by where they lie, as a tree from all of them to small parts. */
import type { Vector3 } from '../camera/vector.ts'

export interface RegionTree {
  /** Middle of each smallest region. */
  readonly centres: readonly Vector3[]
  /** Every region as the numbers of its smallest ones, large before small; the first holds all. */
  readonly regions: readonly (readonly number[])[]
}

interface Node {
  readonly members: readonly number[]
  readonly centre: Vector3
  /** Weighted sum of squared distances to the centre. */
  readonly scatter: number
  parts?: readonly [Node, Node]
}

const ROUNDS = 20

/**
 * Splits points [P, 3] with weights [P] ≥ 0 in two again and again (weighted 2-means, always the region that is spread most), until there are `leaves` regions
 * or nothing to split. Throws when all weights are zero.
 */
export function regionTree(points: Float32Array, weights: Float32Array, leaves: number): RegionTree {
  const all = Array.from(weights.keys()).filter(i => weights[i] > 0)
  if (all.length === 0) throw new Error(`regionTree: none of ${weights.length} points has weight; give at least one`)
  const root = nodeOf(points, weights, all)
  let open = [root]
  while (open.length < leaves) {
    const widest = open.reduce((a, b) => (b.scatter > a.scatter ? b : a))
    widest.parts = widest.scatter > 0 ? halves(points, weights, widest) : undefined
    if (!widest.parts) break
    open = [...open.filter(node => node !== widest), ...widest.parts]
  }
  const leavesOf = (node: Node): number[] => (node.parts ? node.parts.flatMap(leavesOf) : [open.indexOf(node)])
  const walk = (node: Node): number[][] => [leavesOf(node), ...(node.parts ?? []).flatMap(walk)]
  const regions = walk(root).sort((a, b) => b.length - a.length)
  return { centres: open.map(node => node.centre), regions }
}

function nodeOf(points: Float32Array, weights: Float32Array, members: readonly number[]): Node {
  const centre: [number, number, number] = [0, 0, 0]
  let total = 0
  for (const i of members) {
    for (let c = 0; c < 3; c++) centre[c] += weights[i] * points[3 * i + c]
    total += weights[i]
  }
  for (let c = 0; c < 3; c++) centre[c] /= total
  return { members, centre, scatter: members.reduce((s, i) => s + weights[i] * squaredDistance(points, i, centre), 0) }
}

/** 2-means, begun from the two sides of the axis along which the points spread most; undefined when one side stays empty. */
function halves(points: Float32Array, weights: Float32Array, { members, centre }: Node): [Node, Node] | undefined {
  const spread = [0, 1, 2].map(c => members.reduce((s, i) => s + weights[i] * (points[3 * i + c] - centre[c]) ** 2, 0))
  const axis = spread.indexOf(Math.max(...spread))
  let sides = split(members, i => points[3 * i + axis] < centre[axis])
  for (let round = 0; round < ROUNDS; round++) {
    if (sides.some(side => side.length === 0)) return undefined
    const [a, b] = sides.map(side => nodeOf(points, weights, side).centre)
    sides = split(members, i => squaredDistance(points, i, a) < squaredDistance(points, i, b))
  }
  if (sides.some(side => side.length === 0)) return undefined
  const [a, b] = sides.map(side => nodeOf(points, weights, side))
  return [a, b]
}

function split(members: readonly number[], first: (i: number) => boolean): [number[], number[]] {
  return [members.filter(first), members.filter(i => !first(i))]
}

function squaredDistance(points: Float32Array, i: number, [x, y, z]: Vector3): number {
  return (points[3 * i] - x) ** 2 + (points[3 * i + 1] - y) ** 2 + (points[3 * i + 2] - z) ** 2
}
