import { bfloat16ToFloat32, float16ToFloat32, float32ToFloat16 } from './halfFloat.ts'

/** Values of a tensor in memory. Every float type becomes f32; integers and booleans keep their width. */
export type TensorData = Float32Array | Int32Array | Uint32Array | Uint8Array | Int8Array | Uint16Array | Int16Array | BigInt64Array | BigUint64Array

/** A tensor to write; its dtype follows the array type unless `half`, which makes F16 of f32 values. */
export interface TensorToStore {
  readonly shape: number[]
  readonly data: TensorData
  readonly half?: boolean
}

/** One tensor of a file: `dtype` as the file names it ('F16', 'I64', …), row-major `data`. `data` may share memory with the bytes parsed. */
export interface StoredTensor {
  dtype: string
  shape: number[]
  data: TensorData
}

/** A parsed safetensors file: tensors by name in file order, and its string metadata. */
export interface SafetensorsFile {
  tensors: Map<string, StoredTensor>
  metadata: Record<string, string>
}

const DTYPES: Record<string, { size: number; read: (bytes: Uint8Array) => TensorData }> = {
  F64: { size: 8, read: bytes => Float32Array.from(new Float64Array(...aligned(bytes, 8))) },
  I64: { size: 8, read: bytes => new BigInt64Array(...aligned(bytes, 8)) },
  U64: { size: 8, read: bytes => new BigUint64Array(...aligned(bytes, 8)) },
  F32: { size: 4, read: bytes => new Float32Array(...aligned(bytes, 4)) },
  I32: { size: 4, read: bytes => new Int32Array(...aligned(bytes, 4)) },
  U32: { size: 4, read: bytes => new Uint32Array(...aligned(bytes, 4)) },
  F16: { size: 2, read: bytes => float16ToFloat32(new Uint16Array(...aligned(bytes, 2))) },
  BF16: { size: 2, read: bytes => bfloat16ToFloat32(new Uint16Array(...aligned(bytes, 2))) },
  I16: { size: 2, read: bytes => new Int16Array(...aligned(bytes, 2)) },
  U16: { size: 2, read: bytes => new Uint16Array(...aligned(bytes, 2)) },
  I8: { size: 1, read: bytes => new Int8Array(...aligned(bytes, 1)) },
  U8: { size: 1, read: bytes => bytes },
  BOOL: { size: 1, read: bytes => bytes },
}

/** The header limit of the safetensors format: a larger length means a file of another kind. */
const MAX_HEADER_BYTES = 100_000_000
const AGAIN = 'download or write the file again'

/**
 * Read a safetensors file: 8 bytes of header length, a JSON header, then the tensors' bytes without holes.
 * `name` is what errors call the file. F16, BF16 and F64 become f32. Throws when the header is cut, too long or not JSON, when a
 * tensor's offsets overlap, leave holes or leave the file, when shape × dtype is not its byte count, or when a dtype is unknown.
 */
export function parseSafetensors(bytes: Uint8Array, name: string): SafetensorsFile {
  const { entries, metadata } = parseSafetensorsHeader(bytes, bytes.byteLength, name)
  const tensors = new Map<string, StoredTensor>()
  for (const [key, { dtype, shape, begin, end }] of entries) tensors.set(key, { dtype, shape, data: readTensor(dtype, bytes.subarray(begin, end)) })
  return { tensors, metadata }
}

/** Where a tensor lies: bytes [begin, end) of its file. */
export interface TensorPlace {
  readonly dtype: string
  readonly shape: number[]
  readonly begin: number
  readonly end: number
}

/** Bytes of a file that `parseSafetensorsHeader` needs, from its first eight. Throws when they are not the start of a safetensors file. */
export function safetensorsHeaderBytes(start: Uint8Array, name: string): number {
  if (start.byteLength < 8) throw new Error(`${name}: ${start.byteLength} bytes is too short for a safetensors file; ${AGAIN}`)
  const length = new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true)
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new Error(`${name}: header length ${length} is over ${MAX_HEADER_BYTES} bytes, so this is not a safetensors file; check the path`)
  }
  return 8 + Number(length)
}

