/** Clusters of feature vectors: DBSCAN with eps read off the k-distance curve, and k-medoids when the number is given. Plain numbers. */

/** Row i of the result holds the Euclidean distances of vector i to all; features [n, size]. */
export function distanceMatrix(features: readonly Float32Array[]): Float64Array[] {
  return features.map(a => Float64Array.from(features, b => Math.sqrt(a.reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0))))
}

/** The knee of the sorted k-distance curve: its point farthest from the chord between the ends (Satopää et al., "kneedle"). */
export function kneeDistance(distances: readonly Float64Array[], k: number): number {
  const curve = distances.map(row => Float64Array.from(row).sort()[Math.min(k, row.length - 1)]).sort((a, b) => a - b)
  const n = curve.length - 1
  const rise = curve[n] - curve[0]
  if (n < 1 || rise === 0) return curve[0]
  let best = 0
  let farthest = Number.NEGATIVE_INFINITY
  for (const [i, value] of curve.entries()) {
    const below = i / n - (value - curve[0]) / rise
    if (below > farthest) {
      farthest = below
      best = i
    }
  }
  return curve[best]
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
