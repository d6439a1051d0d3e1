import { afterAll, describe, expect, test } from 'vitest'
import type { ExpressionEncoder } from '../../src/clip/textImageEncoder.ts'
import { expressionEncoder } from '../../src/clip/textImageEncoder.ts'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { ACTION_UNITS, expressionTarget } from '../../src/edit/actionUnits.ts'
import { expressionGuidance } from '../../src/edit/expressionGuidance.ts'
import { loadEncoder } from '../../src/node.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { type Device, tensor } from '../../src/tensor/device.ts'
import { dense } from '../../src/tensor/ops/dense.ts'
import { evaluate } from '../../src/tensor/plan.ts'
import { reshape, type Tensor } from '../../src/tensor/tensor.ts'
import { randomValues, testDevices } from '../tensor/harness.ts'
import { checkPictureGradient, SIDE } from './guidanceGradient.ts'

const device = cpuBackend(await openCpuDevice({ threads: 1 }))
afterAll(() => device[Symbol.dispose]())

const NAMES = ['jawOpen', 'eyeBlink_L', 'eyeBlink_R', 'mouthSmile_L', 'mouthSmile_R']
/** Reads five numbers off the pixels of a picture, by random weights. */
function reader(on: Device, pixels: number): ExpressionEncoder {
  const weights = tensor(on, randomValues(pixels * 5, 1, [-0.1, 0.1]), [pixels, 5])
  return { name: 'pixels', size: 5, names: NAMES, features: images => dense(reshape(images, [images.shape[0], pixels]), weights) }
}
/** Reads the first five values of a picture as they are. */
const first: ExpressionEncoder = {
  name: 'first',
  size: 5,
  names: NAMES,
  features: images => {
    const pick = tensor(
      device,
      Float32Array.from({ length: 12 * 5 }, (_, i) => (Math.floor(i / 5) === i % 5 ? 1 : 0)),
      [12, 5],
    )
    return dense(reshape(images, [images.shape[0], 12]), pick)
  },
}
const pictures = (...coefficients: number[][]): Tensor =>
  tensor(device, Float32Array.from(coefficients.flatMap(own => [...own, ...new Array(7).fill(0.5)])), [coefficients.length, 2, 2, 3])
const FIRST = tensor(device, Uint32Array.of(0), [1])

async function lossOf(target: Record<string, number>, edited: number[], unedited: number[], hold?: number): Promise<number> {
  const guidance = expressionGuidance(device, first, target, { hold })
  return (await evaluate(device, [guidance.loss(pictures(edited), guidance.describe(pictures(unedited), FIRST))]))[0][0]
}

describe('guidance by coefficients', () => {
  const NEUTRAL = [0.05, 0.1, 0, 0, 0]
  test('is about 1 for the unedited picture, 0 at the target, and the share of the squared distance in between', async () => {
    const target = { jawOpen: 0.85, eyeBlink: 0.9 }
    expect(await lossOf(target, NEUTRAL, NEUTRAL)).toBeCloseTo(1, 1)
    expect(await lossOf(target, [0.85, 0.9, 0.9, 0, 0], NEUTRAL)).toBeCloseTo(0, 6)
    expect(await lossOf(target, [0.45, 0.5, 0.45, 0, 0], NEUTRAL)).toBeCloseTo(0.25, 2)
  })

  test('holds what is not named where the unedited picture has it, as much as told', async () => {
    const smiling = [0.85, 0.1, 0, 0.6, 0]
    expect(await lossOf({ jawOpen: 0.85 }, smiling, NEUTRAL, 0)).toBeCloseTo(0, 6)
    const [little, much] = [await lossOf({ jawOpen: 0.85 }, smiling, NEUTRAL, 0.3), await lossOf({ jawOpen: 0.85 }, smiling, NEUTRAL, 0.6)]
    expect(much).toBeCloseTo(2 * little, 5)
    expect(little).toBeCloseTo((0.3 * 0.36) / (0.64 + 0.02), 4)
  })

  test('knows several pictures apart', async () => {
    const guidance = expressionGuidance(device, first, { jawOpen: 1 }, { hold: 0 })
    const reference = guidance.describe(pictures([0, 0, 0, 0, 0], [0.5, 0, 0, 0, 0]), FIRST)
    const [[loss]] = await evaluate(device, [guidance.loss(pictures([1, 0, 0, 0, 0], [0, 0, 0, 0, 0]), reference)])
    expect(loss).toBeCloseTo((0 + 1 / 0.27) / 2, 4)
  })

  test('has the gradient that central differences have', async () => {
    for (const tested of await testDevices()) {
      const guidance = expressionGuidance(tested.device, reader(tested.device, SIDE * SIDE * 3), { jawOpen: 0.7, mouthSmile_L: 0.4 })
      await checkPictureGradient(tested, guidance)
    }
  })

  test('through the embedded encoder: differentiable, and lower for the expression asked for', async () => {
    const encoder = await loadEncoder(device, undefined, { towers: ['image'] })
    const guidance = expressionGuidance(device, expressionEncoder(encoder), { AU26: 1 })
    expect(guidance.name).toBe('expression jawOpen=0.5')
    const [, simd] = await testDevices()
    await checkPictureGradient({ ...simd, device }, guidance, 3e-2)
  })

  test('is refused without a target and without names', () => {
    expect(() => expressionGuidance(device, first, {})).toThrow('expressionGuidance: no target; give at least one')
    const nameless = { ...first, names: undefined }
    expect(() => expressionGuidance(device, nameless, { jawOpen: 1 })).toThrow('expressionGuidance: the features of "first" have no names')
  })
})

describe('targets', () => {
  test('name coefficients, both sides at once, and action units, where the larger counts', () => {
    expect(expressionTarget({ jawOpen: 0.3, AU26: 1, eyeBlink: 0.4, AU12_L: 0.8, mouthSmile_R: 0.2 }, NAMES)).toEqual({
      jawOpen: 0.5,
      eyeBlink_L: 0.4,
      eyeBlink_R: 0.4,
      mouthSmile_L: 0.8,
      mouthSmile_R: 0.2,
    })
    expect(expressionTarget({ AU46: 1 }, NAMES)).toEqual({ eyeBlink_L: 1 })
  })

  test('are refused by name, with those there are, and unless they are numbers', () => {
    for (const name of ['smirk', 'AU99', 'AU4', 'AU26_L'])
      expect(() => expressionTarget({ [name]: 1 }, NAMES)).toThrow(
        `no coefficient or action unit "${name}"; there are jawOpen, eyeBlink, mouthSmile, AU`,
      )
    expect(() => expressionTarget({ jawOpen: Number.NaN }, NAMES)).toThrow('expressionTarget: jawOpen = NaN; give a number')
  })

  test('by action unit all map onto the embedded head', async () => {
    const { expressionHead } = await loadEncoder(device, undefined, { towers: ['image'] })
    for (const unit of Object.keys(ACTION_UNITS))
      expect(Object.keys(expressionTarget({ [unit]: 1 }, expressionHead?.names ?? [])).length).toBeGreaterThan(0)
  })
})
