/** Meshes as PLY files (binary, little endian), which MeshLab, Blender and CloudCompare read. */
import { checkMesh, type Mesh } from './mesh.ts'
import { type SyntheticMedia, syntheticMediaFields } from './syntheticMedia.ts'

const VERTEX_BYTES = 27
const FACE_BYTES = 13

/**
 * The bytes of a PLY: x, y, z, nx, ny, nz as float, red, green, blue as uchar, triangles as `vertex_indices`, and comments that say that it is synthetic.
 * Throws for a mesh without triangles, or whose arrays do not fit.
 */
export function encodePly(mesh: Mesh, about: SyntheticMedia = {}): Uint8Array {
  checkMesh(mesh, 'encodePly')
  const { positions, normals, colors, indices } = mesh
  const [vertices, faces] = [positions.length / 3, indices.length / 3]
  const comments = Object.entries(syntheticMediaFields(about)).map(([name, value]) => `comment ${name}: ${value}`)
  const header = [
    ...['ply', 'format binary_little_endian 1.0', ...comments, `element vertex ${vertices}`],
    ...['x', 'y', 'z', 'nx', 'ny', 'nz'].map(name => `property float ${name}`),
    ...['red', 'green', 'blue'].map(name => `property uchar ${name}`),
    ...[`element face ${faces}`, 'property list uchar uint vertex_indices', 'end_header', ''],
  ].join('\n')
  const head = new TextEncoder().encode(header)
  const out = new Uint8Array(head.length + vertices * VERTEX_BYTES + faces * FACE_BYTES)
  out.set(head)
  const view = new DataView(out.buffer)
  let at = head.length
  for (let v = 0; v < vertices; v++, at += VERTEX_BYTES) {
    for (let axis = 0; axis < 3; axis++) {
      view.setFloat32(at + 4 * axis, positions[3 * v + axis], true)
      view.setFloat32(at + 12 + 4 * axis, normals[3 * v + axis], true)
      out[at + 24 + axis] = colors[3 * v + axis]
    }
  }
  for (let f = 0; f < faces; f++, at += FACE_BYTES) {
    out[at] = 3
    for (let k = 0; k < 3; k++) view.setUint32(at + 1 + 4 * k, indices[3 * f + k], true)
  }
  return out
}
