/**
 * LPIPS (Zhang et al. 2018, version 0.1): distance of two pictures in the features of a network trained to recognise things. Features after five ReLUs, brought
 * to unit norm pixel by pixel; squared differences weighted by learnt numbers per channel; means over pixels; their sum.
 */
import type { SafetensorsFile } from '../io/safetensors.ts'
import { convolution, kernelRows } from '../nn/convolution.ts'
import { type Device, Storage } from '../tensor/device.ts'
import { dense } from '../tensor/ops/dense.ts'
import { square, sub } from '../tensor/ops/elementwise.ts'
import { l2Normalize } from '../tensor/ops/l2Normalize.ts'
import { maxPool } from '../tensor/ops/maxPool.ts'
import { mean } from '../tensor/ops/reduce.ts'
import { sliceRows } from '../tensor/ops/rows.ts'
import { compile, type Plan } from '../tensor/plan.ts'
import { elements, reshape, type Shape, sameShape, showShape, type Tensor } from '../tensor/tensor.ts'

/** One convolution with its ReLU: place in torchvision's `features`, channels out, window. `pool` pools before it, `tap` reads its features. */
interface Layer {
  readonly index: number
  readonly out: number
  readonly size: number
  readonly stride: number
  readonly padding: number
  readonly pool?: number
  readonly tap?: boolean
}

interface Network {
  readonly name: 'AlexNet' | 'VGG16'
  readonly layers: readonly Layer[]
}

const conv3 = (index: number, out: number, more: Partial<Layer> = {}): Layer => ({ index, out, size: 3, stride: 1, padding: 1, ...more })

const ALEXNET: Network = {
  name: 'AlexNet',
  layers: [
    { index: 0, out: 64, size: 11, stride: 4, padding: 2, tap: true },
    { index: 3, out: 192, size: 5, stride: 1, padding: 2, pool: 3, tap: true },
    conv3(6, 384, { pool: 3, tap: true }),
    conv3(8, 256, { tap: true }),
    conv3(10, 256, { tap: true }),
  ],
}

const VGG16: Network = {
  name: 'VGG16',
  layers: [
    conv3(0, 64),
    conv3(2, 64, { tap: true }),
    conv3(5, 128, { pool: 2 }),
    conv3(7, 128, { tap: true }),
    conv3(10, 256, { pool: 2 }),
    conv3(12, 256),
    conv3(14, 256, { tap: true }),
    conv3(17, 512, { pool: 2 }),
    conv3(19, 512),
    conv3(21, 512, { tap: true }),
    conv3(24, 512, { pool: 2 }),
    conv3(26, 512),
    conv3(28, 512, { tap: true }),
  ],
}

const NETWORKS = [ALEXNET, VGG16]

/** Of lpips' scaling layer: (2 · sRGB − 1 − shift) / scale. */
const SHIFT = [-0.03, -0.088, -0.188]
const SCALE = [0.458, 0.448, 0.45]
const EPS = 1e-10

/** What to say of weights that are not LPIPS': where the names come from. */
const REMEDY =
  'give the convolutions of torchvision\'s alexnet or vgg16 ("features.0.weight" …) with the linear layers of the lpips package ("lin0.model.1.weight" …), or the state of lpips.LPIPS'

/** LPIPS 0.1 on a device; `loadLpips` makes one. */
export class Lpips {
  private readonly plans = new Map<string, { plan: Plan; pictures: Storage; layers: readonly Tensor[] }>()

  constructor(
    readonly device: Device,
    private readonly network: Network,
    private readonly weights: readonly { kernel: Storage; bias: Storage; linear?: Storage }[],
  ) {}

  /** For the report: 'LPIPS, AlexNet'. */
  get name(): string {
    return `LPIPS, ${this.network.name}`
  }

  /** Distance of two pictures [H · W · 3], sRGB 0..1; 0 for equal ones. Throws when a picture has another size, or is smaller than the network's windows. */
  async distance(a: ArrayLike<number>, b: ArrayLike<number>, size: { width: number; height: number }): Promise<number> {
    const layers = await this.layerDistances(a, b, size)
    return layers.reduce((sum, value) => sum + value, 0)
  }

  /** The five layers' parts of the distance. Throws as `distance`. */
  async layerDistances(a: ArrayLike<number>, b: ArrayLike<number>, { width, height }: { width: number; height: number }): Promise<number[]> {
    const count = width * height * 3
    if (a.length !== count || b.length !== count)
      throw new Error(`LPIPS: ${width}x${height} px are ${count} values, the pictures have ${a.length} and ${b.length}; compare pictures of one size`)
    const { plan, pictures, layers } = this.planFor(width, height)
    const scaled = (picture: ArrayLike<number>): Float32Array =>
      Float32Array.from(picture, (value, i) => (2 * value - 1 - SHIFT[i % 3]) / SCALE[i % 3])
    pictures.write(scaled(a))
    pictures.write(scaled(b), count)
    plan.run()
    const distances: number[] = []
    for (const layer of layers) distances.push((await plan.read(layer))[0])
    return distances
  }

