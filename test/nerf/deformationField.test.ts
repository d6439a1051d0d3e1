import { expect, test } from 'vitest'
import { deformationField, deformationSpecs } from '../../src/nerf/deformationField.ts'
import { PRESETS } from '../../src/nerf/presets.ts'
import { ParameterSet } from '../../src/nn/parameters.ts'
import { tensor } from '../../src/tensor/device.ts'
import { grad } from '../../src/tensor/grad.ts'
import { concat, sliceColumns } from '../../src/tensor/ops/concat.ts'
import { cosineWindow } from '../../src/tensor/ops/frequencyEncoding.ts'
import { sum } from '../../src/tensor/ops/reduce.ts'
import { evaluate } from '../../src/tensor/plan.ts'
import { loadGolden } from '../golden.ts'
import { randomValues, testDevices } from '../tensor/harness.ts'
import { goldenNetwork, testCases } from './goldenNetwork.ts'

const golden = loadGolden('se3_warp')
const OFFICIAL = { bands: 4, depth: 6, width: 128, skip: 4 }

testCases(golden, (name, { device, leaf, loss }) => {
  const { alpha } = golden.cases[name]
  const { parameters, leaves, gradients } = goldenNetwork(device, golden, name, deformationSpecs(OFFICIAL, 8), ours => ours.slice(2))
  const [x, codes] = [leaf(`${name}/in/points`), leaf(`${name}/in/codes`)]
  const window = typeof alpha === 'number' ? tensor(device, cosineWindow(alpha, OFFICIAL.bands), [OFFICIAL.bands]) : undefined
  const warped = deformationField(parameters, OFFICIAL, { x, seen: x, codes, window })
  const [dx, dcodes, ...grads] = grad(loss({ [`${name}/cot/warped_points`]: warped }), [x, codes, ...leaves])
  // Points do not mix: the gradient of the sum of one coordinate is that row of every point's jacobian.
  const rows = [0, 1, 2].map(axis => grad(sum(sliceColumns(warped, axis, axis + 1)), [x])[0])
  const outputs = { [`${name}/out/warped_points`]: warped, [`${name}/out/jacobian`]: concat(rows) }
  return { ...outputs, [`${name}/grad/points`]: dx, [`${name}/grad/codes`]: dcodes, ...gradients(grads) }
})

test('T begins near the identity, whatever the code', async () => {
  const [{ device }] = await testDevices()
  const [Q, codeSize] = [50, 8]
  for (const { deformation } of Object.values(PRESETS)) {
    const parameters = new ParameterSet(device, deformationSpecs(deformation, codeSize), 3)
    const x = tensor(device, randomValues(Q * 3, 1), [Q, 3])
    const codes = tensor(device, randomValues(Q * codeSize, 2, [0, 0.05]), [Q, codeSize])
    const [moved] = await evaluate(device, [deformationField(parameters, deformation, { x, seen: x, codes })])
    const farthest = Math.max(...moved.map((value, i) => Math.abs(value - randomValues(Q * 3, 1)[i])))
    expect(farthest).toBeGreaterThan(0)
    expect(farthest).toBeLessThan(0.01)
  }
})
