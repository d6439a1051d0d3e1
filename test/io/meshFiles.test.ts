/** PLY and GLB: what is written is read back by other code than what wrote it. */
import { describe, expect, it } from 'vitest'
import { encodeGlb } from '../../src/io/glb.ts'
import type { Mesh } from '../../src/io/mesh.ts'
import { parsePly } from '../../src/io/ply.ts'
import { encodePly } from '../../src/io/plyWriter.ts'
import { DIGITAL_SOURCE_TYPE } from '../../src/io/syntheticMedia.ts'

const TETRAHEDRON: Mesh = {
  positions: Float32Array.of(0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, -3),
  normals: Float32Array.of(0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, -1),
  colors: Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 188, 188, 188),
  indices: Uint32Array.of(0, 2, 1, 0, 1, 3, 0, 3, 2, 1, 2, 3),
  upright: [0, 1, 0, 0],
}
const ABOUT = { scene: 'ada', prompt: 'a surprised face' }

describe('encodePly', () => {
  it('is read back, and says in comments that it is synthetic', () => {
    const bytes = encodePly(TETRAHEDRON, ABOUT)
    expect(parsePly(bytes, 'a.ply')).toEqual(TETRAHEDRON.positions)
    const text = new TextDecoder('latin1').decode(bytes)
    const header = text.slice(0, text.indexOf('end_header\n') + 11)
    expect(header).toContain(`comment digitalSourceType: ${DIGITAL_SOURCE_TYPE}\n`)
    expect(header).toContain('comment prompt: a surprised face\n')
    expect(bytes.length).toBe(header.length + 4 * 27 + 4 * 13)
    const view = new DataView(bytes.buffer)
    const last = bytes.length - 13
    expect([bytes[last], ...[1, 5, 9].map(at => view.getUint32(last + at, true))]).toEqual([3, 1, 2, 3])
    expect([...bytes.subarray(header.length + 24, header.length + 27)]).toEqual([255, 0, 0])
  })

  it('keeps its header whole whatever the prompt is', () => {
    expect(parsePly(encodePly(TETRAHEDRON, { prompt: 'x\nend_header\nélan' }), 'a.ply')).toEqual(TETRAHEDRON.positions)
  })
})

describe('encodeGlb', () => {
  const bytes = encodeGlb(TETRAHEDRON, ABOUT)
  const view = new DataView(bytes.buffer)
  const jsonLength = view.getUint32(12, true)
  const json = JSON.parse(new TextDecoder().decode(bytes.subarray(20, 20 + jsonLength)))
  const binary = bytes.slice(28 + jsonLength)

  it('has the container of glTF 2.0', () => {
    expect(new TextDecoder().decode(bytes.subarray(0, 4))).toBe('glTF')
    expect([view.getUint32(4, true), view.getUint32(8, true)]).toEqual([2, bytes.length])
    expect(new TextDecoder().decode(bytes.subarray(16, 20))).toBe('JSON')
    expect(new TextDecoder().decode(bytes.subarray(24 + jsonLength, 28 + jsonLength))).toBe('BIN\0')
    expect([jsonLength % 4, binary.length % 4, view.getUint32(20 + jsonLength, true)]).toEqual([0, 0, binary.length])
    expect(json.buffers).toEqual([{ byteLength: binary.length }])
  })

  it('holds the mesh', () => {
    const part = (accessor: number) => {
      const { bufferView, count } = json.accessors[accessor]
      const { byteOffset, byteLength } = json.bufferViews[bufferView]
      return { count, bytes: binary.slice(byteOffset, byteOffset + byteLength) }
    }
    const { attributes, indices } = json.meshes[0].primitives[0]
    expect(new Float32Array(part(attributes.POSITION).bytes.buffer)).toEqual(TETRAHEDRON.positions)
    expect(new Float32Array(part(attributes.NORMAL).bytes.buffer)).toEqual(TETRAHEDRON.normals)
    expect(new Uint32Array(part(indices).bytes.buffer)).toEqual(TETRAHEDRON.indices)
    // linear light: 188 of 255 in sRGB is half of it
    expect([...part(attributes.COLOR_0).bytes.subarray(12, 15)]).toEqual([128, 128, 128])
    expect(json.accessors[attributes.POSITION]).toMatchObject({ count: 4, min: [0, 0, -3], max: [1, 2, 0] })
    expect(json.nodes[0].rotation).toEqual([0, 1, 0, 0])
  })

  it('says that it is synthetic', () => {
    expect(json.asset.extras).toMatchObject({ digitalSourceType: DIGITAL_SOURCE_TYPE, scene: 'ada', prompt: 'a surprised face' })
    expect(json.asset.copyright).toContain('Synthetic media')
  })
})

it.each([encodePly, encodeGlb])('%o refuses meshes that are none', encode => {
  expect(() => encode({ ...TETRAHEDRON, indices: new Uint32Array(0) })).toThrow('the mesh has no triangles; extract it again with a lower density')
  expect(() => encode({ ...TETRAHEDRON, colors: new Uint8Array(3) })).toThrow('do not fit')
  expect(() => encode({ ...TETRAHEDRON, indices: Uint32Array.of(0, 1, 4) })).toThrow('triangle 0 names vertex 4 of 4')
})
