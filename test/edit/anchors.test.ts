import { afterAll, describe, expect, test } from 'vitest'
import type { ExpressionEncoder } from '../../src/clip/textImageEncoder.ts'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { renderCodes, selectAnchors } from '../../src/edit/anchors.ts'
import { closeUp } from '../../src/edit/editViews.ts'
import { constantCode } from '../../src/nerf/codeField.ts'
import { createRenderer } from '../../src/nerf/render.ts'
import type { SceneConfig } from '../../src/nerf/sceneConfig.ts'
import { SceneManipulator } from '../../src/nerf/sceneManipulator.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { tensor } from '../../src/tensor/device.ts'
import { reshape } from '../../src/tensor/tensor.ts'
import { SIZE, shrunk, smallCapture } from '../nerf/smallScene.ts'
import { randomValues } from '../tensor/opCase.ts'

const device = cpuBackend(await openCpuDevice({ threads: 2 }))
afterAll(() => device[Symbol.dispose]())

/** Expression of each code: 0 is held longest, 1 and 2 less, −1 are two moments on the way. */
const EXPRESSIONS = [0, 0, 0, 1, 1, 1, 0, 0, -1, -1, 1, 0, 2, 2, 2, 2]

/** Many pictures are rendered: few samples. */
function coarse(base: SceneConfig): SceneConfig {
  const { sampling, ...rest } = shrunk(base)
  return { ...rest, sampling: sampling.kind === 'grid' ? { ...sampling, samples: 3 } : sampling }
}

/** A scene whose codes are near their expression's, and whose slicing surface shows them. */
function sceneOf(expressions: readonly number[]): SceneManipulator {
  const scene = new SceneManipulator(device, smallCapture(expressions.length), { preset: 'tiny', config: coarse })
  const { parameters, config } = scene
  const size = config.codeSize
  const centre = (expression: number): Float32Array => randomValues(size, 50 + expression, [-2, 2])
  const codes = new Float32Array(expressions.length * size)
  for (const [i, expression] of expressions.entries()) {
    const noise = randomValues(size, 100 + i, [-0.01, 0.01])
    const between = centre(0).map((v, c) => 0.5 * v + 0.5 * centre(1 + (i % 2))[c] + 40 * noise[c])
    codes.set(expression < 0 ? between : centre(expression).map((v, c) => v + noise[c]), i * size)
  }
  parameters.flat.write(codes, parameters.offset('codes'))
  scene.setStep(config.training.steps)
  return scene
}

/** The picture itself as features. */
const PIXELS: ExpressionEncoder = { name: 'pixels', size: SIZE * SIZE * 3, features: images => reshape(images, [images.shape[0], SIZE * SIZE * 3]) }

const membersOf = (expression: number): number[] => EXPRESSIONS.flatMap((e, i) => (e === expression ? [i] : []))

describe('selectAnchors', () => {
  test('finds the held expressions, the longest first, and makes it w_R', async () => {
    const scene = sceneOf(EXPRESSIONS)
    const { indices, frames, codes, report } = await selectAnchors(scene, PIXELS)
    expect(indices).toHaveLength(3)
    expect(membersOf(0)).toContain(indices[0])
    for (const index of indices.slice(1)) expect([...membersOf(1), ...membersOf(2)]).toContain(index)
    expect(frames).toEqual(indices.map(i => `train${i}`))
    expect(scene.referenceCode).toBe(indices[0])
    for (const [k, index] of indices.entries()) expect(codes.slice(8 * k, 8 * k + 8)).toEqual(await scene.readCode(index))
    expect(report).toMatchObject({ encoder: 'pixels', method: 'dbscan' })
    expect(report.eps).toBeGreaterThan(0)
    // The two codes on the way may be noise or join an end; the held expressions stay whole and apart.
    expect(report.sizes[0]).toBe(6)
    expect(new Set([0, 1, 2].map(e => report.labels[membersOf(e)[0]])).size).toBe(3)
    for (const e of [0, 1, 2]) expect(new Set(membersOf(e).map(i => report.labels[i])).size).toBe(1)
  })

  test('gives as many as asked for', async () => {
    const scene = sceneOf(EXPRESSIONS)
    const { indices, report } = await selectAnchors(scene, PIXELS, { count: 5 })
    expect(new Set(indices).size).toBe(5)
    expect(report.method).toBe('k-medoids')
    expect(report.eps).toBeUndefined()
    expect(report.sizes).toEqual(report.sizes.toSorted((a, b) => b - a))
  })

  test('takes the given frame as neutral', async () => {
    const scene = sceneOf(EXPRESSIONS)
    const { indices } = await selectAnchors(scene, PIXELS, { reference: 13 })
    expect([indices[0], scene.referenceCode]).toEqual([13, 13])
    expect(indices.slice(1).every(i => !membersOf(2).includes(i))).toBe(true)
  })

  test('says what is wrong: too many asked for, no such frame, one expression only', async () => {
    await expect(selectAnchors(sceneOf(EXPRESSIONS), PIXELS, { count: 17 })).rejects.toThrow(
      'selectAnchors: 17 anchors from 16 frames; ask for at most 16',
    )
    await expect(selectAnchors(sceneOf(EXPRESSIONS), PIXELS, { count: 1 })).rejects.toThrow('selectAnchors: 1 anchors; give a whole number from 2')
    await expect(selectAnchors(sceneOf(EXPRESSIONS), PIXELS, { reference: 16 })).rejects.toThrow('no code 16')
    await expect(selectAnchors(sceneOf([0, 0, 0, 0, 0]), PIXELS)).rejects.toThrow(
      'selectAnchors: the 5 codes do not fall into two expressions; give the number of anchors',
    )
  })

  test('stops when aborted, and gives its memory back', async () => {
    const scene = sceneOf(EXPRESSIONS)
    const { used } = device.memory
    await expect(selectAnchors(scene, PIXELS, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i)
    expect(device.memory.used).toBe(used)
  })
})

test('renderCodes shows each code in a close-up from the first training camera, T at w_R', async () => {
  const scene = sceneOf(EXPRESSIONS)
  await scene.setReference(4)
  const shown: Float32Array[] = []
  for await (const { rgb } of renderCodes(scene, [2, 12])) shown.push(rgb)
  for (const [i, index] of [2, 12].entries()) {
    using renderer = createRenderer(scene, constantCode(tensor(device, await scene.readCode(index), [8])))
    expect(shown[i]).toEqual((await renderer.render(closeUp(scene.trainingCameras[0]))).rgb)
  }
})
