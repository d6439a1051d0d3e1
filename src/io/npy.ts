import { float16ToFloat32 } from './halfFloat.ts'

/** An array of a .npy file: row-major; '<f2' and '<f8' become f32, '|u1' stays bytes. */
export interface NpyArray {
  shape: number[]
  data: Float32Array | Uint8Array
}

const READERS: Record<string, { size: number; read: (bytes: Uint8Array) => Float32Array | Uint8Array }> = {
  '<f4': { size: 4, read: bytes => new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4) },
  '<f2': { size: 2, read: bytes => float16ToFloat32(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)) },
  '<f8': { size: 8, read: bytes => Float32Array.from(new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)) },
  '|u1': { size: 1, read: bytes => bytes },
}

/**
 * Read a NumPy .npy file, versions 1 to 3, C order, dtypes <f4, <f2, <f8 and |u1. `name` is what errors call the file.
 * Throws for another format, dtype or order, and when the data is not as long as the shape says.
 */
export function parseNpy(bytes: Uint8Array, name: string): NpyArray {
  const { shape, descr, data } = splitNpy(bytes, name)
  return { shape, data: READERS[descr].read(data) }
}

/** As `parseNpy`, with every digit of '<f8', which poses need. */
export function parseNpyDoubles(bytes: Uint8Array, name: string): { shape: number[]; data: Float64Array } {
  const { shape, descr, data } = splitNpy(bytes, name)
  return {
    shape,
    data: descr === '<f8' ? new Float64Array(data.buffer, data.byteOffset, data.length / 8) : Float64Array.from(READERS[descr].read(data)),
  }
}

/** The header's say, and the data at the start of a buffer of its own (typed arrays need aligned bytes). */
function splitNpy(bytes: Uint8Array, name: string): { shape: number[]; descr: string; data: Uint8Array } {
  const magic = '\x93NUMPY'
  if (bytes.length < 10 || [...magic].some((letter, i) => bytes[i] !== letter.charCodeAt(0))) {
    throw new Error(`${name}: not a .npy file (it does not begin with \\x93NUMPY); save it with numpy.save`)
  }
  const version = bytes[6]
  if (version < 1 || version > 3) throw new Error(`${name}: .npy version ${version} is unknown; save it with numpy.save as version 1, 2 or 3`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const lengthBytes = version === 1 ? 2 : 4
  if (bytes.length < 8 + lengthBytes) throw new Error(`${name}: truncated in its header; copy the file again`)
  const headerLength = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
  const dataStart = 8 + lengthBytes + headerLength
  if (dataStart > bytes.length) throw new Error(`${name}: truncated, the header ends at byte ${dataStart} of ${bytes.length}; copy the file again`)

  const header = new TextDecoder().decode(bytes.subarray(8 + lengthBytes, dataStart))
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1]
  const order = /'fortran_order':\s*(True|False)/.exec(header)?.[1]
  const sizes = /'shape':\s*\(([\d\s,]*)\)/.exec(header)?.[1]
  if (order === undefined || sizes === undefined) throw new Error(`${name}: the .npy header is ${header.trim()}; save the file with numpy.save`)
  if (descr === undefined || !Object.hasOwn(READERS, descr)) {
    throw new Error(`${name}: dtype ${descr ?? header.trim()} is not supported; save it as one of ${Object.keys(READERS).join(', ')}`)
  }
  if (order === 'True') throw new Error(`${name}: fortran_order is True; save numpy.ascontiguousarray(array) instead`)

  const shape = sizes
    .split(',')
    .filter(part => part.trim() !== '')
    .map(Number)
  const { size } = READERS[descr]
  const needed = shape.reduce((total, count) => total * count, size)
  if (bytes.length - dataStart !== needed) {
    throw new Error(
      `${name}: shape (${shape}) of ${descr} needs ${needed} bytes of data, the file has ${bytes.length - dataStart}; copy the file again`,
    )
  }
  return { shape, descr, data: bytes.slice(dataStart) }
}
