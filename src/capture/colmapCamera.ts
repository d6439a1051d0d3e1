/** COLMAP's camera models as ours: exact in `Camera` where that can say them, else with the lens apart. */
import type { Camera } from '../camera/camera.ts'
import type { WideLens } from '../camera/wideLens.ts'
import type { ColmapCamera } from './colmapModel.ts'

/** Number, name and parameters of each model, in COLMAP's order (its src/colmap/sensor/models.h). */
export const COLMAP_MODELS: readonly { id: number; name: string; params: readonly string[] }[] = [
  [0, 'SIMPLE_PINHOLE', 'f cx cy'] as const,
  [1, 'PINHOLE', 'fx fy cx cy'] as const,
  [2, 'SIMPLE_RADIAL', 'f cx cy k1'] as const,
  [3, 'RADIAL', 'f cx cy k1 k2'] as const,
  [4, 'OPENCV', 'fx fy cx cy k1 k2 p1 p2'] as const,
  [5, 'OPENCV_FISHEYE', 'fx fy cx cy k1 k2 k3 k4'] as const,
  [6, 'FULL_OPENCV', 'fx fy cx cy k1 k2 p1 p2 k3 k4 k5 k6'] as const,
  [7, 'FOV', 'fx fy cx cy omega'] as const,
  [8, 'SIMPLE_RADIAL_FISHEYE', 'f cx cy k1'] as const,
  [9, 'RADIAL_FISHEYE', 'f cx cy k1 k2'] as const,
  [10, 'THIN_PRISM_FISHEYE', 'fx fy cx cy k1 k2 p1 p2 k3 k4 sx1 sy1'] as const,
  [11, 'RAD_TAN_THIN_PRISM_FISHEYE', 'fx fy cx cy k0 k1 k2 k3 k4 k5 p0 p1 s0 s1 s2 s3'] as const,
].map(([id, name, params]) => ({ id, name, params: params.split(' ') }))

const FISHEYES = ['OPENCV_FISHEYE', 'SIMPLE_RADIAL_FISHEYE', 'RADIAL_FISHEYE', 'THIN_PRISM_FISHEYE']

/** Throws, naming the model, when it has no pinhole and distortion form here, or its numbers make no sense. */
export function fromColmapCamera(
  { id, model, width, height, params }: ColmapCamera,
  where: string,
): { camera: Omit<Camera, 'orientation' | 'position'>; lens?: WideLens } {
  const fields = COLMAP_MODELS.find(one => one.name === model)?.params
  if (!fields || model === 'RAD_TAN_THIN_PRISM_FISHEYE')
    throw new Error(`${where}: camera ${id} has the model ${model}, which is not supported; undistort with colmap image_undistorter first`)
  if (params.length !== fields.length)
    throw new Error(
      `${where}: camera ${id} has ${params.length} parameters, ${model} has ${fields.length} (${fields.join(', ')}); export the model again`,
    )
  const p: Record<string, number> = Object.fromEntries(fields.map((field, i) => [field, params[i]]))
  const bad = fields.find(field => !Number.isFinite(p[field]))
  if (bad) throw new Error(`${where}: camera ${id} has ${bad} = ${p[bad]}; export the model again`)
  const [fx, fy] = [p.fx ?? p.f, p.fy ?? p.f]
  if (!(fx > 0 && fy > 0 && width > 0 && height > 0))
    throw new Error(
      `${where}: camera ${id} has focal lengths ${fx}, ${fy} and size ${width}x${height}; they must be positive, export the model again`,
    )
  const camera = {
    focalLength: fx,
    pixelAspectRatio: fy / fx,
    principalPoint: [p.cx, p.cy] as [number, number],
    skew: 0,
    radialDistortion: [0, 0, 0] as [number, number, number],
    tangentialDistortion: [0, 0] as [number, number],
    imageSize: [width, height] as [number, number],
  }
  const { k1 = 0, k2 = 0, k3 = 0, k4 = 0, k5 = 0, k6 = 0, p1 = 0, p2 = 0 } = p
  if (model === 'FOV') return { camera, lens: { kind: 'fov', omega: p.omega } }
  if (FISHEYES.includes(model)) {
    const prism = model === 'THIN_PRISM_FISHEYE' ? ({ tangential: [p1, p2], thinPrism: [p.sx1, p.sy1] } as const) : {}
    return { camera, lens: { kind: 'fisheye', radial: [k1, k2, k3, k4], ...prism } }
  }
  // FULL_OPENCV without its denominator is what Camera has
  if (k4 !== 0 || k5 !== 0 || k6 !== 0)
    return { camera, lens: { kind: 'rational', numerator: [k1, k2, k3], denominator: [k4, k5, k6], tangential: [p1, p2] } }
  return { camera: { ...camera, radialDistortion: [k1, k2, k3], tangentialDistortion: [p1, p2] } }
}
