/** Weights of a CLIP or SigLIP by their Hugging Face names, checked, and uploaded as the device wants them: 16-bit matrices stay 16-bit on a GPU. */
import { readTensor } from '../io/safetensors.ts'
import type { WeightEntry, WeightFiles } from '../io/weightFiles.ts'
import { type Device, Storage } from '../tensor/device.ts'
import { dense } from '../tensor/ops/dense.ts'
import { type HalfFormat, halfDense, halfWords } from '../tensor/ops/halfDense.ts'
import { elements, type Shape, sameShape, showShape, type Tensor } from '../tensor/tensor.ts'

/** A dense layer; `linear` applies it. */
export interface LinearWeights {
  /** [in, out] in f32; with `half` the words of [out, in] as stored. */
  readonly w: Tensor
  /** [out]. */
  readonly b?: Tensor
  readonly half?: { readonly format: HalfFormat; readonly nOut: number }
}
export interface NormWeights {
  readonly gamma: Tensor
  readonly beta: Tensor
}

/** x [..., in] -> [..., out]. */
export function linear(x: Tensor, { w, b, half }: LinearWeights): Tensor {
  return half ? halfDense(x, w, b, half) : dense(x, w, b)
}

/** Rows of a table that stays on the host as stored: a text touches a few, and a large one would not fit one binding of a GPU. */
export type RowTable = (row: number) => Float32Array

const HALF: Readonly<Record<string, HalfFormat>> = { F16: 'f16', BF16: 'bf16' }
const FLOATS = ['F32', 'F16', 'BF16', 'F64']

export class ClipWeights {
  private readonly storages: Storage[] = []

  constructor(
    readonly device: Device,
    private readonly files: WeightFiles,
  ) {}

  /** The numbers of one tensor, widened to f32. Throws when it is missing, of another shape, or not of a float type. */
  async numbers(name: string, shape: Shape): Promise<Float32Array> {
    const entry = this.entry(name, shape)
    return readTensor(entry.dtype, await entry.bytes()) as Float32Array
  }

  /** One tensor on the device. Throws as `numbers`. */
  async leaf(name: string, shape: Shape): Promise<Tensor> {
    return this.upload(await this.numbers(name, shape), shape)
  }

  /** `name.weight` (stored (out, in) as in torch) and, unless `bias` is false, `name.bias`. Throws as `numbers`. */
  async linear(name: string, nIn: number, nOut: number, bias = true): Promise<LinearWeights> {
    const { dtype, bytes } = this.entry(`${name}.weight`, [nOut, nIn])
    const b = bias ? await this.leaf(`${name}.bias`, [nOut]) : undefined
    return this.layer(dtype, await bytes(), nIn, nOut, b)
  }

  /** Part number `part` of a layer that torch keeps packed: so many rows of `name_weight` [parts·out, in] and of `name_bias`. Throws as `numbers`. */
  async packedLinear(name: string, nIn: number, nOut: number, parts: number, part: number): Promise<LinearWeights> {
    const { dtype, bytes } = this.entry(`${name}_weight`, [parts * nOut, nIn])
    const all = await bytes()
    const stride = all.length / parts
    const bias = await this.numbers(`${name}_bias`, [parts * nOut])
    const b = this.upload(bias.slice(part * nOut, (part + 1) * nOut), [nOut])
    return this.layer(dtype, all.subarray(part * stride, (part + 1) * stride), nIn, nOut, b)
  }

  async norm(name: string, width: number): Promise<NormWeights> {
    return { gamma: await this.leaf(`${name}.weight`, [width]), beta: await this.leaf(`${name}.bias`, [width]) }
  }

  /** A table [rows, width] on the host, its rows widened when they are asked for. Throws as `numbers`. */
  async table(name: string, rows: number, width: number): Promise<RowTable> {
    const entry = this.entry(name, [rows, width])
    // a copy: the bytes may be a view that would keep a whole file in memory
    const bytes = (await entry.bytes()).slice()
    const stride = bytes.length / rows
    return row => readTensor(entry.dtype, bytes.subarray(row * stride, (row + 1) * stride)) as Float32Array
  }

  /** Numbers of one's own on the device, released with the weights. */
  upload(values: Float32Array | Uint32Array, shape: Shape): Tensor {
    const storage = new Storage(this.device, values.length, values instanceof Uint32Array ? 'u32' : 'f32')
    this.storages.push(storage)
    storage.write(values)
    return storage.tensor(shape)
  }

  /** Gives the device memory back; what was made of the weights must no longer be used. */
  release(): void {
    for (const storage of this.storages.splice(0)) storage.release()
  }

  private layer(dtype: string, bytes: Uint8Array, nIn: number, nOut: number, b: Tensor | undefined): LinearWeights {
    const format = HALF[dtype]
    if (this.device.kind === 'gpu' && format) {
      const words = packed(bytes, nIn * nOut)
      return { w: this.upload(words, [words.length]), b, half: { format, nOut } }
    }
    return { w: this.upload(transposed(readTensor(dtype, bytes) as Float32Array, nOut), [nIn, nOut]), b }
  }

  private entry(name: string, shape: Shape): WeightEntry {
    const found = this.files.entries.get(name)
    if (!found) throw new Error(`${this.files.name}: no tensor "${name}"; use the ${fileName(this.files.name)} that belongs to config.json`)
    if (!FLOATS.includes(found.dtype)) throw new Error(`${found.file}: tensor "${name}" is ${found.dtype}; convert the weights to F32, F16 or BF16`)
    if (!sameShape(found.shape, shape)) {
      throw new Error(
        `${found.file}: tensor "${name}" is ${showShape(found.shape)}, config.json asks for ${showShape(shape)}; use the files of one model`,
      )
    }
    return found
  }
}

const fileName = (path: string): string => path.split(/[/\\]/).at(-1) ?? path

/** `count` 16-bit numbers as whole words, without a copy where the bytes lie so already. */
function packed(bytes: Uint8Array, count: number): Uint32Array {
  const words = halfWords(count)
  if (bytes.byteOffset % 4 === 0 && bytes.byteLength === words * 4) return new Uint32Array(bytes.buffer, bytes.byteOffset, words)
  const out = new Uint32Array(words)
  new Uint8Array(out.buffer).set(bytes)
  return out
}

/** Side of the blocks in which a matrix is transposed: both sides of one stay in the processor's cache. */
const BLOCK = 32

/** Row-major [rows, n] -> [n, rows]. */
export function transposed(values: Float32Array, rows: number): Float32Array {
  const columns = values.length / rows
  const out = new Float32Array(elements([rows, columns]))
  for (let r0 = 0; r0 < rows; r0 += BLOCK) {
    for (let c0 = 0; c0 < columns; c0 += BLOCK) {
      for (let r = r0; r < Math.min(r0 + BLOCK, rows); r++) {
        for (let c = c0; c < Math.min(c0 + BLOCK, columns); c++) out[c * rows + r] = values[r * columns + c]
      }
    }
  }
  return out
}
