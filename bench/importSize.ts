/** Time and memory of importing 300 pictures of 1080p: `npx tsx bench/importSize.ts [frames] [size ...]`. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { openDataset, writeCapture } from '../src/node.ts'

const frames = Number(process.argv[2] ?? 300)
const sizes = process.argv.length > 3 ? process.argv.slice(3).map(Number) : [640, 0]
const [width, height] = [1920, 1080]
const folder = await mkdtemp(join(tmpdir(), 'faceclipnerf-size-'))
try {
  // photographs compress to about 0.7 MB: noise on a gradient does too
  const noise = Buffer.from(Uint8Array.from({ length: width * height * 3 }, (_, i) => 100 + ((i / (width * 36)) % 90) + ((i * 2654435761) >>> 28)))
  const jpeg = await sharp(noise, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer()
  const angle = (i: number): number => (i / frames - 0.5) * 1.2
  const list = Array.from({ length: frames }, (_, i) => {
    const [s, c] = [Math.sin(angle(i)), Math.cos(angle(i))]
    return {
      file_path: `${i}.jpg`,
      transform_matrix: [
        [c, 0, s, 2 * s],
        [0, 1, 0, 0],
        [-s, 0, c, 2 * c],
        [0, 0, 0, 1],
      ],
    }
  })
  for (const { file_path } of list) await writeFile(join(folder, file_path), jpeg)
  for (const more of [{ k1: 0.01 }, { camera_model: 'OPENCV_FISHEYE', k1: 0.01 }]) {
    await writeFile(join(folder, 'transforms.json'), JSON.stringify({ w: width, h: height, fl_x: 1500, ...more, frames: list }))
    for (const size of sizes) {
      const start = performance.now()
      let bytes = 0
      const { imported } = await openDataset(join(folder, 'transforms.json'))
      for await (const step of writeCapture(imported, join(folder, 'out.capture'), { size, overwrite: true })) bytes = step.bytes
      const seconds = (performance.now() - start) / 1000
      const kind = 'camera_model' in more ? 'fisheye' : 'OPENCV'
      console.log(
        `${frames} x ${width}x${height} ${kind}, JPEG of ${(jpeg.length / 1e6).toFixed(2)} MB, size ${size}: ${seconds.toFixed(1)} s, peak so far ${(process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)} GiB, wrote ${(bytes / 1e6).toFixed(0)} MB`,
      )
    }
  }
} finally {
  await rm(folder, { recursive: true })
}
