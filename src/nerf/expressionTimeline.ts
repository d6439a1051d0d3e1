/** Pictures of a face whose expression changes with time: a renderer for each pair of expressions that pass into each other, recorded once. */
import type { Camera } from '../camera/camera.ts'
import { expressionAt } from '../camera/cameraPath.ts'
import type { CodeField } from './codeField.ts'
import { type CodeMixture, codeMixture } from './codeMixture.ts'
import { createRenderer, type RenderedImage, type Renderer, type RenderOptions } from './render.ts'
import type { SceneManipulator } from './sceneManipulator.ts'

/** The face at a time. */
export interface TimedExpression {
  /** Seconds. */
  readonly time: number
  /** The face; the same field at several times is recorded once. Absent is the unedited face. */
  readonly codes?: CodeField | undefined
  /** 0 is the unedited face. */
  readonly strength: number
}

/** Pictures of a face at any time. */
export interface ExpressionTimeline extends Disposable {
  /** @param camera in space units @param time seconds: before the first expression and after the last these stand still */
  render(camera: Camera, time: number): Promise<RenderedImage>
}

/** Codes between two expressions a and b pass from one to the other in a line: (1 − u)·s_a of a, u·s_b of b, and w_R the rest. Throws without expressions. */
export function expressionTimeline(
  scene: SceneManipulator,
  expressions: readonly TimedExpression[],
  options: Omit<RenderOptions, 'channels'> = {},
): ExpressionTimeline {
  if (expressions.length === 0) throw new Error('expressionTimeline: no expressions; give at least one')
  const fields = [...new Set(expressions.flatMap(({ codes }) => (codes ? [codes] : [])))]
  const pairs = new Map<string, { mixture: CodeMixture; renderer: Renderer }>()
  /** The renderer of w_R and some of the fields. */
  const recorded = (shown: readonly number[]): { mixture: CodeMixture; renderer: Renderer } => {
    const key = shown.join(' ')
    const known = pairs.get(key)
    if (known) return known
    const mixture = codeMixture(scene, [scene.referenceField, ...shown.map(k => fields[k])])
    const pair = { mixture, renderer: createRenderer(scene, mixture.codes, options) }
    pairs.set(key, pair)
    return pair
  }
  return {
    async render(camera, time) {
      const at = expressionAt(expressions, time)
      const weights = new Map<number, number>()
      for (const [expression, share] of at ? [[at.from, 1 - at.share] as const, [at.to, at.share] as const] : []) {
        if (!expression.codes) continue
        const k = fields.indexOf(expression.codes)
        weights.set(k, (weights.get(k) ?? 0) + share * expression.strength)
      }
      const shown = [...weights.keys()].sort((a, b) => a - b)
      const parts = shown.map(k => weights.get(k) ?? 0)
      const { mixture, renderer } = recorded(shown)
      mixture.setWeights([1 - parts.reduce((a, b) => a + b, 0), ...parts])
      return await renderer.render(camera)
    },
    [Symbol.dispose]() {
      for (const { mixture, renderer } of pairs.values()) {
        renderer[Symbol.dispose]()
        mixture[Symbol.dispose]()
      }
      pairs.clear()
    },
  }
}
