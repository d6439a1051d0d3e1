/** The page: a picture to turn, a menu of expressions, and what else a person wants from it. */
import { type Camera, encodePng, type OrbitRange, orbitRange, tagImage } from 'faceclipnerf'
import { readContents } from './contents.ts'
import { createControls } from './controls.ts'
import type { EngineLink } from './main.ts'
import type { Drawn, FromEngine, Ready } from './messages.ts'
import { followPointer } from './pointer.ts'
import { Refinement } from './refinement.ts'
import { STYLE } from './style.ts'
import { cameraOf, FRONT, hashOf, limited, type View, viewFromHash } from './view.ts'

/** px of the widest picture. */
const MOST_WIDTH = { cpu: 256, gpu: 1024 }
const PACES = { cpu: { moving: 160, still: 8000 }, gpu: { moving: 30, still: 1000 } }
/** Milliseconds per pixel to begin with. */
const GUESS = { cpu: 0.1, gpu: 1e-4 }

/** What is being drawn: the picture that is shown, or its unedited face for the comparison. */
interface Task {
  readonly before: boolean
  readonly width: number
}

/** Starts the page around an engine. Whatever fails is said in the page. */
export async function startPage({ engine }: { engine: EngineLink }): Promise<void> {
  const style = document.createElement('style')
  style.textContent = STYLE
  document.head.append(style)
  const contents = readContents(document)
  const controls = createControls(document, contents.title)
  const fail = (message: string): void => controls.fail(message)
  engine.onMessage = message => {
    if (message.type === 'failed') fail(message.message)
    else if (message.type === 'ready') run(engine, message, controls, contents.about)
  }
  try {
    engine.send({ type: 'open', ...(await contents.files()) })
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error))
  }
}

function run(engine: EngineLink, ready: Ready, controls: ReturnType<typeof createControls>, about: { scene: string }): void {
  const cameras = new Map<string, Camera>(ready.cameras.map(({ id, camera }) => [id, camera]))
  const range: OrbitRange = orbitRange([...cameras.values()])
  const refinement = new Refinement(PACES[ready.kind], GUESS[ready.kind])
  const [w, h] = [...cameras.values()][0].imageSize
  const read = (): View => {
    const view = limited(viewFromHash(location.hash, FRONT), range)
    const known = Number.isInteger(view.expression) && view.expression >= 0 && view.expression < ready.expressions.length
    return known ? view : { ...view, expression: 0 }
  }
  let view = read()
  let comparing = false
  let queue: Task[] = []
  let current: { id: number; task: Task } | undefined
  let nextId = 0
  let lastPicture: Drawn | undefined
  let asked = false

  const send = (): void => {
    const task = queue.shift()
    current = task && { id: nextId++, task }
    if (!current) {
      controls.settled(lastPicture?.width ?? 0)
      return
    }
    const camera = cameraOf(view, range, cameras, current.task.width)
    const expression = current.task.before ? 0 : view.expression
    engine.send({ type: 'draw', id: current.id, before: current.task.before, camera, expression, strength: view.strength })
  }
  const redraw = (): void => {
    const most = Math.min(MOST_WIDTH[ready.kind], controls.pixelWidth())
    queue = refinement.widths(most, w / h).flatMap(width => (comparing ? [false, true] : [false]).map(before => ({ before, width })))
    // what is being drawn is let go of: the engine drops it when the next request comes, once per picture of the screen
    if (!asked)
      requestAnimationFrame(() => {
        asked = false
        send()
      })
    asked = true
  }
  const change = (part: Partial<View>): void => {
    view = limited({ ...view, ...part }, range)
    history.replaceState(null, '', `#${hashOf(view)}`)
    controls.show(view)
    redraw()
  }

  engine.onMessage = (message: FromEngine) => {
    if (message.type === 'failed') controls.fail(message.message)
    if (message.type !== 'drawn') return
    refinement.learn(message.width * message.height, message.milliseconds)
    // while something moves every picture is late, and shown all the same
    if (!message.before) lastPicture = message
    controls.paint(message)
    if (message.id === current?.id && !asked) send()
  }
  controls.open({
    ready,
    aspect: w / h,
    change,
    compare(on) {
      comparing = on
      redraw()
    },
    reset: () => change({ yaw: 0, pitch: 0, distance: 1, camera: undefined }),
    async save() {
      if (!lastPicture) return
      const { width, height, pixels } = lastPicture
      const { label } = ready.expressions[view.expression]
      const png = await encodePng({ width, height, channels: 4, data: pixels })
      controls.download(tagImage(png, view.expression === 0 ? about : { ...about, prompt: label }), `${about.scene}.png`)
    },
  })
  followPointer(controls.frame, {
    turn: (dx, dy) => change({ camera: undefined, yaw: view.yaw - dx * 2.2 * range.yaw, pitch: view.pitch + dy * 2.2 * range.yaw }),
    zoom: factor => change({ camera: undefined, distance: view.distance * factor }),
    reset: () => change({ yaw: 0, pitch: 0, distance: 1, camera: undefined }),
  })
  addEventListener('hashchange', () => {
    view = read()
    controls.show(view)
    redraw()
  })
  new ResizeObserver(redraw).observe(controls.frame)
  controls.show(view)
}
