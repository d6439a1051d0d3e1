import { determinant, dot, type Matrix3, multiply, subtract, type Vector3 } from './vector.ts'

/**
 * A camera, in the one convention of this library: OpenCV axes (+x right, +y down, +z forward), pixel centres at +0.5.
 *
 * `orientation` rows are the camera's right, down and forward axes in the world, so `orientation · (p - position)` is p in camera axes
 * and `orientationᵀ` with `position` is world-from-camera. The fields and their meaning are those of a Nerfies camera file.
 * Lens: x_d = x · (1 + k₁r² + k₂r⁴ + k₃r⁶) + 2p₁xy + p₂(r² + 2x²), y_d alike with p₁ and p₂ exchanged.
 */
export interface Camera {
  orientation: Matrix3
  /** Camera centre in the world (or in scene units after `toScene`). */
  position: Vector3
  /** px, along x. */
  focalLength: number
  /** px, from the image's top left corner. */
  principalPoint: [number, number]
  /** px. */
  skew: number
  /** Focal length along y over the one along x. */
  pixelAspectRatio: number
  /** k₁, k₂, k₃. */
  radialDistortion: Vector3
  /** p₁, p₂. */
  tangentialDistortion: [number, number]
  /** Width, height in px. */
  imageSize: [number, number]
}

/** How far the rows of an orientation may be from orthonormal: pose files carry five or more digits, a wrong matrix is off by far more. */
const ORTHONORMAL_TOLERANCE = 1e-3

/**
 * Read a Nerfies camera JSON (already parsed). `tangential` is the legacy name of `tangential_distortion`.
 * Throws, naming `name`, the field and its value, for a missing field, a value that is not finite, an orientation that is not a rotation,
 * or a size or focal length that is not positive.
 */
export function cameraFromJson(json: unknown, name: string): Camera {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new Error(`${name}: not a camera object; write the camera file again`)
  const fields = json as Record<string, unknown>
  const read = (field: string): unknown => {
    if (fields[field] === undefined) throw new Error(`${name}: no "${field}"; add the field (a Nerfies camera file has it)`)
    return fields[field]
  }
  const list = (field: string, size: number): number[] => {
    const value = read(field)
    if (Array.isArray(value) && value.length === size && value.every(Number.isFinite)) return value
    throw new Error(`${name}: "${field}" is ${show(value)}; it must be ${size} finite numbers`)
  }
  const number = (field: string): number => {
    const value = read(field)
    if (typeof value === 'number' && Number.isFinite(value)) return value
    throw new Error(`${name}: "${field}" is ${show(value)}; it must be a finite number`)
  }
  const rows = read('orientation')
  if (!Array.isArray(rows) || rows.length !== 3 || !rows.every(row => Array.isArray(row) && row.length === 3 && row.every(Number.isFinite))) {
    throw new Error(`${name}: "orientation" is ${show(rows)}; it must be three rows of three finite numbers`)
  }
  const legacy = fields.tangential_distortion === undefined && fields.tangential !== undefined
  const camera: Camera = {
    orientation: rows as Matrix3,
    position: list('position', 3) as Vector3,
    focalLength: number('focal_length'),
    principalPoint: list('principal_point', 2) as [number, number],
    skew: number('skew'),
    pixelAspectRatio: number('pixel_aspect_ratio'),
    radialDistortion: list('radial_distortion', 3) as Vector3,
    tangentialDistortion: list(legacy ? 'tangential' : 'tangential_distortion', 2) as [number, number],
    imageSize: list('image_size', 2) as [number, number],
  }
  validateCamera(camera, name)
  return camera
}

/** The Nerfies JSON object of a camera; `cameraFromJson` reads it back. */
export function cameraToJson(camera: Camera): Record<string, unknown> {
  return {
    orientation: camera.orientation,
    position: camera.position,
    focal_length: camera.focalLength,
    principal_point: camera.principalPoint,
    skew: camera.skew,
    pixel_aspect_ratio: camera.pixelAspectRatio,
    radial_distortion: camera.radialDistortion,
    tangential_distortion: camera.tangentialDistortion,
    image_size: camera.imageSize,
  }
}

/** Throw unless every number of the camera is finite, its orientation is a rotation, and its sizes are positive. */
export function validateCamera(camera: Camera, name: string): void {
  for (const [field, value] of Object.entries(camera)) {
    if (![value].flat(2).every(Number.isFinite)) throw new Error(`${name}: "${field}" is ${show(value)}; every number must be finite, redo this pose`)
  }
  const { orientation: rows, focalLength, pixelAspectRatio, imageSize } = camera
  for (let i = 0; i < 3; i++) {
    for (let j = i; j < 3; j++) {
      const product = dot(rows[i], rows[j])
      if (Math.abs(product - (i === j ? 1 : 0)) <= ORTHONORMAL_TOLERANCE) continue
      const problem =
        i === j ? `row ${i} has length ${Math.sqrt(product).toPrecision(6)}` : `rows ${i} and ${j} have product ${product.toPrecision(6)}`
      throw new Error(`${name}: "orientation" ${show(rows)} is not a rotation (${problem}); rows must be orthonormal`)
    }
  }
  if (determinant(rows) < 0) {
    throw new Error(`${name}: "orientation" ${show(rows)} is a mirror image (determinant -1); flip one axis: rows are right, down, forward`)
  }
  if (!(focalLength > 0)) throw new Error(`${name}: focal length is ${focalLength} px; it must be positive`)
  if (!(pixelAspectRatio > 0)) throw new Error(`${name}: pixel aspect ratio is ${pixelAspectRatio}; it must be positive`)
  if (!imageSize.every(size => Number.isInteger(size) && size > 0)) {
    throw new Error(`${name}: image size is [${imageSize}]; width and height must be whole numbers of pixels above 0`)
  }
}

/**
 * The same view at `factor` times the resolution (0.5 halves it); the size is rounded to whole pixels, or given.
 * Skew is in pixels, so it scales too; the original code leaves it, which is only right for skew 0.
 */
export function scaleCamera(camera: Camera, factor: number, imageSize?: [number, number]): Camera {
  if (!(factor > 0 && Number.isFinite(factor))) throw new Error(`scaleCamera: factor is ${factor}; pass a positive number such as 0.5`)
  const [width, height] = camera.imageSize
  return {
    ...camera,
    focalLength: camera.focalLength * factor,
    principalPoint: [camera.principalPoint[0] * factor, camera.principalPoint[1] * factor],
    skew: camera.skew * factor,
    imageSize: imageSize ?? [Math.max(1, Math.round(width * factor)), Math.max(1, Math.round(height * factor))],
  }
}

/** Move a camera from world to scene units, in which near, far and training live: position becomes (position - center) · scale. */
export function toScene(camera: Camera, scale: number, center: Vector3): Camera {
  return { ...camera, position: multiply(subtract(camera.position, center), scale) }
}

/** JSON turns NaN and Infinity into null, which would hide the very value an error has to name. */
function show(value: unknown): string {
  return JSON.stringify(value, (_, item) => (typeof item === 'number' && !Number.isFinite(item) ? String(item) : item)) ?? String(value)
}
