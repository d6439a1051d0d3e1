/** Renders for the page: opens the device, reads the scene and its edits, and draws in strips so that a newer request need not wait for a large picture. */
import {
  type Camera,
  type CodeMixture,
  codeMixture,
  createRenderer,
  type Device,
  frameCode,
  loadEdit,
  loadScene,
  openDevice,
  type Renderer,
  type SceneManipulator,
} from 'faceclipnerf'
import type { DrawRequest, Expression, FromEngine, ToEngine } from './messages.ts'

/** Pixels of a strip: on the CPU what one thread draws in a quarter of a second. */
const STRIP = { cpu: 2500, gpu: 2 ** 20 }
/** Renderers that are kept, each with its plans. */
const MOST_RENDERERS = 12

interface Shown extends Expression {
  readonly mixture: CodeMixture
}

export class Engine {
  private device: Device | undefined
  private scene: SceneManipulator | undefined
  private shown: Shown[] = []
  /** By expression and strip size, the latest last. */
  private readonly renderers = new Map<string, Renderer>()
  private wanted: DrawRequest | undefined
  private drawing = false

  constructor(private readonly post: (message: FromEngine, transfer?: Transferable[]) => void) {}

  async receive(message: ToEngine): Promise<void> {
    try {
      if (message.type === 'open') await this.open(message)
      else await this.draw(message)
    } catch (error) {
      this.post({ type: 'failed', message: error instanceof Error ? error.message : String(error) })
    }
  }

  private async open({ scene: file, edits, frames }: Extract<ToEngine, { type: 'open' }>): Promise<void> {
    // Without cross-origin isolation, as in a file, there is no memory for threads to share.
    const device = await openDevice(globalThis.crossOriginIsolated ? {} : { threads: 1 })
    const scene = await loadScene(device, file.bytes, file.name)
    const field = (codes: Parameters<typeof codeMixture>[1][number]): CodeMixture => codeMixture(scene, [scene.referenceField, codes])
    for (const { name, bytes } of edits) {
      const { field: edited, description } = await loadEdit(scene, bytes, name)
      this.shown.push({ label: description.prompt || name, strength: description.strength, mixture: field(edited.codes) })
    }
    for (const { label, frame } of frames) this.shown.push({ label, strength: 1, mixture: field(await frameCode(scene, frame)) })
    this.shown.unshift({ label: 'neutral', strength: 1, mixture: codeMixture(scene, [scene.referenceField]) })
    this.device = device
    this.scene = scene
    this.post({
      type: 'ready',
      device: device.description,
      kind: device.kind,
      expressions: this.shown.map(({ label, strength }) => ({ label, strength })),
      cameras: scene.description.frames.map(({ id, camera }) => ({ id, camera })),
    })
  }

  /** One request waits at a time: a newer one takes its place. */
  private async draw(request: DrawRequest): Promise<void> {
    if (this.wanted) this.post({ type: 'dropped', id: this.wanted.id })
    this.wanted = request
    if (this.drawing) return
    this.drawing = true
    try {
      for (let next = this.take(); next; next = this.take()) await this.drawPicture(next)
    } finally {
      this.drawing = false
    }
  }

  private take(): DrawRequest | undefined {
    const request = this.wanted
    this.wanted = undefined
    return request
  }

  private isOvertaken(): boolean {
    return this.wanted !== undefined
  }

  private async drawPicture({ id, before, camera, expression, strength }: DrawRequest): Promise<void> {
    const { device } = this
    const shown = this.shown[expression]
    if (!device || !shown) throw new Error(`viewer: no expression ${expression}; there are ${this.shown.length}`)
    shown.mixture.setWeights(expression === 0 ? [1] : [1 - strength, strength])
    const start = performance.now()
    const [width, height] = camera.imageSize
    const rows = Math.max(1, Math.min(height, Math.floor(STRIP[device.kind] / width)))
    const pixels = new Uint8ClampedArray(4 * width * height)
    for (let top = 0; top < height; top += rows) {
      // the last strip overlaps the one before, so that all have one size and one plan
      const from = Math.min(top, height - rows)
      const { pixels: words } = this.rendererOf(expression, width * rows).draw(stripOf(camera, from, rows))
      const read = (await device.read({ ...words.region, length: width * rows }, 'u32')) as Uint32Array<ArrayBuffer>
      pixels.set(new Uint8ClampedArray(read.buffer, read.byteOffset, 4 * width * rows), 4 * width * from)
      await breath()
      const isDone = top + rows >= height
      if (!isDone && this.isOvertaken()) {
        this.post({ type: 'dropped', id })
        return
      }
    }
    this.post({ type: 'drawn', id, before, width, height, pixels, milliseconds: performance.now() - start }, [pixels.buffer])
  }

  private rendererOf(expression: number, pixels: number): Renderer {
    const { scene } = this
    if (!scene) throw new Error('viewer: no scene is open')
    const key = `${expression} ${pixels}`
    const renderer = this.renderers.get(key) ?? createRenderer(scene, this.shown[expression].mixture.codes)
    this.renderers.delete(key)
    this.renderers.set(key, renderer)
    for (const [oldest, idle] of this.renderers) {
      if (this.renderers.size <= MOST_RENDERERS) break
      idle[Symbol.dispose]()
      this.renderers.delete(oldest)
    }
    return renderer
  }
}

/** Rows [top, top + rows) of a camera's picture. */
function stripOf(camera: Camera, top: number, rows: number): Camera {
  const [x, y] = camera.principalPoint
  return { ...camera, principalPoint: [x, y - top], imageSize: [camera.imageSize[0], rows] }
}

/** Lets messages in: a timer's turn, which a microtask is not. */
const breath = (): Promise<void> => new Promise(done => setTimeout(done, 0))
