/** What is painted, as the present camera sees it, on a canvas over the picture. */
import type { Pose, SceneInfo, Vector } from '../protocol/messages.ts'
import type { Place, Stroke } from '../protocol/stroke.ts'
import { projector } from './projection.ts'
import type { RegionBrush } from './regionBrush.ts'

/** Its canvas is shown half transparent. */
const TINT = '#ff7a1a'
/** A point's disc over the distance of points: they have to meet at the corners of their grid. */
const DISC = 0.85

/** Draws all of it. @param pointer where the brush is, if it is over the picture. */
export function drawBrush(context: CanvasRenderingContext2D, brush: RegionBrush, scene: SceneInfo, pose: Pose, pointer: Place | undefined): void {
  const { width, height } = context.canvas
  const long = Math.max(width, height)
  const { painted, waiting, radius, erases } = brush.state()
  context.clearRect(0, 0, width, height)
  context.fillStyle = TINT
  context.strokeStyle = TINT
  const project = projector(scene, pose)
  const pixels = (width * pose.zoom) / (2 * scene.halfView[0])
  context.beginPath()
  for (const { points, spacing } of painted) {
    for (let i = 0; i < points.length; i += 3) {
      const point: Vector = [points[i], points[i + 1], points[i + 2]]
      const seen = project(point)
      if (!seen) continue
      const [x, y] = [seen.at[0] * width, seen.at[1] * height]
      const disc = Math.max(1, (DISC * spacing * pixels) / seen.depth)
      context.moveTo(x + disc, y)
      context.arc(x, y, disc, 0, 2 * Math.PI)
    }
  }
  context.fill()
  for (const stroke of waiting) line(context, stroke, long)
  const { stroke } = brush
  if (stroke) {
    context.globalCompositeOperation = stroke.erases ? 'destination-out' : 'source-over'
    line(context, stroke, long)
    context.globalCompositeOperation = 'source-over'
  }
  if (pointer) ring(context, pointer, radius * long, stroke?.erases ?? erases)
}

function line(context: CanvasRenderingContext2D, { path, radius }: Stroke, long: number): void {
  const { width, height } = context.canvas
  context.lineWidth = 2 * radius * long
  context.lineCap = 'round'
  context.lineJoin = 'round'
  context.beginPath()
  const [[x, y]] = path
  context.moveTo(x * width, y * height)
  // A line of no length has no round ends.
  context.lineTo(x * width + 0.01, y * height)
  for (const [toX, toY] of path.slice(1)) context.lineTo(toX * width, toY * height)
  context.stroke()
}

/** The brush's rim, dark on light and light on dark; broken where it erases. */
function ring(context: CanvasRenderingContext2D, [x, y]: Place, radius: number, erases: boolean): void {
  const { width, height } = context.canvas
  const thin = Math.max(1, Math.max(width, height) / 500)
  if (erases) context.setLineDash([4 * thin, 4 * thin])
  for (const [color, wide] of [
    ['#000', 3 * thin],
    ['#fff', 1.5 * thin],
  ] as const) {
    context.strokeStyle = color
    context.lineWidth = wide
    context.beginPath()
    context.arc(x * width, y * height, radius, 0, 2 * Math.PI)
    context.stroke()
  }
  context.setLineDash([])
}
