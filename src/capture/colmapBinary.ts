/** cameras.bin, images.bin and points3D.bin of COLMAP (little-endian; its src/colmap/scene/reconstruction_io). */
import { COLMAP_MODELS } from './colmapCamera.ts'
import type { ColmapCamera, ColmapImage } from './colmapModel.ts'

/** Reads a binary file front to back; every error says what was being read. */
class Cursor {
  private readonly view: DataView
  private at = 0
  private readonly bytes: Uint8Array
  private readonly name: string

  constructor(bytes: Uint8Array, name: string) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.bytes = bytes
    this.name = name
  }

  u8 = (): number => this.take(1, at => this.view.getUint8(at))
  u32 = (): number => this.take(4, at => this.view.getUint32(at, true))
  i32 = (): number => this.take(4, at => this.view.getInt32(at, true))
  f64 = (): number => this.take(8, at => this.view.getFloat64(at, true))
  u64 = (): number => this.take(8, at => Number(this.view.getBigUint64(at, true)))
  f64s = (count: number): number[] => Array.from({ length: count }, this.f64)

  /** A count that cannot be larger than the rest of the file, at `least` bytes each. */
  count(what: string, least: number): number {
    const count = this.u64()
    if (count * least > this.bytes.length - this.at)
      throw new Error(`${this.name}: says it holds ${count} ${what}, which its ${this.bytes.length} bytes cannot; copy or export the file again`)
    return count
  }

  text(): string {
    const end = this.bytes.indexOf(0, this.at)
    if (end < 0) throw this.cut()
    const text = new TextDecoder().decode(this.bytes.subarray(this.at, end))
    this.at = end + 1
    return text
  }

  skip(size: number): void {
    if (this.at + size > this.bytes.length) throw this.cut()
    this.at += size
  }

  private take<T>(size: number, read: (at: number) => T): T {
    if (this.at + size > this.bytes.length) throw this.cut()
    this.at += size
    return read(this.at - size)
  }

  private cut(): Error {
    return new Error(`${this.name}: cut off after ${this.bytes.length} bytes; copy or export the file again`)
  }
}

export function parseCamerasBinary(bytes: Uint8Array, name: string): Map<number, ColmapCamera> {
  const cursor = new Cursor(bytes, name)
  const count = cursor.count('cameras', 24)
  const cameras = new Map<number, ColmapCamera>()
  for (let i = 0; i < count; i++) {
    const id = cursor.u32()
    const modelId = cursor.i32()
    const model = COLMAP_MODELS.find(one => one.id === modelId)
    if (!model)
      throw new Error(`${name}: camera ${id} has the model number ${modelId}, which is not known; undistort with colmap image_undistorter first`)
    const [width, height] = [cursor.u64(), cursor.u64()]
    cameras.set(id, { id, model: model.name, width, height, params: cursor.f64s(model.params.length) })
  }
  return cameras
}

export function parseImagesBinary(bytes: Uint8Array, name: string): ColmapImage[] {
  const cursor = new Cursor(bytes, name)
  const count = cursor.count('images', 73)
  return Array.from({ length: count }, () => {
    const id = cursor.u32()
    const [w, x, y, z, tx, ty, tz] = cursor.f64s(7)
    const cameraId = cursor.u32()
    const imageName = cursor.text()
    cursor.skip(24 * cursor.count('observations', 24)) // x, y and the point of each
    return { id, rotation: [w, x, y, z], translation: [tx, ty, tz], cameraId, name: imageName }
  })
}

export function parsePointsBinary(bytes: Uint8Array, name: string): Float32Array {
  const cursor = new Cursor(bytes, name)
  const count = cursor.count('points', 51)
  const points = new Float32Array(count * 3)
  for (let i = 0; i < count; i++) {
    cursor.skip(8) // id
    points.set(cursor.f64s(3), 3 * i)
    cursor.skip(3 + 8) // colour, error
    cursor.skip(8 * cursor.count('track entries', 8))
  }
  return finitePoints(points)
}

/** Without points that are not finite. */
export function finitePoints(points: Float32Array): Float32Array {
  if (points.every(Number.isFinite)) return points
  const kept: number[] = []
  for (let i = 0; i < points.length; i += 3) {
    const point = points.subarray(i, i + 3)
    if (point.every(Number.isFinite)) kept.push(...point)
  }
  return Float32Array.from(kept)
}
