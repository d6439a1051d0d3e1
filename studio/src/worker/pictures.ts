/** Pictures to keep: the view as it is, at a size of one's own, as a PNG. */
import { createRenderer, encodePng, type Image, type RenderedImage, tagImage, toImage } from 'faceclipnerf'
import type { Face, Thumbnail, View } from '../protocol/messages.ts'
import { cameraAt } from './cameras.ts'
import { ownFaceCodes } from './faceCodes.ts'
import { colorPixels, depthPixels, inRows, ratioPixels, sideBySide } from './heatMap.ts'
import type { Session } from './session.ts'
import { about } from './takeOut.ts'

/** The picture of a view, `side` px along the longer edge, as PNG bytes that say what they show. Modes and a comparison are in it as on the screen. */
export async function viewPng(session: Session, view: View, side: number): Promise<Uint8Array> {
  return tagImage(await encodedView(session, view, side), about(session, view.face))
}

async function encodedView(session: Session, view: View, side: number): Promise<Uint8Array> {
  if (view.grid) {
    const pictures: Thumbnail[] = []
    for (const face of view.grid.faces) {
      const picture = await renderFace(session, face, view, side)
      pictures.push(view.mode === 'depth' ? depthPixels(picture) : colorPixels(picture))
    }
    return await encodePng(opaque(inRows(pictures, view.grid.columns)))
  }
  const picture = await renderFace(session, view.face, view, side)
  if (view.mode === 'depth') return await encodePng(opaque(depthPixels(picture)))
  if (view.mode === 'acr' && picture.channelCount > 0) return await encodePng(opaque(ratioPixels(picture, view.anchor)))
  if (!view.compare) return await encodePng(toImage(picture))
  const left = await renderFace(session, view.compare.face, view, side)
  return await encodePng(opaque(sideBySide(colorPixels(left), colorPixels(picture), view.compare.split)))
}

async function renderFace(session: Session, face: Face, { pose, mode }: View, side: number): Promise<RenderedImage> {
  const { scene, edits } = session
  using codes = await ownFaceCodes(session, [face])
  const channels = mode === 'acr' && face.edit !== undefined ? edits.get(face.edit)?.compositor?.ratios : undefined
  const recorded = face.frame === undefined ? undefined : session.recorded.get(face.frame)
  using renderer = createRenderer(scene, recorded ?? codes.of(face), { channels, warp: recorded })
  return await renderer.render(cameraAt(scene, pose, side))
}

function opaque({ width, height, data }: Thumbnail): Image {
  const rgb = new Uint8Array(width * height * 3)
  for (let i = 0; i < width * height; i++) rgb.set(data.subarray(4 * i, 4 * i + 3), 3 * i)
  return { width, height, channels: 3, data: rgb }
}
