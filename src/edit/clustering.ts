/** Clusters of feature vectors: DBSCAN with eps from the k-distance curve, and k-medoids when the number is given. Plain numbers. */

/** Row i of the result holds the Euclidean distances of vector i to all; features [n, size]. */
export function distanceMatrix(features: readonly Float32Array[]): Float64Array[] {
  return features.map(a => Float64Array.from(features, b => Math.sqrt(a.reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0))))
}

/** The k-distance curve: each vector's distance to its k-th neighbour, itself not counted, ascending (Ester et al. 1996, §4.2). */
export function kDistances(distances: readonly Float64Array[], k: number): Float64Array {
  return Float64Array.from(distances, row => Float64Array.from(row).sort()[Math.min(k, row.length - 1)]).sort()
}

/**
 * DBSCAN with the radius found: of the k-distance curve's values the one whose clusters have the largest mean silhouette. The curve's knee, the usual
 * rule, takes an expression that varies a little for noise as soon as another hardly varies at all. Throws when no radius gives two clusters.
 */
export function densityClusters(distances: readonly Float64Array[], minPoints: number): { eps: number; labels: Int32Array; silhouette: number } {
  let best: { eps: number; labels: Int32Array; silhouette: number } | undefined
  for (const eps of new Set(kDistances(distances, minPoints - 1))) {
    const labels = dbscan(distances, eps, minPoints)
    const silhouette = meanSilhouette(distances, labels)
    if (silhouette !== undefined && silhouette > (best?.silhouette ?? Number.NEGATIVE_INFINITY)) best = { eps, labels, silhouette }
  }
  if (!best) throw new Error('densityClusters: no radius separates the vectors into two clusters')
  return best
}

/** Members of each label, −1 (noise) left out. */
export function groupByLabel(labels: Int32Array): Map<number, number[]> {
  const clusters = new Map<number, number[]>()
  for (const [i, label] of labels.entries()) if (label >= 0) clusters.set(label, [...(clusters.get(label) ?? []), i])
  return clusters
}

/** Mean silhouette (Rousseeuw 1987) over all vectors, noise counting 0; undefined for fewer than two clusters. */
export function meanSilhouette(distances: readonly Float64Array[], labels: Int32Array): number | undefined {
  const clusters = groupByLabel(labels)
  if (clusters.size < 2) return undefined
  const meanTo = (i: number, members: readonly number[], count: number): number => members.reduce((sum, j) => sum + distances[i][j], 0) / count
  let total = 0
  for (const [label, members] of clusters) {
    if (members.length === 1) continue
    for (const i of members) {
      const own = meanTo(i, members, members.length - 1)
      const other = Math.min(...[...clusters].filter(([l]) => l !== label).map(([, m]) => meanTo(i, m, m.length)))
      total += (other - own) / Math.max(own, other, Number.MIN_VALUE)
    }
  }
  return total / labels.length
}

/** Label per vector, −1 for noise (Ester et al. 1996). A vector is dense when ≥ minPoints vectors, itself included, lie within eps. */
export function dbscan(distances: readonly Float64Array[], eps: number, minPoints: number): Int32Array {
  const near = distances.map(row => Array.from(row.keys()).filter(j => row[j] <= eps))
  const labels = new Int32Array(distances.length).fill(-1)
  let clusters = 0
  for (const [i, neighbours] of near.entries()) {
    if (labels[i] >= 0 || neighbours.length < minPoints) continue
    const label = clusters++
    labels[i] = label
    const queue = [...neighbours]
    for (let j = queue.pop(); j !== undefined; j = queue.pop()) {
      if (labels[j] >= 0) continue
      labels[j] = label
      if (near[j].length >= minPoints) queue.push(...near[j])
    }
  }
  return labels
}

/** The member with the smallest sum of distances to its cluster. */
export function medoid(distances: readonly Float64Array[], members: readonly number[]): number {
  const cost = (i: number): number => members.reduce((sum, j) => sum + distances[i][j], 0)
  return members.reduce((best, i) => (cost(i) < cost(best) ? i : best))
}

/**
 * k clusters around medoids (PAM: greedy build, then alternating). Deterministic. Returns a label per vector.
 * Throws when k is not in 1 … n.
 */
export function kMedoids(distances: readonly Float64Array[], k: number): Int32Array {
  const n = distances.length
  if (!Number.isInteger(k) || k < 1 || k > n) throw new Error(`kMedoids: ${k} clusters of ${n} vectors; give a whole number from 1 to ${n}`)
  const all = Array.from({ length: n }, (_, i) => i)
  const centres = [medoid(distances, all)]
  while (centres.length < k) {
    // Build: the vector that lowers the total distance to the nearest centre most.
    const nearest = all.map(i => Math.min(...centres.map(c => distances[i][c])))
    const gain = (c: number): number => all.reduce((sum, i) => sum + Math.max(nearest[i] - distances[i][c], 0), 0)
    centres.push(all.filter(i => !centres.includes(i)).reduce((best, i) => (gain(i) > gain(best) ? i : best)))
  }
  let labels = assign(distances, centres)
  for (let round = 0; round < 100; round++) {
    const next = centres.map((_, label) =>
      medoid(
        distances,
        all.filter(i => labels[i] === label),
      ),
    )
    if (next.every((c, i) => c === centres[i])) break
    centres.splice(0, k, ...next)
    labels = assign(distances, centres)
  }
  return labels
}

/** Nearest centre of each vector. A centre is its own: of two that coincide the second would otherwise be left without members. */
function assign(distances: readonly Float64Array[], centres: readonly number[]): Int32Array {
  return Int32Array.from(distances, (row, i) => {
    const own = centres.indexOf(i)
    return own >= 0 ? own : centres.reduce((best, c, label) => (row[c] < row[centres[best]] ? label : best), 0)
  })
}
