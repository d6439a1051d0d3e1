/** Where an edit may act: a part of the face by its name, or what was painted on it. */
import { type AnchorCodes, type FaceRegion, markedSurface, pointRegion } from 'faceclipnerf'
import type { EditRequest, PaintedPoints, Requests } from '../protocol/messages.ts'
import { strokeMask } from '../protocol/stroke.ts'
import { cameraAt } from './cameras.ts'
import { ownFaceCodes } from './faceCodes.ts'
import type { Session } from './session.ts'

/** px along the longer edge: finer than the parts that a region is made of. */
const SIDE = 128

/** The region of a request; undefined where all may change. Throws where anchors do not show the face, and when nothing is painted. */
export async function regionOf(
  session: Session,
  { region, painted }: Pick<EditRequest, 'region' | 'painted'>,
  anchors: AnchorCodes,
): Promise<FaceRegion | undefined> {
  if (painted) return pointRegion(painted, 'painted area')
  return region === undefined ? undefined : await session.region(region, anchors)
}

/** The points of a face under a stroke over its picture. */
export async function paintedPoints(session: Session, { pose, face, stroke }: Requests['paint']['request']): Promise<PaintedPoints> {
  const { scene } = session
  const camera = cameraAt(scene, pose, SIDE)
  const mask = strokeMask(stroke, ...camera.imageSize)
  using codes = await ownFaceCodes(session, [face])
  const { points } = await markedSurface(scene, mask, camera, { codes: codes.of(face), name: 'of the brush' })
  const [x, y, z] = pose.position
  const away = Math.hypot(points[0] - x, points[1] - y, points[2] - z) || 0
  return { points: Float32Array.from(points), along: pose.orientation[2], spacing: away / camera.focalLength }
}
