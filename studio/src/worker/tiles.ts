/** Pictures in strips: between two of them messages are heard, and a picture that nobody wants any more is left. */
import type { Camera, RenderedImage, Renderer } from 'faceclipnerf'

/** Rays of a strip: some tens of milliseconds on one core, and whole runs of the viewport's plan. */
const RAYS = 2048

/** The whole picture, or undefined as soon as `goesOn` says so. */
export async function renderTiled(renderer: Renderer, camera: Camera, goesOn: () => boolean): Promise<RenderedImage | undefined> {
  const [width, height] = camera.imageSize
  const rows = Math.max(1, Math.floor(RAYS / width))
  const strips: RenderedImage[] = []
  for (let top = 0; top < height; top += rows) {
    if (!goesOn()) return undefined
    const [x, y] = camera.principalPoint
    strips.push(await renderer.render({ ...camera, principalPoint: [x, y - top], imageSize: [width, Math.min(rows, height - top)] }))
    await new Promise(resolve => setTimeout(resolve))
  }
  const joined = (plane: 'rgb' | 'depth' | 'accumulation' | 'channels'): Float32Array => {
    const out = new Float32Array(strips.reduce((sum, strip) => sum + strip[plane].length, 0))
    let at = 0
    for (const strip of strips) {
      out.set(strip[plane], at)
      at += strip[plane].length
    }
    return out
  }
  const [rgb, depth, accumulation, channels] = (['rgb', 'depth', 'accumulation', 'channels'] as const).map(joined)
  return { width, height, rgb, depth, accumulation, channels, channelCount: strips[0].channelCount }
}