/** What a file of `fileBytes` holds, from its first bytes alone (at least its header). Throws as `parseSafetensors`. */
export function parseSafetensorsHeader(
  bytes: Uint8Array,
  fileBytes: number,
  name: string,
): { entries: Map<string, TensorPlace>; metadata: Record<string, string> } {
  const { header, dataStart } = readHeader(bytes, fileBytes, name)
  const dataBytes = fileBytes - dataStart
  const entries = Object.entries(header)
    .filter(([key]) => key !== '__metadata__')
    .map(([key, value]) => readEntry(key, value, dataBytes, name))
  checkLayout(entries, dataBytes, name)
  const places = entries.map(({ key, dtype, shape, begin, end }) => [key, { dtype, shape, begin: dataStart + begin, end: dataStart + end }] as const)
  return { entries: new Map(places), metadata: readMetadata(header.__metadata__, name) }
}

/** A tensor's bytes as numbers; may share memory with them. `dtype` is one that a parsed header named. */
export function readTensor(dtype: string, bytes: Uint8Array): TensorData {
  return DTYPES[dtype].read(bytes)
}

/**
 * Write tensors as a safetensors file; the dtype follows the array type (Float32Array → F32, …), or is F16 where a tensor asks for `half`.
 * Wide types come first and the header is padded to 8 bytes, so a reader can use every tensor in place; the same input gives the same
 * bytes. Throws when a shape does not hold its data or a name is `__metadata__`.
 */
export function writeSafetensors(tensors: Map<string, TensorToStore>, metadata: Record<string, string> = {}): Uint8Array {
  const order = [...tensors]
    .map(([key, tensor]) => [key, stored(tensor)] as const)
    .sort(([nameA, a], [nameB, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT || compareText(nameA, nameB))
  const header: Record<string, unknown> = Object.create(null)
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata
  let offset = 0
  for (const [key, { shape, data, dtype }] of order) {
    if (key === '__metadata__') throw new Error('writeSafetensors: a tensor cannot be named "__metadata__"; rename it')
    if (product(shape) !== data.length) {
      throw new Error(`writeSafetensors: tensor "${key}" has ${data.length} values but shape [${shape}]; pass the shape of its data`)
    }
    header[key] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] }
    offset += data.byteLength
  }
  const text = new TextEncoder().encode(JSON.stringify(header))
  const headerBytes = Math.ceil(text.length / 8) * 8
  const out = new Uint8Array(8 + headerBytes + offset)
  new DataView(out.buffer).setBigUint64(0, BigInt(headerBytes), true)
  out.fill(0x20, 8, 8 + headerBytes)
  out.set(text, 8)
  let at = 8 + headerBytes
  for (const [, { data }] of order) {
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at)
    at += data.byteLength
  }
  return out
}

function stored({ shape, data, half = false }: TensorToStore): StoredTensor {
  return half && data instanceof Float32Array ? { dtype: 'F16', shape, data: float32ToFloat16(data) } : { dtype: dtypeOf(data), shape, data }
}

interface Entry {
  key: string
  dtype: string
  shape: number[]
  begin: number
  end: number
}

function readHeader(bytes: Uint8Array, fileBytes: number, name: string): { header: Record<string, unknown>; dataStart: number } {
  const dataStart = safetensorsHeaderBytes(bytes, name)
  if (dataStart > fileBytes) {
    throw new Error(`${name}: truncated, the header needs ${dataStart - 8} bytes and the file has ${fileBytes - 8} after its length field; ${AGAIN}`)
  }
  let header: unknown
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, dataStart)))
  } catch (error) {
    throw new Error(`${name}: the safetensors header is not JSON (${error instanceof Error ? error.message : error}); ${AGAIN}`)
  }
  if (!isRecord(header)) throw new Error(`${name}: the safetensors header is ${JSON.stringify(header)}, not an object; ${AGAIN}`)
  return { header, dataStart }
}

