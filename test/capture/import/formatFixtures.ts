/** Small data sets in every format that is imported, made from cameras; each writer here is its own, so that a reader's mistake does not cancel. */
import type { Camera } from '../../../src/camera/camera.ts'
import { type FileTree, mapTree } from '../../../src/io/fileTree.ts'
import { encodePng } from '../../../src/io/imageCodec.ts'

export type Files = Map<string, Uint8Array>

export const text = (value: string): Uint8Array => new TextEncoder().encode(value)
export const json = (value: unknown): Uint8Array => text(JSON.stringify(value))
export const treeOf = (files: Files, name = 'set'): FileTree => mapTree(files, name)

/** A picture of a size whose colours differ by `seed`. */
export function picture(width: number, height: number, { channels = 3, seed = 0 } = {}): Promise<Uint8Array> {
  return encodePng({ width, height, channels, data: Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 7 + seed * 31) & 255) })
}

/** A camera at `position`, turned by a quaternion (w, x, y, z) of any length. */
export function cameraAt(quaternion: readonly number[], position: readonly number[], more: Partial<Camera> = {}): Camera {
  const size = Math.hypot(...quaternion)
  const [w, x, y, z] = quaternion.map(value => value / size)
  return {
    orientation: [
      [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
      [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
      [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ],
    position: [position[0], position[1], position[2]],
    focalLength: 20,
    pixelAspectRatio: 1,
    principalPoint: [6, 4],
    skew: 0,
    radialDistortion: [0, 0, 0],
    tangentialDistortion: [0, 0],
    imageSize: [12, 8],
    ...more,
  }
}

/** Cameras on an arc that look at the origin from distance 2, y up. */
export function arc(count: number, more: Partial<Camera> = {}): Camera[] {
  return Array.from({ length: count }, (_, i) => {
    const angle = count > 1 ? (i / (count - 1) - 0.5) * 1.2 : 0
    const [s, c] = [Math.sin(angle), Math.cos(angle)]
    return {
      ...cameraAt([1, 0, 0, 0], [2 * s, 0, 2 * c], more),
      orientation: [
        [c, 0, -s],
        [0, -1, 0],
        [-s, 0, -c],
      ],
    }
  })
}

/** Camera to world with columns right, up, back. */
export function openGlMatrix({ orientation: [right, down, forward], position }: Camera): number[][] {
  return [0, 1, 2].map(k => [right[k], -down[k], -forward[k], position[k]]).concat([[0, 0, 0, 1]])
}

export const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `frame_${String(i).padStart(3, '0')}`)

export async function addPictures(files: Files, cameras: readonly Camera[], folder = 'images', extension = 'png'): Promise<Files> {
  for (const [i, name] of names(cameras.length).entries()) {
    files.set(`${folder}/${name}.${extension}`, await picture(...cameras[i].imageSize, { seed: i }))
  }
  return files
}

export function transformsOf(
  cameras: readonly Camera[],
  { perFrame = false, more = {} as object, frame = (_: number): object => ({}) } = {},
): object {
  const intrinsics = (c: Camera): object => ({
    fl_x: c.focalLength,
    fl_y: c.focalLength * c.pixelAspectRatio,
    cx: c.principalPoint[0],
    cy: c.principalPoint[1],
    w: c.imageSize[0],
    h: c.imageSize[1],
    k1: c.radialDistortion[0],
    k2: c.radialDistortion[1],
    p1: c.tangentialDistortion[0],
    p2: c.tangentialDistortion[1],
  })
  return {
    camera_model: 'OPENCV',
    ...(perFrame ? {} : intrinsics(cameras[0])),
    ...more,
    frames: names(cameras.length).map((name, i) => ({
      file_path: `images/${name}.png`,
      transform_matrix: openGlMatrix(cameras[i]),
      ...(perFrame && intrinsics(cameras[i])),
      ...frame(i),
    })),
  }
}

/** World-to-camera quaternion (w, x, y, z), by the trace where it is positive, else by the largest diagonal entry. */
export function quaternionOf(m: Camera['orientation']): number[] {
  const trace = m[0][0] + m[1][1] + m[2][2]
  if (trace > 0) {
    const s = 2 * Math.sqrt(1 + trace)
    return [s / 4, (m[2][1] - m[1][2]) / s, (m[0][2] - m[2][0]) / s, (m[1][0] - m[0][1]) / s]
  }
  const i = [0, 1, 2].sort((a, b) => m[b][b] - m[a][a])[0]
  const [j, k] = [(i + 1) % 3, (i + 2) % 3]
  const s = 2 * Math.sqrt(1 + m[i][i] - m[j][j] - m[k][k])
  const q = [(m[k][j] - m[j][k]) / s, 0, 0, 0]
  q[1 + i] = s / 4
  q[1 + j] = (m[j][i] + m[i][j]) / s
  q[1 + k] = (m[k][i] + m[i][k]) / s
  return q
}

export interface ColmapFixture {
  model: string
  modelId: number
  params: readonly number[]
  points?: readonly (readonly number[])[]
  folder?: string
  imageNames?: readonly string[]
}

const translationOf = ({ orientation, position }: Camera): number[] =>
  orientation.map(row => -(row[0] * position[0] + row[1] * position[1] + row[2] * position[2]))

export function colmapText(
  files: Files,
  cameras: readonly Camera[],
  { model, params, points = [], folder = 'sparse/0', imageNames }: ColmapFixture,
): Files {
  const [width, height] = cameras[0].imageSize
  files.set(`${folder}/cameras.txt`, text(`# Camera list\n# Number of cameras: 1\n7 ${model} ${width} ${height} ${params.join(' ')}\n`))
  const images = cameras.map((camera, i) => {
    const name = imageNames?.[i] ?? `${names(cameras.length)[i]}.png`
    // every second image has no observations: an empty line
    return `${i + 1} ${[...quaternionOf(camera.orientation), ...translationOf(camera)].join(' ')} 7 ${name}\n${i % 2 ? '' : '1.5 2.5 -1 3.5 4.5 1'}\n`
  })
  files.set(`${folder}/images.txt`, text(`# Image list with two lines of data per image\n${images.join('')}`))
  files.set(`${folder}/points3D.txt`, text(`# points\n${points.map((p, i) => `${i + 1} ${p.join(' ')} 10 20 30 0.5 1 0 2 1\n`).join('')}`))
  return files
}

class Writer {
  private readonly parts: number[] = []
  private put(size: number, write: (view: DataView) => void): this {
    const view = new DataView(new ArrayBuffer(size))
    write(view)
    this.parts.push(...new Uint8Array(view.buffer))
    return this
  }
  u8 = (...values: number[]): this => values.reduce((self: this, v) => self.put(1, view => view.setUint8(0, v)), this)
  u32 = (...values: number[]): this => values.reduce((self: this, v) => self.put(4, view => view.setUint32(0, v, true)), this)
  u64 = (...values: number[]): this => values.reduce((self: this, v) => self.put(8, view => view.setBigUint64(0, BigInt(v), true)), this)
  f64 = (...values: number[]): this => values.reduce((self: this, v) => self.put(8, view => view.setFloat64(0, v, true)), this)
  text = (value: string): this => this.u8(...text(value), 0)
  bytes = (): Uint8Array => Uint8Array.from(this.parts)
}

export function colmapBinary(
  files: Files,
  cameras: readonly Camera[],
  { modelId, params, points = [], folder = 'sparse/0', imageNames }: ColmapFixture,
): Files {
  const [width, height] = cameras[0].imageSize
  files.set(
    `${folder}/cameras.bin`,
    new Writer()
      .u64(1)
      .u32(7, modelId)
      .u64(width, height)
      .f64(...params)
      .bytes(),
  )
  const images = new Writer().u64(cameras.length)
  for (const [i, camera] of cameras.entries()) {
    images
      .u32(i + 1)
      .f64(...quaternionOf(camera.orientation), ...translationOf(camera))
      .u32(7)
    images.text(imageNames?.[i] ?? `${names(cameras.length)[i]}.png`).u64(i % 3)
    for (let k = 0; k < i % 3; k++) images.f64(1.5, 2.5).u64(k)
  }
  files.set(`${folder}/images.bin`, images.bytes())
  const cloud = new Writer().u64(points.length)
  for (const [i, point] of points.entries())
    cloud
      .u64(i)
      .f64(...point)
      .u8(1, 2, 3)
      .f64(0.5)
      .u64(1)
      .u32(1, 0)
  files.set(`${folder}/points3D.bin`, cloud.bytes())
  return files
}

/** A .npy of '<f8'. */
export function npyDoubles(shape: readonly number[], values: readonly number[]): Uint8Array {
  const header = `{'descr': '<f8', 'fortran_order': False, 'shape': (${shape.join(', ')}), }\n`
  const bytes = new Uint8Array(10 + header.length + 8 * values.length)
  bytes.set([0x93, ...text('NUMPY'), 1, 0, header.length, 0, ...text(header)])
  const view = new DataView(bytes.buffer, 10 + header.length)
  values.forEach((value, i) => {
    view.setFloat64(8 * i, value, true)
  })
  return bytes
}

/** poses_bounds.npy: columns down, right, back, position, (height, width, focal); near and far. */
export function llffRows(cameras: readonly Camera[], near: number, far: number): number[] {
  return cameras.flatMap(({ orientation: [right, down, forward], position, imageSize, focalLength }) => {
    const last = [imageSize[1], imageSize[0], focalLength]
    return [...[0, 1, 2].flatMap(k => [down[k], right[k], -forward[k], position[k], last[k]]), near, far]
  })
}
