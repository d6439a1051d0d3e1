/** Mouse, pen and fingers on the picture: one turns, two (or the right or middle button, or Shift) pan, wheel and pinch go nearer. */
import type { OrbitControls } from './orbitControls.ts'

/** Radians for a drag over the picture's whole width. */
const TURN = 2.4
const WHEEL = 1.0015

interface Finger {
  x: number
  y: number
}

/** Follows pointers on `element`. Returns what ends it. */
export function followPointers(element: HTMLElement, move: (how: (camera: OrbitControls, viewWidth: number) => void) => void): () => void {
  const fingers = new Map<number, Finger>()
  let pans = false
  const ended = new AbortController()
  const options = { signal: ended.signal }

  element.addEventListener(
    'pointerdown',
    event => {
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY })
      pans = event.button === 1 || event.button === 2 || event.shiftKey
      element.setPointerCapture(event.pointerId)
      element.focus({ preventScroll: true })
    },
    options,
  )
  element.addEventListener(
    'pointermove',
    event => {
      const finger = fingers.get(event.pointerId)
      if (!finger) return
      const { width } = element.getBoundingClientRect()
      const [dx, dy] = [(event.clientX - finger.x) / width, (event.clientY - finger.y) / width]
      const others = [...fingers].filter(([id]) => id !== event.pointerId)
      if (others.length > 0) {
        const [, other] = others[0]
        const before = Math.hypot(finger.x - other.x, finger.y - other.y)
        const after = Math.hypot(event.clientX - other.x, event.clientY - other.y)
        move((camera, viewWidth) => {
          if (before > 0 && after > 0) camera.dolly(before / after)
          camera.pan(dx / 2, dy / 2, viewWidth)
        })
      } else move((camera, viewWidth) => (pans ? camera.pan(dx, dy, viewWidth) : camera.rotate(-dx * TURN, dy * TURN)))
      finger.x = event.clientX
      finger.y = event.clientY
    },
    options,
  )
  for (const type of ['pointerup', 'pointercancel'] as const) element.addEventListener(type, event => fingers.delete(event.pointerId), options)
  // what lies over the picture, such as the slider of before and after, leaves it the wheel
  const wheeled = element.parentElement ?? element
  wheeled.addEventListener(
    'wheel',
    event => {
      event.preventDefault()
      const lines = event.deltaMode === 1 ? 16 : 1
      // A pinch on a touchpad comes as a wheel with Ctrl, in smaller steps.
      move(camera => camera.dolly(WHEEL ** (event.deltaY * lines * (event.ctrlKey ? 6 : 1))))
    },
    { ...options, passive: false },
  )
  element.addEventListener('contextmenu', event => event.preventDefault(), options)
  return () => ended.abort()
}
