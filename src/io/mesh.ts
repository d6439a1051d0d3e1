/** A coloured surface of triangles, as its writers take it. */
export interface Mesh {
  /** [V · 3], in units and axes that the maker names. */
  readonly positions: Float32Array
  /** Unit vectors that point out of the surface, [V · 3]. */
  readonly normals: Float32Array
  /** sRGB, 8 bits per channel, [V · 3]. */
  readonly colors: Uint8Array
  /** Three vertices per triangle, counter-clockwise seen from outside, [F · 3]. */
  readonly indices: Uint32Array
  /** Rotation (x, y, z, w) that stands the mesh upright, +y up and its front towards +z, for formats whose viewers expect that. */
  readonly upright?: readonly [number, number, number, number]
}

/** Throws, naming the writer, when a mesh has no triangle or its arrays do not fit each other. */
export function checkMesh({ positions, normals, colors, indices }: Mesh, writer: string): void {
  const vertices = positions.length / 3
  if (indices.length === 0) throw new Error(`${writer}: the mesh has no triangles; extract it again with a lower density`)
  if (indices.length % 3 !== 0 || !Number.isInteger(vertices) || normals.length !== positions.length || colors.length !== positions.length)
    throw new Error(
      `${writer}: ${positions.length} coordinates, ${normals.length} of normals, ${colors.length} of colours and ${indices.length} indices do not fit; give three per vertex and triangle`,
    )
  for (const [at, vertex] of indices.entries())
    if (vertex >= vertices) throw new Error(`${writer}: triangle ${Math.floor(at / 3)} names vertex ${vertex} of ${vertices}; correct its indices`)
}
