/** A picture as colours of the host, in whichever mode: whole, or strip by strip while somebody wants it. */
import type { Camera, HostPixels, Renderer } from 'faceclipnerf'
import type { View } from '../protocol/messages.ts'
import { colorPixels, depthPixels, ratioPixels } from './heatMap.ts'
import { renderTiled } from './tiles.ts'

/** Undefined as soon as `goesOn` says so. @param goesOn absent for a picture that is drawn whole */
export async function hostPicture(
  renderer: Renderer,
  camera: Camera,
  { mode, anchor }: Pick<View, 'mode' | 'anchor'>,
  goesOn?: () => boolean,
): Promise<HostPixels | undefined> {
  const image = goesOn ? await renderTiled(renderer, camera, goesOn) : await renderer.render(camera)
  if (!image) return undefined
  if (mode === 'color') return colorPixels(image)
  return mode === 'depth' ? depthPixels(image) : ratioPixels(image, anchor)
}
