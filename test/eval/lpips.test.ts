/** LPIPS against torchvision's networks with procedural weights (test/golden/README.md): values, weights' names, errors. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type ParameterRow, proceduralTensor, type WeightRule } from '../../bench/proceduralWeights.ts'
import { type Lpips, loadLpips } from '../../src/eval/lpips.ts'
import type { SafetensorsFile, StoredTensor } from '../../src/io/safetensors.ts'
import type { Device } from '../../src/tensor/device.ts'
import { expectGolden, loadGolden } from '../golden.ts'
import { testDevices } from '../tensor/harness.ts'

const golden = loadGolden('lpips')

/** Slice of lpips.LPIPS that a convolution of `features` lies in. */
const SLICES = { alex: [0, 3, 6, 8, 10], vgg: [3, 8, 15, 22, 29] }

/** The weights under torchvision's and lpips' names, or as lpips.LPIPS saves them. */
function weightsOf(network: 'alex' | 'vgg', rule: WeightRule, saved = false): Map<string, StoredTensor> {
  const { rows } = JSON.parse(readFileSync(new URL(`../golden/lpips_${network}_${rule}_params.json`, import.meta.url), 'utf8'))
  const tensors = new Map<string, StoredTensor>()
  for (const row of rows as ParameterRow[]) {
    const [, name, shape, kind] = row
    const values = proceduralTensor(rule, row)
    const linear = kind.startsWith('linear')
    const slice = 1 + SLICES[network].findIndex(last => Number.parseInt(name, 10) <= last)
    const key = linear ? `${name.replace('lin', saved ? 'lins.' : 'lin')}.model.1.weight` : saved ? `net.slice${slice}.${name}` : `features.${name}`
    tensors.set(key, {
      dtype: 'F32',
      shape: linear ? [1, shape[0], 1, 1] : [...shape],
      data: linear ? values.map(Math.abs) : values,
    })
  }
  return tensors
}

async function compare(lpips: Lpips, name: string): Promise<{ layers: Float32Array; total: Float32Array }> {
  const [height, width] = golden.shape(`${name}/in/a`)
  const [a, b] = ['a', 'b'].map(x => golden.get(`${name}/in/${x}`))
  const layers = await lpips.layerDistances(a, b, { width, height })
  return { layers: Float32Array.from(layers), total: Float32Array.of(await lpips.distance(a, b, { width, height })) }
}

const cases = Object.keys(golden.cases)

describe('LPIPS', () => {
  for (const network of ['alex', 'vgg'] as const)
    for (const rule of ['mix', 'sin'] as const)
      test(`${network}, ${rule} weights: the golden distances`, async () => {
        const files = [{ tensors: weightsOf(network, rule, rule === 'sin') }]
        for (const { name: on, device, compileOnly } of await testDevices()) {
          // the scalar reference takes minutes here, and so does a processor's adapter on more than one case
          if (on === 'reference' || on === 'SIMD, 1 thread') continue
          const computes = device.kind === 'gpu' && !compileOnly
          if (computes && (network === 'vgg' || rule === 'sin')) continue
          const lpips = loadLpips(device, files, 'weights')
          expect(lpips.name).toBe(network === 'alex' ? 'LPIPS, AlexNet' : 'LPIPS, VGG16')
          for (const name of cases.filter(c => c.startsWith(`${network}_${rule}_${computes ? 'patch' : ''}`))) {
            const { layers, total } = await compare(lpips, name)
            if (compileOnly) continue
            expectGolden(golden, `${name}/out/layers`, layers)
            expectGolden(golden, `${name}/out/total`, total)
          }
          lpips.release()
        }
      }, 60_000)

  test('takes network and linear layers from two files, is 0 for equal pictures, symmetric, and gives its memory back', async () => {
    const device = await simd()
    const before = device.memory.used
    const all = [...weightsOf('alex', 'mix')]
    const part = (linear: boolean): Pick<SafetensorsFile, 'tensors'> => ({
      tensors: new Map(all.filter(([key]) => key.startsWith('lin') === linear)),
    })
    const lpips = loadLpips(device, [part(false), part(true)], 'two files')
    const size = { width: 64, height: 64 }
    const [a, b] = ['a', 'b'].map(x => golden.get(`alex_mix_patch_64x64/in/${x}`))
    expect(await lpips.distance(a, a, size)).toBe(0)
    expect(await lpips.distance(b, a, size)).toBeCloseTo(await lpips.distance(a, b, size), 6)
    await expect(lpips.distance(a, b, { width: 64, height: 63 })).rejects.toThrow('64x63 px are 12096 values, the pictures have 12288 and 12288')
    const few = new Float32Array(16 * 16 * 3)
    await expect(lpips.distance(few, few, { width: 16, height: 16 })).rejects.toThrow('no 3x3 window fits into 1x1 px; give a larger picture')
    lpips.release()
    expect(device.memory.used).toBe(before)
  })

  test('names the tensor of another network, of a missing one, and of one that is too small', async () => {
    const device = await simd()
    const alex = weightsOf('alex', 'mix')
    const load = (change: (tensors: Map<string, StoredTensor>) => void) => {
      const tensors = new Map(alex)
      change(tensors)
      return () => loadLpips(device, [{ tensors }], 'w.safetensors')
    }
    const zeros = (...shape: number[]): StoredTensor => ({ dtype: 'F32', shape, data: new Float32Array(shape.reduce((a, b) => a * b)) })
    expect(load(t => t.clear())).toThrow('w.safetensors: no tensor "features.0.weight", so these are no weights for LPIPS; give the convolutions')
    expect(load(t => t.set('features.0.weight', zeros(64, 3, 7, 7)))).toThrow(
      'tensor "features.0.weight" is [64, 3, 7, 7]; AlexNet has [64, 3, 11, 11], VGG16 has [64, 3, 3, 3]; give',
    )
    expect(load(t => t.delete('features.8.bias'))).toThrow('no tensor "features.8.bias", which LPIPS on AlexNet needs; give')
    expect(load(t => t.delete('lin3.model.1.weight'))).toThrow('no tensor "lin3.model.1.weight", which LPIPS on AlexNet needs')
    expect(load(t => t.set('lin1.model.1.weight', zeros(1, 128, 1, 1)))).toThrow(
      'tensor "lin1.model.1.weight" is F32 [1, 128, 1, 1], AlexNet has [1, 192, 1, 1]; give',
    )
  })
})

async function simd(): Promise<Device> {
  const found = (await testDevices()).find(({ name }) => name === 'SIMD, 2 threads')
  if (!found) throw new Error('no SIMD device')
  return found.device
}
