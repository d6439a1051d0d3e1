/** Intrinsics of transforms.json: nerfstudio's camera models, instant-ngp's coefficients, Blender's angle of view. */
import type { Camera } from '../camera/camera.ts'
import type { WideLens } from '../camera/wideLens.ts'

export interface Lens {
  lens?: WideLens
}

type Intrinsics = Omit<Camera, 'orientation' | 'position' | 'imageSize'>

/** Models without distortion, models whose coefficients `Camera` has, and fisheyes. */
const PINHOLES = ['PINHOLE', 'SIMPLE_PINHOLE', 'PERSPECTIVE']
const BROWN = ['OPENCV', 'SIMPLE_RADIAL', 'RADIAL']
const FISHEYES = ['OPENCV_FISHEYE', 'SIMPLE_RADIAL_FISHEYE', 'RADIAL_FISHEYE']

/**
 * Reads focal lengths (fl_x, fl_y, or camera_angle_x, camera_angle_y, or instant-ngp's x_fov, y_fov in degrees), principal point (the middle by default) and distortion. `number` looks a field up; `note` hears of repairs.
 * Throws for camera models that are no pinhole with distortion (EQUIRECTANGULAR, …) by name, and when neither focal length nor angle is given.
 */
export function lensOf(
  number: (name: string) => number | undefined,
  model: string | undefined,
  isFisheye: boolean,
  [width, height]: readonly [number, number],
  where: string,
  note: (text: string) => void,
): { intrinsics: Intrinsics; lens: Lens } {
  const kind = model?.toUpperCase() ?? (isFisheye ? 'OPENCV_FISHEYE' : 'OPENCV')
  const known = [...PINHOLES, ...BROWN, ...FISHEYES]
  if (!known.includes(kind))
    throw new Error(`${where}: camera_model "${model}" is not supported; undistort the pictures to one of ${known.join(', ')}`)
  const angle = (name: string, pixels: number): number | undefined => {
    const radians = number(name)
    if (radians === undefined) return undefined
    if (!(radians > 0 && radians < Math.PI)) throw new Error(`${where}: "${name}" is ${radians}; it must be an angle between 0 and pi in radians`)
    return (0.5 * pixels) / Math.tan(0.5 * radians)
  }
  const degrees = (name: string, pixels: number): number | undefined => {
    const value = number(name)
    if (value === undefined) return undefined
    if (!(value > 0 && value < 180)) throw new Error(`${where}: "${name}" is ${value}; it must be an angle between 0 and 180 degrees`)
    return (0.5 * pixels) / Math.tan((0.5 * value * Math.PI) / 180)
  }
  const wide = angle('camera_angle_x', width) ?? degrees('x_fov', width)
  const high = angle('camera_angle_y', height) ?? degrees('y_fov', height)
  const focalX = number('fl_x') ?? wide ?? number('fl_y') ?? high
  if (focalX === undefined) throw new Error(`${where}: neither "fl_x" nor "camera_angle_x" is there; one of them must give the focal length`)
  const focalY = number('fl_y') ?? (number('fl_x') === undefined ? high : undefined) ?? focalX
  for (const [name, value] of [['fl_x', focalX] as const, ['fl_y', focalY] as const]) {
    if (!(value > 0)) throw new Error(`${where}: "${name}" is ${value}; it must be a positive number of pixels`)
  }
  const intrinsics: Intrinsics = {
    focalLength: focalX,
    pixelAspectRatio: focalY / focalX,
    principalPoint: [number('cx') ?? width / 2, number('cy') ?? height / 2],
    skew: number('skew') ?? 0,
    radialDistortion: [0, 0, 0],
    tangentialDistortion: [0, 0],
  }
  const [k1, k2, k3, k4, p1, p2] = ['k1', 'k2', 'k3', 'k4', 'p1', 'p2'].map(name => number(name) ?? 0)
  if (PINHOLES.includes(kind) && [k1, k2, k3, k4, p1, p2].some(value => value !== 0))
    note(`${where}: camera_model "${model}" has distortion; it is taken as OPENCV, as nerfstudio and instant-ngp do`)
  if (FISHEYES.includes(kind)) return { intrinsics, lens: { lens: { kind: 'fisheye', radial: [k1, k2, k3, k4] } } }
  if (k4 !== 0)
    throw new Error(
      `${where}: "k4" is ${k4}, which the model ${kind} does not have here; calibrate with k1, k2, k3, p1, p2, or undistort the pictures`,
    )
  return { intrinsics: { ...intrinsics, radialDistortion: [k1, k2, k3], tangentialDistortion: [p1, p2] }, lens: {} }
}
