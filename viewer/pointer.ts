/** Mouse, touch, pen and keys on the picture. */

export interface Moves {
  /** By so much of the picture's width, to the right and down. */
  turn(dx: number, dy: number): void
  /** The distance times `factor`. */
  zoom(factor: number): void
  reset(): void
}

const KEY_TURN = 0.05
const KEY_ZOOM = 1.08

/** Orbits with one pointer or the arrow keys; zooms with the wheel, two pointers, + and -. */
export function followPointer(frame: HTMLElement, { turn, zoom, reset }: Moves): void {
  const pointers = new Map<number, { x: number; y: number }>()
  const spread = (): number => {
    const [a, b] = [...pointers.values()]
    return b ? Math.hypot(a.x - b.x, a.y - b.y) : 0
  }
  frame.addEventListener('pointerdown', event => {
    if (event.target instanceof HTMLInputElement) return
    frame.setPointerCapture(event.pointerId)
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY })
  })
  frame.addEventListener('pointermove', event => {
    const last = pointers.get(event.pointerId)
    if (!last) return
    const before = spread()
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY })
    const size = frame.clientWidth
    if (pointers.size === 1) turn((event.clientX - last.x) / size, (event.clientY - last.y) / size)
    else if (before > 0 && spread() > 0) zoom(before / spread())
  })
  for (const type of ['pointerup', 'pointercancel'] as const) frame.addEventListener(type, event => void pointers.delete(event.pointerId))
  frame.addEventListener(
    'wheel',
    event => {
      event.preventDefault()
      zoom(Math.exp(event.deltaY * (event.deltaMode === 1 ? 0.03 : 0.001)))
    },
    { passive: false },
  )
  const keys: Record<string, () => void> = {
    ArrowLeft: () => turn(KEY_TURN, 0),
    ArrowRight: () => turn(-KEY_TURN, 0),
    ArrowUp: () => turn(0, KEY_TURN),
    ArrowDown: () => turn(0, -KEY_TURN),
    '+': () => zoom(1 / KEY_ZOOM),
    '=': () => zoom(1 / KEY_ZOOM),
    '-': () => zoom(KEY_ZOOM),
    '0': reset,
    Home: reset,
  }
  frame.addEventListener('keydown', event => {
    const move = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key]
    if (!move) return
    event.preventDefault()
    move()
  })
}
