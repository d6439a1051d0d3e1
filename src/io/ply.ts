/** The vertices of a PLY file: positions alone, whatever else it holds. */

const SIZES: Record<string, number> = {
  ...{ char: 1, int8: 1, uchar: 1, uint8: 1, short: 2, int16: 2, ushort: 2, uint16: 2 },
  ...{ int: 4, int32: 4, uint: 4, uint32: 4, float: 4, float32: 4, double: 8, float64: 8 },
}

interface Property {
  readonly name: string
  readonly type: string
}

/**
 * x, y, z of every vertex, [n, 3], of an ASCII or binary PLY whose vertices come first (as all writers have it). Points that are not finite are left out.
 * Throws, naming the file, when it is not a PLY, is cut, or its vertices have no x, y, z.
 */
export function parsePly(bytes: Uint8Array, name: string): Float32Array {
  const { format, count, properties, start } = parseHeader(bytes, name)
  const at = ['x', 'y', 'z'].map(axis => properties.findIndex(property => property.name === axis))
  if (at.some(index => index < 0))
    throw new Error(`${name}: its vertices have ${properties.map(p => p.name).join(', ') || 'nothing'}, not x, y and z; export the points again`)
  const values =
    format === 'ascii'
      ? asciiRows(bytes, start, count, properties, name)
      : binaryRows(bytes, start, count, properties, format === 'binary_little_endian', name)
  const points: number[] = []
  for (const row of values) {
    const point = at.map(index => row(index))
    if (point.every(Number.isFinite)) points.push(...point)
  }
  return Float32Array.from(points)
}

function parseHeader(bytes: Uint8Array, name: string): { format: string; count: number; properties: Property[]; start: number } {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 2 ** 16))
  const end = /^end_header\r?\n/m.exec(head)
  if (!/^ply\r?\n/.test(head) || !end) throw new Error(`${name}: not a PLY file; export the points again`)
  const lines = head.slice(0, end.index).split(/\r?\n/)
  const format = lines.map(line => /^format (\w+) /.exec(line)?.[1]).find(found => found !== undefined) ?? ''
  if (!['ascii', 'binary_little_endian', 'binary_big_endian'].includes(format))
    throw new Error(`${name}: PLY format "${format}" is unknown; export the points again`)
  const first = lines.findIndex(line => line.startsWith('element '))
  const match = /^element vertex (\d+)$/.exec(lines[first]?.trim() ?? '')
  if (!match) throw new Error(`${name}: its first element is "${lines[first] ?? ''}", not "element vertex"; export the points again`)
  const properties: Property[] = []
  for (const line of lines.slice(first + 1)) {
    if (line.startsWith('element ')) break
    const property = /^property (\w+) (\S+)/.exec(line)
    if (!property) continue
    if (!Object.hasOwn(SIZES, property[1])) throw new Error(`${name}: its vertices have the property "${line}"; export points with x, y, z alone`)
    properties.push({ type: property[1], name: property[2] })
  }
  return { format, count: Number(match[1]), properties, start: end.index + end[0].length }
}

type Row = (index: number) => number

function* asciiRows(bytes: Uint8Array, start: number, count: number, properties: Property[], name: string): Generator<Row> {
  const lines = new TextDecoder().decode(bytes.subarray(start)).split(/\r?\n/)
  for (let i = 0; i < count; i++) {
    const parts = lines[i]?.trim().split(/\s+/) ?? []
    if (parts.length < properties.length) throw new Error(`${name}: cut after ${i} of ${count} vertices; copy the file again`)
    yield index => Number(parts[index])
  }
}

function* binaryRows(bytes: Uint8Array, start: number, count: number, properties: Property[], little: boolean, name: string): Generator<Row> {
  const offsets: number[] = []
  let stride = 0
  for (const { type } of properties) {
    offsets.push(stride)
    stride += SIZES[type]
  }
  if (start + count * stride > bytes.length)
    throw new Error(`${name}: cut: ${count} vertices need ${count * stride} bytes, there are ${bytes.length - start}; copy the file again`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let i = 0; i < count; i++) {
    const row = start + i * stride
    yield index =>
      SIZES[properties[index].type] === 8 ? view.getFloat64(row + offsets[index], little) : view.getFloat32(row + offsets[index], little)
  }
}
