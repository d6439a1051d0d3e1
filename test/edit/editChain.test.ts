import { afterAll, assert, describe, expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { AnchorCompositor } from '../../src/edit/anchorCompositor.ts'
import { edit } from '../../src/edit/edit.ts'
import { type EditDescription, loadEdit, readHistory, saveEdit, withShown } from '../../src/edit/editFile.ts'
import type { FaceRegion } from '../../src/edit/faceRegion.ts'
import { FreeCode } from '../../src/edit/freeCode.ts'
import type { Guidance } from '../../src/edit/guidance.ts'
import { parseSafetensors, writeSafetensors } from '../../src/io/safetensors.ts'
import type { CodeField } from '../../src/nerf/codeField.ts'
import { createRenderer } from '../../src/nerf/render.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { tensor } from '../../src/tensor/device.ts'
import { mean } from '../../src/tensor/ops/reduce.ts'
import { evaluate } from '../../src/tensor/plan.ts'
import { reshape } from '../../src/tensor/tensor.ts'
import { randomValues } from '../tensor/opCase.ts'
import { expressiveScene } from './expressiveScene.ts'
import { anchorsOf } from './smallAnchors.ts'

const device = cpuBackend(await openCpuDevice({ threads: 1 }))
afterAll(() => device[Symbol.dispose]())
const scene = await expressiveScene(device)
const anchors = await anchorsOf(scene, [0, 2, 4])

const describing = (prompt: string, strength = 1): EditDescription => ({ prompt, strength, steps: 20, seed: 0 })
/** As after an edit: ratios that vary from point to point. */
function trained(compositor: AnchorCompositor, seed: number): AnchorCompositor {
  const { length } = compositor.parameters.get('P/logit/kernel')
  compositor.parameters.flat.write(randomValues(length, seed, [-8, 8]), compositor.parameters.offset('P/logit/kernel'))
  return compositor
}
/** The right half of the space. */
const RIGHT: FaceRegion = {
  name: 'right half',
  parts: [
    {
      centre: [1, 0, 0],
      rows: [
        [1.25, 0, 0],
        [0, 0.2, 0],
        [0, 0, 0.2],
      ],
    },
  ],
}
const first = trained(new AnchorCompositor(scene, anchors), 1)
const second = trained(new AnchorCompositor(scene, anchors, { base: first, baseStrength: 0.8, region: RIGHT }), 2)
const third = trained(new AnchorCompositor(scene, anchors, { base: second }), 3)
const history = [describing('a smile', 0.8), describing('closed eyes'), describing('a frown')]
const bytes = await saveEdit(third, history[2], history.slice(0, 2))

async function picture(codes: CodeField): Promise<Float32Array> {
  using renderer = createRenderer(scene, codes)
  return (await renderer.render(scene.trainingCameras[0])).rgb
}

describe('an edit that starts from another', () => {
  test('shares out the earlier edit beside the anchors, and mixes its code of each point in', async () => {
    expect(second.shares).toEqual(['the earlier edit', 'train0', 'train2', 'train4'])
    const points = tensor(device, randomValues(60, 7, [-0.7, 0.7]), [20, 3])
    const { codes, ratios } = third.at(points)
    const [mixed, shares, before] = await evaluate(device, [codes, ratios, second.codes(points)])
    for (let q = 0; q < 20; q++) {
      const share = shares.slice(4 * q, 4 * q + 4)
      expect(share.reduce((a, b) => a + b)).toBeCloseTo(1, 5)
      for (let c = 0; c < 8; c++) {
        const anchored = [0, 1, 2].reduce((sum, k) => sum + share[1 + k] * anchors.codes[8 * k + c], 0)
        expect(mixed[8 * q + c]).toBeCloseTo(share[0] * before[8 * q + c] + anchored, 4)
      }
    }
  })

  test('begins near it, and is guided beside its picture', async () => {
    const next = new AnchorCompositor(scene, anchors, { base: third, neutral: 0.999 })
    const [a, b] = [await picture(next.codes), await picture(third.codes)]
    const off = (x: Float32Array): number => x.reduce((sum, v, i) => sum + Math.abs(v - b[i]), 0) / b.length
    expect(off(a)).toBeLessThan(0.05 * off(await picture(scene.referenceField)))
    const kept: Guidance = {
      name: 'mean',
      featureSize: 1,
      describe: pictures => reshape(mean(pictures), [1, 1]),
      loss: (_, reference) => reshape(reference, []),
    }
    const seen = async (field: AnchorCompositor): Promise<number> => {
      for await (const { guidance } of edit(scene, field, kept, scene.trainingCameras.slice(0, 1), { search: false, steps: 1, samples: 32 }))
        return guidance
      return Number.NaN
    }
    const average = (x: Float32Array): number => x.reduce((sum, v) => sum + v, 0) / x.length
    expect(await seen(next)).toBeCloseTo(average(b), 2)
    expect(await seen(new AnchorCompositor(scene, anchors))).toBeCloseTo(average(await picture(scene.referenceField)), 2)
  })

  test('may start from one code, not from one that moves T or of another scene', async () => {
    const one = new FreeCode(scene, await scene.readCode(3))
    const next = new AnchorCompositor(scene, anchors, { base: one, region: RIGHT })
    const file = await saveEdit(next, history[1], history.slice(0, 1))
    const loaded = await loadEdit(scene, file, 'x.edit')
    assert(loaded.field instanceof AnchorCompositor && loaded.field.base instanceof FreeCode)
    const moving = new FreeCode(scene, await scene.readCode(3), { into: 'both' })
    expect(() => new AnchorCompositor(scene, anchors, { base: moving })).toThrow('AnchorCompositor: the earlier edit is of another scene, or moves T')
    await expect(saveEdit(moving, history[0])).rejects.toThrow('saveEdit: a code into T and H is a baseline')
    const other = await expressiveScene(device)
    expect(() => new AnchorCompositor(other, anchors, { base: first })).toThrow('the earlier edit is of another scene')
  })
})

describe('a region', () => {
  test('keeps the earlier codes outside of it to the bit, and the anchors’ neutral one without an earlier edit', async () => {
    const left = tensor(device, Float32Array.of(-0.9, 0.1, 0, -1.2, -0.3, 0.2), [2, 3])
    const alone = trained(new AnchorCompositor(scene, anchors, { region: RIGHT }), 5)
    const next = trained(new AnchorCompositor(scene, anchors, { base: first, region: RIGHT }), 5)
    const [neutral, own, before, after] = await evaluate(device, [scene.referenceField(left), alone.codes(left), first.codes(left), next.codes(left)])
    expect(own).toEqual(neutral)
    expect(after).toEqual(before)
    const inside = tensor(device, [1, 0, 0], [1, 3])
    const [changed, kept] = await evaluate(device, [next.codes(inside), first.codes(inside)])
    expect(changed).not.toEqual(kept)
  })
})

describe('the file of a chain', () => {
  test('is self-contained: every layer comes back, in order, bit by bit', async () => {
    const { field, description, history: read } = await loadEdit(scene, bytes, 'chain.edit')
    assert(field instanceof AnchorCompositor)
    expect(read).toEqual(history)
    expect(description).toEqual(history[2])
    assert(field.base instanceof AnchorCompositor)
    expect(field.base.region).toEqual(RIGHT)
    expect(await picture(field.codes)).toEqual(await picture(third.codes))
    expect(await saveEdit(field, description, read.slice(0, 2))).toEqual(bytes)
  })

  test('undoes and redoes by a number: fewer layers are shown, none is lost', async () => {
    const undone = withShown(bytes, 2, 'chain.edit')
    expect(readHistory(undone, 'chain.edit')).toEqual({ edits: history, shown: 2 })
    const { field, description } = await loadEdit(scene, undone, 'chain.edit')
    expect(description).toEqual(history[1])
    expect(await picture(field.codes)).toEqual(await picture(second.codes))
    const { field: one } = await loadEdit(scene, bytes, 'chain.edit', { shown: 1 })
    expect(await picture(one.codes)).toEqual(await picture(first.codes))
    expect(withShown(undone, 3, 'chain.edit')).toEqual(bytes)
    for (const shown of [0, 4, 1.5])
      expect(() => withShown(bytes, shown, 'chain.edit')).toThrow(`chain.edit: cannot show ${shown} of its 3 edits; give a number from 1 to 3`)
  })

  test('is refused without a layer’s weights, with two references, or with a history that does not fit', async () => {
    const { tensors, metadata } = parseSafetensors(bytes, 'chain.edit')
    const without = writeSafetensors(new Map([...tensors].filter(([key]) => key !== '1/P/logit/bias')), metadata)
    await expect(loadEdit(scene, without, 'chain.edit')).rejects.toThrow('chain.edit: parameter P/logit/bias is missing')
    const header = JSON.parse(metadata.header)
    header.layers[1].indices[0] = 3
    const mixed = writeSafetensors(tensors, { ...metadata, header: JSON.stringify(header) })
    await expect(loadEdit(scene, mixed, 'chain.edit')).rejects.toThrow('chain.edit: the edit header is missing or broken')
    await expect(saveEdit(third, history[2])).rejects.toThrow('saveEdit: 0 earlier descriptions for an edit on 2 others')
  })
})
