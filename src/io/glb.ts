/** Meshes as binary glTF 2.0 (GLB), which browsers, phones, Blender and game engines read: one mesh, one node, one buffer. */
import { checkMesh, type Mesh } from './mesh.ts'
import { type SyntheticMedia, syntheticMediaFields, syntheticMediaNote } from './syntheticMedia.ts'

const MAGIC = 0x46546c67
const JSON_CHUNK = 0x4e4f534a
const BINARY_CHUNK = 0x004e4942
const FLOAT = 5126
const UNSIGNED_BYTE = 5121
const UNSIGNED_INT = 5125
const VERTICES = 34962
const INDICES = 34963

/**
 * The bytes of a GLB: POSITION and NORMAL in float, COLOR_0 in normalised bytes (linear, as glTF has vertex colours), indices in 32 bits, unlit and double-sided
 * (the colours hold the capture's light already); the asset says in `copyright` and `extras` that it is synthetic.
 * Throws for a mesh without triangles, or whose arrays do not fit.
 */
export function encodeGlb(mesh: Mesh, about: SyntheticMedia = {}): Uint8Array {
  checkMesh(mesh, 'encodeGlb')
  const { positions, normals, colors, indices, upright } = mesh
  const count = positions.length / 3
  const parts = [bytesOf(positions), bytesOf(normals), paddedColors(colors), bytesOf(indices)]
  const views = parts.map((part, i) => ({
    buffer: 0,
    byteOffset: parts.slice(0, i).reduce((sum, { length }) => sum + length, 0),
    byteLength: part.length,
    target: i === 3 ? INDICES : VERTICES,
    ...(i === 2 && { byteStride: 4 }),
  }))
  const byteLength = parts.reduce((sum, { length }) => sum + length, 0)
  const { low, high } = bounds(positions)
  const vertices = (bufferView: number, componentType: number): object => ({ bufferView, componentType, count, type: 'VEC3' })
  const json = {
    asset: { version: '2.0', generator: 'faceclipnerf', copyright: syntheticMediaNote(about), extras: syntheticMediaFields(about) },
    extensionsUsed: ['KHR_materials_unlit'],
    scene: 0,
    scenes: [{ nodes: [0] }],
    nodes: [{ mesh: 0, name: about.scene ?? 'face', ...(upright && { rotation: upright }) }],
    meshes: [{ primitives: [{ attributes: { POSITION: 0, NORMAL: 1, COLOR_0: 2 }, indices: 3, material: 0, mode: 4 }] }],
    materials: [
      {
        pbrMetallicRoughness: { metallicFactor: 0, roughnessFactor: 1 },
        doubleSided: true,
        extensions: { KHR_materials_unlit: {} },
      },
    ],
    accessors: [
      { ...vertices(0, FLOAT), min: low, max: high },
      vertices(1, FLOAT),
      { ...vertices(2, UNSIGNED_BYTE), normalized: true },
      { bufferView: 3, componentType: UNSIGNED_INT, count: indices.length, type: 'SCALAR' },
    ],
    bufferViews: views,
    buffers: [{ byteLength }],
  }
  return container(new TextEncoder().encode(JSON.stringify(json)), parts)
}

/** Header and two chunks, each padded to four bytes: JSON with spaces, the buffer is a multiple of four as it is. */
function container(json: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  const jsonLength = 4 * Math.ceil(json.length / 4)
  const binaryLength = parts.reduce((sum, { length }) => sum + length, 0)
  const out = new Uint8Array(12 + 8 + jsonLength + 8 + binaryLength)
  const view = new DataView(out.buffer)
  const words = (at: number, ...values: number[]): void => values.forEach((value, i) => void view.setUint32(at + 4 * i, value, true))
  words(0, MAGIC, 2, out.length, jsonLength, JSON_CHUNK)
  out.fill(0x20, 20, 20 + jsonLength)
  out.set(json, 20)
  words(20 + jsonLength, binaryLength, BINARY_CHUNK)
  let at = 28 + jsonLength
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Uint32Array): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength)

/** Each vertex begins at a multiple of four bytes; from sRGB to the linear light that glTF's vertex colours are in. */
function paddedColors(colors: Uint8Array): Uint8Array {
  const out = new Uint8Array((colors.length / 3) * 4)
  for (let v = 0; v < colors.length / 3; v++) for (let c = 0; c < 3; c++) out[4 * v + c] = Math.round(255 * linear(colors[3 * v + c] / 255))
  return out
}

const linear = (value: number): number => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)

function bounds(positions: Float32Array): { low: number[]; high: number[] } {
  const low = [Infinity, Infinity, Infinity]
  const high = [-Infinity, -Infinity, -Infinity]
  for (const [i, value] of positions.entries()) {
    low[i % 3] = Math.min(low[i % 3], value)
    high[i % 3] = Math.max(high[i % 3], value)
  }
  return { low, high }
}
