/**
 * The common middle of every import: each format becomes one `ImportedCapture`, and `writeCapture` makes a `.capture` folder of it.
 * Plain data; pictures are decoded when the writer asks for them, one frame after the other, so that no import holds more than a few.
 */
import type { Camera } from '../camera/camera.ts'
import type { Vector3 } from '../camera/vector.ts'
import type { WideLens } from '../camera/wideLens.ts'
import type { FileSource } from '../io/files.ts'
import type { Image } from '../io/imageCodec.ts'

/**
 * Where a picture or a mask comes from. The writer asks for every picture once, in the order of `ImportedCapture.frames`
 * (a mask right after its picture), so `decode` may run through a video. 'pixels' are 8-bit sRGB and upright as the camera sees them.
 */
export type ImportedImage =
  | { kind: 'file'; source: FileSource; path: string }
  | { kind: 'pixels' /** What errors call it. */; name: string; decode(): Promise<Image> }

/** A picture with what is known about it. */
export interface ImportedFrame {
  /** Unique and safe as a file name: no slash, no extension (`frameIds` makes such names). */
  id: string
  /**
   * World units, any world frame; intrinsics in px of the picture as `imageSize` says. Distortion that `Camera` can express stays in it and
   * training casts exact distorted rays: the pixels are not touched. Absent: not known yet; `writeCapture` refuses such frames by name.
   */
  camera?: Camera
  /** Set when the lens is none that `Camera` knows: `camera` then has no distortion, and the pictures are resampled to a pinhole. */
  lens?: WideLens
  image: ImportedImage
  /** Coverage of the person, white = person; any size of the picture's shape. A picture's alpha serves where there is none. */
  mask?: ImportedImage
  /** Instant of the picture in any unit; frames of one instant share their latent code. Absent: the order of the frames. */
  time?: number
  /** Row of the latent code, where the source knows it. Give it for all frames or for none. */
  code?: number
  split: 'train' | 'val'
}

/** What was read of a data set, before it becomes a capture. */
export interface ImportedCapture {
  name: string
  /** The format it came from, for capture.json and messages: 'transforms', 'colmap', 'video', … */
  format: string
  frames: ImportedFrame[]
  /** [n, 3] static background points, world units. */
  points?: Float32Array
  /** Set when `points` may lie on the person too, as structure from motion without masks leaves them; those that the masks show to are left out. */
  hasMixedPoints?: boolean
  /** World point that becomes the origin, and scene units per world unit; chosen from cameras and points when absent. */
  center?: Vector3
  scale?: number
  /** Bounds along a ray in **world** units, 0 <= near < far; chosen from cameras and points when absent. */
  near?: number
  far?: number
  /** Set when nothing in the scene moves: every frame gets code 0. */
  isStatic?: boolean
  /** What was skipped, guessed or repaired, one sentence each. */
  warnings: string[]
  /** Further facts for capture.json, such as how the poses were found. */
  about?: Record<string, unknown>
}