function readEntry(key: string, value: unknown, dataBytes: number, name: string): Entry {
  const where = `${name}: tensor "${key}"`
  if (!isRecord(value)) throw new Error(`${where} is described by ${JSON.stringify(value)}, not by an object; write the file again`)
  const { dtype, shape, data_offsets: offsets } = value
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPES, dtype)) {
    throw new Error(`${where} has dtype ${JSON.stringify(dtype)}; convert it to one of ${Object.keys(DTYPES).join(', ')}`)
  }
  if (!isCountList(shape)) throw new Error(`${where} has shape ${JSON.stringify(shape)}; sizes must be whole numbers ≥ 0, write the file again`)
  if (!isCountList(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    throw new Error(`${where} has data_offsets ${JSON.stringify(offsets)}, not [begin, end]; write the file again`)
  }
  const [begin, end] = offsets
  if (end > dataBytes) {
    throw new Error(`${where} ends at byte ${end} of the data, but the file holds ${dataBytes} (truncated?); download or write it again`)
  }
  const needed = product(shape) * DTYPES[dtype].size
  if (needed !== end - begin) {
    throw new Error(
      `${where} is ${dtype} [${shape}] = ${needed} bytes, but its data_offsets [${begin}, ${end}] hold ${end - begin}; write the file again`,
    )
  }
  return { key, dtype, shape, begin, end }
}

/** The format forbids overlaps, holes and bytes after the last tensor; each means that some offset is wrong. */
function checkLayout(entries: Entry[], dataBytes: number, name: string): void {
  let reached = 0
  let previous = 'the header'
  for (const { key, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin < reached) {
      throw new Error(`${name}: tensor "${key}" overlaps ${previous}: it begins at byte ${begin}, before ${reached}; write the file again`)
    }
    if (begin > reached) {
      throw new Error(`${name}: tensor "${key}" begins at byte ${begin}, but ${previous} ends at ${reached}; write the file again without holes`)
    }
    reached = end
    previous = `tensor "${key}"`
  }
  if (reached !== dataBytes) {
    throw new Error(`${name}: ${dataBytes - reached} bytes follow the last tensor's end at ${reached}; write the file again without them`)
  }
}

function readMetadata(value: unknown, name: string): Record<string, string> {
  if (value === undefined) return {}
  if (!isRecord(value)) throw new Error(`${name}: __metadata__ is ${JSON.stringify(value)}, not an object of strings; write the file again`)
  const metadata: Record<string, string> = Object.create(null)
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw new Error(`${name}: __metadata__ "${key}" is ${JSON.stringify(text)}, not a string; write it as one`)
    metadata[key] = text
  }
  return { ...metadata }
}

/** Arguments for a typed array over `bytes`, copied only if its start is not a multiple of `size`. */
function aligned(bytes: Uint8Array, size: number): [ArrayBufferLike, number, number] {
  const source = bytes.byteOffset % size === 0 ? bytes : Uint8Array.from(bytes)
  return [source.buffer, source.byteOffset, source.byteLength / size]
}

function dtypeOf(data: TensorData): string {
  if (data instanceof Float32Array) return 'F32'
  if (data instanceof Int32Array) return 'I32'
  if (data instanceof Uint32Array) return 'U32'
  if (data instanceof Uint8Array) return 'U8'
  if (data instanceof Int8Array) return 'I8'
  if (data instanceof Uint16Array) return 'U16'
  if (data instanceof Int16Array) return 'I16'
  if (data instanceof BigInt64Array) return 'I64'
  return 'U64'
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCountList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(item => Number.isSafeInteger(item) && item >= 0)
}

function product(shape: number[]): number {
  return shape.reduce((total, size) => total * size, 1)
}

/** Code-point order of UTF-16 units: the same on every machine, unlike a locale's. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
