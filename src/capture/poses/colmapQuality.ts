/** How good a reconstruction is, from the sizes in its binary files. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface ModelQuality {
  /** Pictures with a pose. */
  registered: number
  points: number
  /** Sightings of points. */
  observations: number
  /** Mean distance between where a point is seen and where it should be, px; over the observations. */
  error: number
  /** px, of the first camera. */
  focalLength: number
}

/** Reads it, or undefined where the folder holds no whole model. */
export async function modelQuality(folder: string): Promise<ModelQuality | undefined> {
  const [images, points, cameras] = await Promise.all(
    ['images.bin', 'points3D.bin', 'cameras.bin'].map(name => readFile(join(folder, name)).catch(() => undefined)),
  )
  // number of cameras, then id, model, width, height (28 bytes in all) and the parameters, focal length first
  if (!images || !points || !cameras || images.length < 8 || points.length < 8 || cameras.length < 40) return undefined
  const count = Number(points.readBigUInt64LE(0))
  let observations = 0
  let error = 0
  // id, x, y, z (doubles), r, g, b, error (double), length of the track, and 8 bytes for each sighting
  for (let i = 0, at = 8; i < count && at + 51 <= points.length; i++) {
    const length = Number(points.readBigUInt64LE(at + 43))
    observations += length
    error += length * points.readDoubleLE(at + 35)
    at += 51 + 8 * length
  }
  return {
    registered: Number(images.readBigUInt64LE(0)),
    points: count,
    observations,
    error: observations > 0 ? error / observations : Number.POSITIVE_INFINITY,
    focalLength: cameras.readDoubleLE(32),
  }
}
