import { useEffect, useRef, useSyncExternalStore } from 'react'
import type { SceneInfo } from '../protocol/messages.ts'
import type { Place } from '../protocol/stroke.ts'
import { followBrush } from '../viewer/brushInput.ts'
import { drawBrush } from '../viewer/brushOverlay.ts'
import type { Studio } from '../viewer/studio.ts'

/** px along the longer edge of the canvas, at most: it is redrawn with every move. */
const MOST_PIXELS = 1024

/** What is painted, over the picture while the brush is on. */
export function BrushLayer({ studio: { brush, mover }, scene }: { studio: Studio; scene: SceneInfo }) {
  const { on } = useSyncExternalStore(brush.subscribe, brush.state)
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const element = canvas.current
    const context = element?.getContext('2d')
    if (!on || !element || !context) return
    let pointer: Place | undefined
    let wanted = 0
    const redraw = (): void => {
      wanted ||= requestAnimationFrame(() => {
        wanted = 0
        drawBrush(context, brush, scene, mover.pose, pointer)
      })
    }
    const measure = new ResizeObserver(
      ([
        {
          contentRect: { width, height },
        },
      ]) => {
        const factor = Math.min(devicePixelRatio, MOST_PIXELS / Math.max(width, height, 1))
        element.width = Math.round(width * factor)
        element.height = Math.round(height * factor)
        redraw()
      },
    )
    measure.observe(element)
    const stops = [
      brush.subscribe(redraw),
      mover.follow(redraw),
      followBrush(element, brush, place => {
        pointer = place
        redraw()
      }),
    ]
    return () => {
      cancelAnimationFrame(wanted)
      measure.disconnect()
      for (const stop of stops) stop()
    }
  }, [on, brush, mover, scene])
  return on ? <canvas ref={canvas} className="brush-layer" /> : null
}
