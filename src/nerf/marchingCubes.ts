/**
 * Marching cubes (Lorensen and Cline 1987): the surface where a grid of values crosses a level. The table of cases is derived when the module loads, from one
 * rule for the faces of a cell, so that neighbours always agree and a surface that does not meet the grid's border is closed. Host work, plain numbers.
 */

export interface GridSurface {
  /** In grid coordinates, sample (0, 0, 0) in the origin, [V · 3]. */
  readonly positions: Float32Array
  /** Counter-clockwise seen from where values are below the level, [F · 3]. */
  readonly indices: Uint32Array
}

/** Corner k of a cell lies at (k >> 2, k >> 1 & 1, k & 1). An edge joins two corners, the lower first. */
const EDGES: readonly (readonly [number, number])[] = [4, 2, 1].flatMap(bit =>
  [0, 1, 2, 3, 4, 5, 6, 7].filter(corner => (corner & bit) === 0).map(corner => [corner, corner | bit] as const),
)
const edgeBetween = (a: number, b: number): number => EDGES.findIndex(([from, to]) => from === Math.min(a, b) && to === Math.max(a, b))

/** The corners around each face, counter-clockwise seen from outside the cell. */
const FACES: readonly (readonly number[])[] = [
  [0, 1, 3, 2], // x = 0
  [4, 6, 7, 5], // x = 1
  [0, 4, 5, 1], // y = 0
  [2, 3, 7, 6], // y = 1
  [0, 2, 6, 4], // z = 0
  [1, 5, 7, 3], // z = 1
]

/**
 * Triangles of a case, as edges of the cell. On each face a line goes from where the walk around it leaves the inside to where that run of inside corners
 * began: inside corners that touch only diagonally stay apart, on both sides of the face. Every crossed edge then ends one line and begins another, the
 * lines close to polygons, and a polygon is cut into a fan.
 */
function trianglesOf(inside: number): readonly number[] {
  const next = new Map<number, number>()
  const isIn = (corner: number): boolean => ((inside >> corner) & 1) === 1
  for (const face of FACES)
    for (let k = 0; k < 4; k++) {
      const [here, after] = [face[k], face[(k + 1) % 4]]
      if (!isIn(here) || isIn(after)) continue
      let begin = k
      while (isIn(face[(begin + 3) % 4])) begin = (begin + 3) % 4
      next.set(edgeBetween(here, after), edgeBetween(face[(begin + 3) % 4], face[begin]))
    }
  const triangles: number[] = []
  while (next.size > 0) {
    const polygon: number[] = []
    let [at] = next.keys()
    for (let to = next.get(at); to !== undefined; to = next.get(at)) {
      polygon.push(at)
      next.delete(at)
      at = to
    }
    for (let k = 1; k + 1 < polygon.length; k++) triangles.push(polygon[0], polygon[k + 1], polygon[k])
  }
  return triangles
}

const CASES: readonly (readonly number[])[] = Array.from({ length: 256 }, (_, inside) => trianglesOf(inside))

/** The surface of values [nx · ny · nz], x slowest, at `level`; vertices are shared, and lie where the value between two samples is the level. */
export function marchingCubes(values: Float32Array, [nx, ny, nz]: readonly [number, number, number], level: number): GridSurface {
  const strides = [ny * nz, nz, 1]
  const cornerOffsets = Array.from({ length: 8 }, (_, k) => (k >> 2) * strides[0] + ((k >> 1) & 1) * strides[1] + (k & 1))
  const positions: number[] = []
  const indices: number[] = []
  /** Vertex on the edge that leaves a sample along an axis. */
  const known = new Map<number, number>()
  const vertexOn = (cell: number, edge: number): number => {
    const [from, to] = EDGES[edge]
    const axis = edge >> 2
    const a = cell + cornerOffsets[from]
    const found = known.get(3 * a + axis)
    if (found !== undefined) return found
    const b = cell + cornerOffsets[to]
    const t = (level - values[a]) / (values[b] - values[a])
    const place = [Math.floor(a / strides[0]), Math.floor(a / nz) % ny, a % nz]
    place[axis] += t
    const vertex = positions.length / 3
    positions.push(...place)
    known.set(3 * a + axis, vertex)
    return vertex
  }
  for (let x = 0; x + 1 < nx; x++)
    for (let y = 0; y + 1 < ny; y++)
      for (let z = 0; z + 1 < nz; z++) {
        const cell = x * strides[0] + y * strides[1] + z
        let inside = 0
        for (let k = 0; k < 8; k++) if (values[cell + cornerOffsets[k]] > level) inside |= 1 << k
        for (const edge of CASES[inside]) indices.push(vertexOn(cell, edge))
      }
  return { positions: Float32Array.from(positions), indices: Uint32Array.from(indices) }
}

/**
 * The surface's connected parts that have at least `share` of the largest one's triangles; vertices are numbered anew. Floating specks go, an eyeglass stays.
 * Also returns how many parts there were.
 */
export function largestParts({ positions, indices }: GridSurface, share: number): { surface: GridSurface; parts: number; kept: number } {
  const parent = Int32Array.from({ length: positions.length / 3 }, (_, i) => i)
  const root = (vertex: number): number => {
    let at = vertex
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]]
      at = parent[at]
    }
    return at
  }
  for (let i = 0; i < indices.length; i += 3) for (let k = 1; k < 3; k++) parent[root(indices[i + k])] = root(indices[i])
  const sizes = new Map<number, number>()
  for (let i = 0; i < indices.length; i += 3) sizes.set(root(indices[i]), (sizes.get(root(indices[i])) ?? 0) + 1)
  const least = share * [...sizes.values()].reduce((a, b) => Math.max(a, b), 0)
  const numbers = new Int32Array(positions.length / 3).fill(-1)
  const kept: number[] = []
  const triangles: number[] = []
  for (let i = 0; i < indices.length; i += 3) {
    if ((sizes.get(root(indices[i])) ?? 0) < least) continue
    for (let k = 0; k < 3; k++) {
      const vertex = indices[i + k]
      if (numbers[vertex] < 0) {
        numbers[vertex] = kept.length / 3
        kept.push(positions[3 * vertex], positions[3 * vertex + 1], positions[3 * vertex + 2])
      }
      triangles.push(numbers[vertex])
    }
  }
  const surface = { positions: Float32Array.from(kept), indices: Uint32Array.from(triangles) }
  return { surface, parts: sizes.size, kept: [...sizes.values()].filter(size => size >= least).length }
}
