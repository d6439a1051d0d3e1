import { encodePoints, slicingSpecs, slicingSurface } from '../../src/nerf/slicingSurface.ts'
import { tensor } from '../../src/tensor/device.ts'
import { grad } from '../../src/tensor/grad.ts'
import { cosineWindow } from '../../src/tensor/ops/frequencyEncoding.ts'
import { loadGolden } from '../golden.ts'
import { goldenNetwork, testCases } from './goldenNetwork.ts'

const golden = loadGolden('hyper_sheet')
const config = { bands: 6, depth: 6, width: 64, skip: 4 }

testCases(golden, (name, { device, leaf, loss }) => {
  const { alpha } = golden.cases[name]
  const { parameters, leaves, gradients } = goldenNetwork(device, golden, name, slicingSpecs(config, 8, 4, 1e-5), ours => `MLP_0${ours.slice(1)}`)
  const [x, codes] = [leaf(`${name}/in/points`), leaf(`${name}/in/codes`)]
  const window = typeof alpha === 'number' ? tensor(device, cosineWindow(alpha, config.bands), [config.bands]) : undefined
  const ambient = slicingSurface(parameters, config, encodePoints(config, x, window), codes)
  const [dx, dcodes, ...grads] = grad(loss({ [`${name}/cot/ambient`]: ambient }), [x, codes, ...leaves])
  return { [`${name}/out/ambient`]: ambient, [`${name}/grad/points`]: dx, [`${name}/grad/codes`]: dcodes, ...gradients(grads) }
})
