/** The linear map from an image embedding to blendshape coefficients that an encoder folder may hold. */
import type { SafetensorsFile } from '../io/safetensors.ts'
import { type Device, tensor } from '../tensor/device.ts'
import { dense } from '../tensor/ops/dense.ts'
import { showShape } from '../tensor/tensor.ts'
import { transposed } from './clipWeights.ts'
import type { ExpressionHead } from './textImageEncoder.ts'

/** Reads `weight` [n, D], `bias` [n] and the coefficients' names (metadata `outputs`). Throws, naming the piece, when one is missing or does not fit. */
export function loadExpressionHead(device: Device, { tensors, metadata }: SafetensorsFile, embeddingSize: number, file: string): ExpressionHead {
  const remedy = 'restore the file, or remove it: it is optional'
  if (metadata.outputs === undefined) throw new Error(`${file}: metadata "outputs" is missing, the coefficients' names; ${remedy}`)
  const names = metadata.outputs.split(',')
  const numbers = (name: string, shape: number[]): Float32Array => {
    const found = tensors.get(name)
    if (!found || !(found.data instanceof Float32Array) || showShape(found.shape) !== showShape(shape))
      throw new Error(
        `${file}: tensor "${name}" is ${found ? `${found.dtype} ${showShape(found.shape)}` : 'missing'}, not ${showShape(shape)}; ${remedy}`,
      )
    return found.data
  }
  const n = names.length
  const w = tensor(device, transposed(numbers('weight', [n, embeddingSize]), n), [embeddingSize, n])
  const b = tensor(device, numbers('bias', [n]), [n])
  return { names, coefficients: embedding => dense(embedding, w, b) }
}
