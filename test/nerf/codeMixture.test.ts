import { describe, expect, test } from 'vitest'
import { blend, type CodeField, constantCode } from '../../src/nerf/codeField.ts'
import { codeMixture } from '../../src/nerf/codeMixture.ts'
import { createRenderer } from '../../src/nerf/render.ts'
import { tensor } from '../../src/tensor/device.ts'
import { concat, sliceColumns } from '../../src/tensor/ops/concat.ts'
import { testDevices } from '../tensor/devices.ts'
import { smallScene } from './smallScene.ts'

describe.each((await testDevices()).filter(({ compileOnly }) => !compileOnly))('on $name', ({ device }) => {
  const scene = smallScene(device)
  const spatial: CodeField = x => concat([x, x, sliceColumns(x, 0, 2)])
  const camera = scene.description.frames[1].camera
  const rgb = async (codes: CodeField): Promise<Float32Array> => {
    using renderer = createRenderer(scene, codes)
    return (await renderer.render(camera)).rgb
  }

  test('weights that change give what blend gives, in one renderer', async () => {
    using mixture = codeMixture(scene, [scene.referenceField, spatial])
    using renderer = createRenderer(scene, mixture.codes)
    for (const s of [0, 0.4, 1, 1.3]) {
      mixture.setWeights([1 - s, s])
      const wanted = await rgb(blend(scene.referenceField, spatial, s))
      for (const [i, value] of (await renderer.render(camera)).rgb.entries()) expect(value).toBeCloseTo(wanted[i], 5)
    }
  })

  test('a mixture of constant codes is constant', async () => {
    const other = constantCode(tensor(device, new Float32Array(8).fill(0.3), [8]))
    using mixture = codeMixture(scene, [scene.referenceField, other])
    expect(mixture.codes.constant?.shape).toEqual([1, 8])
    mixture.setWeights([0.25, 0.75])
    const wanted = await rgb(blend(scene.referenceField, other, 0.75))
    for (const [i, value] of (await rgb(mixture.codes)).entries()) expect(value).toBeCloseTo(wanted[i], 5)
  })

  test('refuses weights that do not fit', () => {
    using mixture = codeMixture(scene, [scene.referenceField])
    expect(() => mixture.setWeights([1, 2])).toThrow('setWeights: [1, 2] for 1 code fields; give one finite number each')
    expect(() => mixture.setWeights([Number.NaN])).toThrow('setWeights: [NaN]')
    expect(() => codeMixture(scene, [])).toThrow('no code fields')
  })
})
