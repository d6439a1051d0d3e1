/** Named arrays that the host writes before each step, in one piece of device memory and one transfer. */
import { type Device, Storage } from '../tensor/device.ts'
import type { DType, Numbers, Shape, Tensor } from '../tensor/tensor.ts'

/** Words between the beginnings of arrays: what a GPU binds at. */
const ALIGNMENT = 64

export class HostBatch<Name extends string> {
  private readonly storage: Storage
  private readonly words: Uint32Array
  private readonly floats: Float32Array
  private readonly places = new Map<string, { readonly offset: number; readonly length: number }>()

  /** @param lengths of the arrays, in numbers of 4 bytes */
  constructor(device: Device, lengths: Readonly<Record<Name, number>>) {
    let end = 0
    for (const [name, length] of Object.entries<number>(lengths)) {
      this.places.set(name, { offset: end, length })
      end += Math.ceil(length / ALIGNMENT) * ALIGNMENT
    }
    this.storage = new Storage(device, end, 'u32')
    this.words = new Uint32Array(end)
    this.floats = new Float32Array(this.words.buffer)
  }

  /** The array as a leaf tensor. Throws when the shape has more numbers than the array. */
  tensor(name: Name, shape: Shape, dtype: DType = 'f32'): Tensor {
    return this.storage.tensor(shape, this.placeOf(name).offset, dtype)
  }

  /** Overwrites the named arrays and sends all of them, before the next run. Throws when one has another length. */
  write(arrays: Readonly<Partial<Record<Name, Numbers>>>): void {
    for (const [name, values] of Object.entries<Numbers | undefined>(arrays)) {
      if (!values) continue
      const { offset, length } = this.placeOf(name)
      if (values.length !== length) throw new Error(`hostBatch: ${values.length} numbers for ${name}, which has ${length}`)
      if (values instanceof Float32Array) this.floats.set(values, offset)
      else this.words.set(values, offset)
    }
    this.storage.write(this.words)
  }

  release(): void {
    this.storage.release()
  }

  private placeOf(name: string): { readonly offset: number; readonly length: number } {
    const place = this.places.get(name)
    if (!place) throw new Error(`hostBatch: no array ${name}; there are ${[...this.places.keys()].join(', ')}`)
    return place
  }
}
