/** Mouse, pen and finger on the brush's canvas: one finger or the left button paints; all else reaches the picture below it, which moves the camera. */
import type { Place } from '../protocol/stroke.ts'
import type { RegionBrush } from './regionBrush.ts'
import { isTyping } from './shortcuts.ts'

/** A step of the brush's size by a key or the wheel. */
const GROWTH = 1.15

/** @param hovers called with the place of the pointer, and with nothing when it leaves. Returns what ends it. */
export function followBrush(element: HTMLElement, brush: RegionBrush, hovers: (place: Place | undefined) => void): () => void {
  const ended = new AbortController()
  const options = { signal: ended.signal }
  const placeOf = ({ clientX, clientY }: PointerEvent): Place => {
    const { left, top, width, height } = element.getBoundingClientRect()
    return [(clientX - left) / width, (clientY - top) / height]
  }
  const sized = (larger: boolean): void => brush.setRadius(brush.state().radius * (larger ? GROWTH : 1 / GROWTH))

  element.addEventListener(
    'pointerdown',
    event => {
      // A second finger turns the face; the first has then not painted.
      if (!event.isPrimary) brush.drop()
      if (!event.isPrimary || event.button !== 0 || event.shiftKey) return
      event.stopPropagation()
      element.setPointerCapture(event.pointerId)
      // The picture's keys go on turning the face.
      element.parentElement?.focus({ preventScroll: true })
      hovers(placeOf(event))
      brush.begin(placeOf(event), event.altKey)
    },
    options,
  )
  element.addEventListener(
    'pointermove',
    event => {
      hovers(placeOf(event))
      if (!brush.stroke || !event.isPrimary) return
      event.stopPropagation()
      brush.move(placeOf(event))
    },
    options,
  )
  element.addEventListener(
    'pointerup',
    event => {
      if (event.isPrimary) void brush.end()
      if (event.pointerType === 'touch') hovers(undefined)
    },
    options,
  )
  element.addEventListener('pointercancel', () => brush.drop(), options)
  element.addEventListener('pointerleave', () => hovers(undefined), options)
  element.addEventListener(
    'wheel',
    event => {
      if (!event.altKey) return
      event.preventDefault()
      event.stopPropagation()
      sized(event.deltaY < 0)
    },
    { ...options, passive: false },
  )
  // Before the page's own keys, which go from camera to camera with [ and ].
  addEventListener(
    'keydown',
    event => {
      if (document.querySelector('dialog[open]') || event.ctrlKey || event.metaKey || isTyping(event.target, event.key)) return
      if (event.key === '[' || event.key === ']') sized(event.key === ']')
      else if (event.key === 'Escape') brush.setOn(false)
      else return
      event.preventDefault()
    },
    { ...options, capture: true },
  )
  return () => ended.abort()
}
