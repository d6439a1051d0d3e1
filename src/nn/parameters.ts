/** Trainable numbers: declared as plain data, laid out in one flat buffer, so that one dispatch updates a whole group. */
import { type Device, Storage } from '../tensor/device.ts'
import { HostRandom, hashName } from '../tensor/hostRandom.ts'
import { elements, type Shape, showShape, type Tensor } from '../tensor/tensor.ts'

/** Fills a parameter's initial values. */
export type Initializer = (random: HostRandom, shape: Shape) => Float32Array

export interface ParameterSpec {
  readonly shape: Shape
  readonly init: Initializer
  /** Parameters of one group share a learning rate. */
  readonly group: string
}
export type ParameterSpecs = Readonly<Record<string, ParameterSpec>>

const generate = (shape: Shape, draw: () => number): Float32Array => Float32Array.from({ length: elements(shape) }, draw)

export const zeros: Initializer = (_, shape) => new Float32Array(elements(shape))
export const constant =
  (value: number): Initializer =>
  (_, shape) =>
    new Float32Array(elements(shape)).fill(value)
/** Uniform in [low, high). */
export const uniformInit =
  (low: number, high: number): Initializer =>
  (random, shape) =>
    generate(shape, () => low + (high - low) * random.next())
export const normalInit =
  (deviation: number): Initializer =>
  (random, shape) =>
    generate(shape, () => deviation * random.normal())
/** Glorot uniform for a kernel [in, out]: ±√(6 / (in + out)). */
export const glorotUniform: Initializer = (random, shape) => {
  const limit = Math.sqrt(6 / (shape[0] + shape[1]))
  return generate(shape, () => limit * (2 * random.next() - 1))
}

/** Kernels bind at multiples of 256 bytes. */
const ALIGN = 64

interface Group {
  readonly name: string
  /** Elements [offset, offset + length) of the flat buffer. */
  readonly offset: number
  readonly length: number
}

/** Parameters on a device: one flat storage, a leaf tensor per name. */
export class ParameterSet {
  readonly groups: readonly Group[]
  readonly flat: Storage
  private readonly leaves = new Map<string, Tensor>()
  private readonly offsets = new Map<string, number>()

  /** Lays out, group by group, and initialises. */
  constructor(
    readonly device: Device,
    readonly specs: ParameterSpecs,
    seed: number,
  ) {
    const groups: Group[] = []
    let offset = 0
    for (const name of new Set(Object.values(specs).map(s => s.group))) {
      const start = offset
      for (const [key, spec] of Object.entries(specs)) {
        if (spec.group !== name) continue
        this.offsets.set(key, offset)
        offset += Math.ceil(elements(spec.shape) / ALIGN) * ALIGN
      }
      groups.push({ name, offset: start, length: offset - start })
    }
    this.groups = groups
    this.flat = new Storage(device, offset)
    for (const [key, { shape }] of Object.entries(specs)) this.leaves.set(key, this.flat.tensor(shape, this.offset(key)))
    this.initialize(seed)
  }

  /** Draws all initial values again: every parameter has its own random stream, named after it. */
  initialize(seed: number): void {
    for (const [key, { shape, init }] of Object.entries(this.specs))
      this.flat.write(init(new HostRandom(seed, hashName(key)), shape), this.offset(key))
  }

  /** The leaf tensor of a parameter. Throws for an unknown name. */
  get(name: string): Tensor {
    const leaf = this.leaves.get(name)
    if (!leaf) throw new Error(`parameters: no parameter ${name}; there are ${[...this.leaves.keys()].join(', ')}`)
    return leaf
  }

  get names(): string[] {
    return [...this.leaves.keys()]
  }

  /** Where a parameter starts in the flat buffer, in elements. */
  offset(name: string): number {
    const at = this.offsets.get(name)
    if (at === undefined) throw new Error(`parameters: no parameter ${name}`)
    return at
  }

  /** Copies of all values. */
  async read(): Promise<Map<string, { shape: Shape; data: Float32Array }>> {
    const flat = await this.flat.read()
    return new Map(
      Object.entries(this.specs).map(([name, { shape }]) => [
        name,
        { shape, data: flat.slice(this.offset(name), this.offset(name) + elements(shape)) },
      ]),
    )
  }

  /** Overwrites all values. Throws when a name is missing or a shape differs. */
  write(values: ReadonlyMap<string, { shape: Shape; data: Float32Array }>, source: string): void {
    for (const [name, { shape }] of Object.entries(this.specs)) {
      const found = values.get(name)
      if (!found) throw new Error(`${source}: parameter ${name} is missing; the file belongs to another preset or was cut`)
      if (found.data.length !== elements(shape))
        throw new Error(`${source}: parameter ${name} is ${showShape(found.shape)}, expected ${showShape(shape)}`)
      this.flat.write(found.data, this.offset(name))
    }
  }

  release(): void {
    this.flat.release()
  }
}
