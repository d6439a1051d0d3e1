/** Weights of a model.safetensors by their Hugging Face names, checked and uploaded as the tensor layer wants them. */
import type { SafetensorsFile } from '../io/safetensors.ts'
import { type Device, tensor } from '../tensor/device.ts'
import { elements, type Shape, sameShape, showShape, type Tensor } from '../tensor/tensor.ts'

/** A dense layer: weight [in, out] and, where the layer has one, bias [out]. */
export interface LinearWeights {
  readonly w: Tensor
  readonly b?: Tensor
}
export interface NormWeights {
  readonly gamma: Tensor
  readonly beta: Tensor
}

export class ClipWeights {
  constructor(
    readonly device: Device,
    private readonly tensors: SafetensorsFile['tensors'],
    /** What errors call the file. */
    private readonly file: string,
  ) {}

  /** The numbers of one tensor. Throws when it is missing, of another shape, or not of a float type. */
  numbers(name: string, shape: Shape): Float32Array {
    const found = this.tensors.get(name)
    if (!found) throw new Error(`${this.file}: no tensor "${name}"; use the model.safetensors that belongs to config.json`)
    if (!(found.data instanceof Float32Array))
      throw new Error(`${this.file}: tensor "${name}" is ${found.dtype}; convert the weights to F32, F16 or BF16`)
    if (!sameShape(found.shape, shape)) {
      throw new Error(
        `${this.file}: tensor "${name}" is ${showShape(found.shape)}, config.json asks for ${showShape(shape)}; use the files of one model`,
      )
    }
    return found.data
  }

  /** One tensor on the device. */
  leaf(name: string, shape: Shape): Tensor {
    return tensor(this.device, this.numbers(name, shape), shape)
  }

  /** `name.weight` (stored (out, in) as in torch) and, unless `bias` is false, `name.bias`. */
  linear(name: string, nIn: number, nOut: number, bias = true): LinearWeights {
    const w = tensor(this.device, transposed(this.numbers(`${name}.weight`, [nOut, nIn]), nOut), [nIn, nOut])
    return bias ? { w, b: this.leaf(`${name}.bias`, [nOut]) } : { w }
  }

  norm(name: string, width: number): NormWeights {
    return { gamma: this.leaf(`${name}.weight`, [width]), beta: this.leaf(`${name}.bias`, [width]) }
  }
}

/** Row-major [rows, n] -> [n, rows]. */
export function transposed(values: Float32Array, rows: number): Float32Array {
  const columns = values.length / rows
  const out = new Float32Array(elements([rows, columns]))
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = values[r * columns + c]
  return out
}
