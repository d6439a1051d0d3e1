import { useEffect, useRef, useState } from 'react'
import type { FrameInfo, TruthPicture } from '../protocol/messages.ts'
import { isTyping } from '../viewer/shortcuts.ts'
import type { Studio } from '../viewer/studio.ts'
import { standsAt, type Truth } from '../viewer/truth.ts'

const FLIP = 'v'

/** What the camera of a frame saw, over what is drawn; while V is held the other of the two. */
export function TruthOverlay({ studio, frame, truth }: { studio: Studio; frame: FrameInfo; truth: Truth }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [found, setFound] = useState<TruthPicture>()
  const [there, setThere] = useState(() => standsAt(studio.mover.pose, frame))
  const [flips, setFlips] = useState(false)
  const { id } = frame

  useEffect(() => {
    let wanted = true
    studio.truthPicture(id).then(
      answer => wanted && setFound(answer),
      (error: Error) => studio.say(error.message),
    )
    return () => {
      wanted = false
    }
  }, [studio, id])
  useEffect(() => {
    const element = canvas.current
    if (!there || !element || !found) return
    const { width, height, data } = found.picture
    element.width = width
    element.height = height
    element.getContext('2d')?.putImageData(new ImageData(data, width, height), 0, 0)
  }, [found, there])
  useEffect(() => {
    const look = (): void => setThere(standsAt(studio.mover.pose, frame))
    look()
    return studio.mover.follow(look)
  }, [studio, frame])
  useEffect(() => {
    const turn = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== FLIP || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target, event.key)) return
      event.preventDefault()
      setFlips(event.type === 'keydown')
    }
    const left = (): void => setFlips(false)
    addEventListener('keydown', turn)
    addEventListener('keyup', turn)
    addEventListener('blur', left)
    return () => {
      removeEventListener('keydown', turn)
      removeEventListener('keyup', turn)
      removeEventListener('blur', left)
    }
  }, [])

  if (!there || !found) return there ? null : <p className="cameras-note">The recorded picture of {id} is only right from its own camera.</p>
  const { left, top, width, height } = found.place
  const differs = truth.show === 'difference' && !flips
  // Held, the key shows what is seen less: the recording, or what is drawn.
  const share = truth.show === 'difference' ? 1 : flips ? (truth.share < 0.5 ? 1 : 0) : truth.share
  const percent = (part: number): string => `${100 * part}%`
  return (
    <canvas
      ref={canvas}
      className="truth"
      data-differs={differs}
      style={{ left: percent(left), top: percent(top), width: percent(width), height: percent(height), opacity: share }}
    />
  )
}