  private planFor(width: number, height: number) {
    const key = `${width}x${height}`
    const known = this.plans.get(key)
    if (known) return known
    const pictures = new Storage(this.device, 2 * width * height * 3)
    try {
      const layers = this.record(pictures.tensor([2, height, width, 3]))
      const made = { plan: compile(this.device, { outputs: layers }), pictures, layers }
      this.plans.set(key, made)
      return made
    } catch (error) {
      pictures.release()
      throw error
    }
  }

  /** Scaled pictures [2, H, W, 3] -> a scalar per tapped layer. */
  private record(pictures: Tensor): Tensor[] {
    const distances: Tensor[] = []
    let x = pictures
    for (const [i, { out, pool, tap, ...windows }] of this.network.layers.entries()) {
      const { kernel, bias, linear } = this.weights[i]
      if (pool) x = maxPool(x, pool, 2)
      const k = kernel.tensor([kernel.length / out, out])
      x = convolution(x, k, bias.tensor([out]), { ...windows, activation: 'relu' })
      if (!tap || !linear) continue
      const rows = elements(x.shape) / out / 2
      const unit = l2Normalize(reshape(x, [2 * rows, out]), EPS)
      const difference = square(sub(sliceRows(unit, 0, rows), sliceRows(unit, rows, 2 * rows)))
      distances.push(mean(dense(difference, linear.tensor([out, 1]))))
    }
    return distances
  }

  /** Gives its memory back; it must no longer be used. */
  release(): void {
    for (const { plan, pictures } of this.plans.values()) {
      plan[Symbol.dispose]()
      pictures.release()
    }
    this.plans.clear()
    for (const { kernel, bias, linear } of this.weights) for (const storage of [kernel, bias, linear]) storage?.release()
  }
}

/**
 * LPIPS from weights of one safetensors file or several (the network's and the linear layers'). Which network follows from the first convolution.
 * Throws, naming the tensor, for weights of another network and for missing ones.
 */
export function loadLpips(device: Device, files: readonly Pick<SafetensorsFile, 'tensors'>[], name: string): Lpips {
  const find = (names: readonly string[]) => names.flatMap(key => files.flatMap(({ tensors }) => tensors.get(key) ?? []))[0]
  const first = find(convolutionNames(0, 1, 'weight'))
  if (!first) throw new Error(`${name}: no tensor "features.0.weight", so these are no weights for LPIPS; ${REMEDY}`)
  const network = NETWORKS.find(({ layers: [layer] }) => sameShape(first.shape, [layer.out, 3, layer.size, layer.size]))
  if (!network) {
    const wanted = NETWORKS.map(({ name: known, layers: [{ out, size }] }) => `${known} has ${showShape([out, 3, size, size])}`).join(', ')
    throw new Error(`${name}: tensor "features.0.weight" is ${showShape(first.shape)}; ${wanted}; ${REMEDY}`)
  }
  const read = (names: readonly string[], shape: Shape): Float32Array => {
    const found = find(names)
    if (!found) throw new Error(`${name}: no tensor "${names[0]}", which LPIPS on ${network.name} needs; ${REMEDY}`)
    if (!(found.data instanceof Float32Array) || !sameShape(found.shape, shape))
      throw new Error(`${name}: tensor "${names[0]}" is ${found.dtype} ${showShape(found.shape)}, ${network.name} has ${showShape(shape)}; ${REMEDY}`)
    return found.data
  }
  const upload = (values: Float32Array): Storage => {
    const storage = new Storage(device, values.length)
    storage.write(values)
    return storage
  }
  // everything is read before anything is uploaded: an error leaves no memory behind
  let taps = 0
  const numbers = network.layers.map(({ index, out, size, tap }, i) => {
    const shape = [out, i === 0 ? 3 : network.layers[i - 1].out, size, size]
    const linear = tap ? read([`lin${taps}.model.1.weight`, `lins.${taps}.model.1.weight`], [1, out, 1, 1]) : undefined
    const names = (kind: 'weight' | 'bias'): string[] => convolutionNames(index, taps + 1, kind)
    const layer = { kernel: kernelRows(read(names('weight'), shape), shape), bias: read(names('bias'), [out]), linear }
    if (tap) taps++
    return layer
  })
  const weights = numbers.map(({ kernel, bias, linear }) => ({ kernel: upload(kernel), bias: upload(bias), linear: linear && upload(linear) }))
  return new Lpips(device, network, weights)
}

/** As torchvision calls it, and as a saved lpips.LPIPS does. */
const convolutionNames = (index: number, slice: number, kind: 'weight' | 'bias'): string[] => [
  `features.${index}.${kind}`,
  `net.slice${slice}.${index}.${kind}`,
]
