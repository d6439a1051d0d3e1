/** How well a scene reproduces views it was not trained on: PSNR and SSIM per held-out picture. */

import type { Capture, CaptureFrame } from '../capture/capture.ts'
import { psnr } from '../metrics/psnr.ts'
import { ssim } from '../metrics/ssim.ts'
import { constantCode } from '../nerf/codeField.ts'
import { createRenderer, type RenderedImage } from '../nerf/render.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { intoSpace } from '../nerf/space.ts'
import { Storage } from '../tensor/device.ts'
import { turnTaker } from '../tensor/turns.ts'
import { mean, meanOfKnown } from './means.ts'

/** A held-out view, rendered and compared. */
export interface ViewScore {
  readonly id: string
  /** dB over the whole picture. */
  readonly psnr: number
  /** dB over pixels at least half covered by the person; absent without a mask. */
  readonly psnrPerson?: number
  /** Gaussian-window SSIM, whole picture. */
  readonly ssim: number
  /** The same over the person's pixels; absent without a mask. */
  readonly ssimPerson?: number
  readonly rendered: RenderedImage
  /** The captured picture, sRGB 0..1, [H · W · 3]. */
  readonly observed: Float32Array
}

/** How well a scene shows views it was not trained on. */
export interface SceneReport {
  readonly views: readonly ViewScore[]
  /** Means over the views. */
  readonly psnr: number
  readonly psnrPerson?: number
  readonly ssim: number
  readonly ssimPerson?: number
}

/** Scores a scene on the capture's validation views, each rendered with the code of its instant. Throws when the capture has none. */
export async function evaluateScene(scene: SceneManipulator, capture: Capture, { signal }: { signal?: AbortSignal } = {}): Promise<SceneReport> {
  const frames = capture.frames.filter(f => f.split === 'val')
  if (frames.length === 0) throw new Error(`evaluate: capture ${capture.name} has no validation views; list some under val_ids in dataset.json`)
  const code = new Storage(scene.device, scene.config.codeSize)
  const field = constantCode(code.tensor([scene.config.codeSize]))
  using renderer = createRenderer(scene, field, { warp: field })
  const views: ViewScore[] = []
  const takeTurn = turnTaker()
  try {
    for (const frame of frames) {
      await takeTurn()
      signal?.throwIfAborted()
      code.write(await scene.readCode(frame.code))
      views.push(score(frame, await renderer.render(intoSpace(frame.camera, scene.description.space))))
    }
  } finally {
    code.release()
  }
  return {
    views,
    psnr: mean(views.map(v => v.psnr)),
    psnrPerson: meanOfKnown(views.map(v => v.psnrPerson)),
    ssim: mean(views.map(v => v.ssim)),
    ssimPerson: meanOfKnown(views.map(v => v.ssimPerson)),
  }
}

function score(frame: CaptureFrame, rendered: RenderedImage): ViewScore {
  const { width, height } = rendered
  const mask = frame.mask?.map(m => (m >= 0.5 ? 1 : 0))
  return {
    id: frame.id,
    psnr: psnr(rendered.rgb, frame.image),
    psnrPerson: mask && psnr(rendered.rgb, frame.image, { mask }),
    ssim: ssim(rendered.rgb, frame.image, { width, height }),
    ssimPerson: mask && ssim(rendered.rgb, frame.image, { width, height, mask }),
    rendered,
    observed: frame.image,
  }
}
