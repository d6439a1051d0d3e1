/** A capture at a picture size, as the benches name it: `--resolution 128` picks the rgb/{n}x folder whose pictures are 128 pixels on their longer side. */

import { readIndex, readJson } from '../src/capture/nerfies.ts'
import { openSource } from '../src/io/files.ts'
import { type Capture, cameraFromJson, loadCapture } from '../src/node.ts'

/** Without a resolution, the largest pictures there are. Throws when the size is not a whole part of the camera files' size. */
export async function captureAt(path: string, resolution?: number): Promise<Capture> {
  if (resolution === undefined) return await loadCapture(path)
  const source = await openSource(path)
  const [first] = (await readIndex(source)).frames.keys()
  const file = `camera/${first}.json`
  const largest = Math.max(...cameraFromJson(await readJson(source, file), source.describe(file)).imageSize)
  const downscale = largest / resolution
  if (!Number.isInteger(downscale)) throw new Error(`${path}: the pictures are ${largest} pixels, not a multiple of --resolution ${resolution}`)
  return await loadCapture(path, { downscale })
}
