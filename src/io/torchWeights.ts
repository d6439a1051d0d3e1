/** pytorch_model.bin as PyTorch 1.6 and later writes it: a zip of one pickle and the bytes of each storage. Nothing in it is run. */
import { type PickleValue, readPickle } from './pickle.ts'
import type { WeightEntry } from './weightFiles.ts'
import { type ReadRange, storedEntries } from './zipDirectory.ts'

const STORAGES: Record<string, { dtype: string; size: number }> = {
  'torch.FloatStorage': { dtype: 'F32', size: 4 },
  'torch.HalfStorage': { dtype: 'F16', size: 2 },
  'torch.BFloat16Storage': { dtype: 'BF16', size: 2 },
  'torch.DoubleStorage': { dtype: 'F64', size: 8 },
  'torch.LongStorage': { dtype: 'I64', size: 8 },
  'torch.IntStorage': { dtype: 'I32', size: 4 },
  'torch.ByteStorage': { dtype: 'U8', size: 1 },
  'torch.BoolStorage': { dtype: 'BOOL', size: 1 },
}

/** The tensors of a file of `size` bytes. Throws, naming file and tensor, when it is not a state dictionary of plain tensors. */
export async function torchEntries(read: ReadRange, size: number, name: string): Promise<Map<string, WeightEntry>> {
  const start = await read(0, 2)
  if (start[0] !== 0x50) throw new Error(`${name}: written by PyTorch before 1.6, which is not supported; convert the model to safetensors`)
  const files = await storedEntries(read, size, name)
  const pickle = [...files.keys()].find(path => /(^|\/)data\.pkl$/.test(path))
  const place = pickle === undefined ? undefined : files.get(pickle)
  if (pickle === undefined || !place) throw new Error(`${name}: no data.pkl inside, so these are no PyTorch weights; download the file again`)
  const root = readPickle(await read(place.begin, place.end), name)
  const inner = root instanceof Map ? root.get('state_dict') : undefined
  const state = inner instanceof Map ? inner : root
  if (!(state instanceof Map)) throw new Error(`${name}: holds no dictionary of weights; convert the model to safetensors`)
  const folder = pickle.slice(0, -'data.pkl'.length)
  const entries = new Map<string, WeightEntry>()
  for (const [key, value] of state) {
    if (typeof key !== 'string') continue
    const tensor = tensorOf(value, `${name}: tensor "${key}"`)
    if (!tensor) continue // counters and the like
    const storage = files.get(`${folder}data/${tensor.storage}`)
    if (!storage) throw new Error(`${name}: tensor "${key}" lies in storage ${tensor.storage}, which is not there; download the file again`)
    entries.set(key, entryOf(tensor, storage, read, `${name}: tensor "${key}"`, name))
  }
  return entries
}

interface TorchTensor {
  readonly storage: string
  readonly dtype: string
  /** Bytes of one element. */
  readonly size: number
  /** In elements. */
  readonly offset: number
  readonly shape: number[]
  readonly strides: number[]
}

/** torch._utils._rebuild_tensor_v2(storage, offset, shape, strides, …), also inside a Parameter. */
function tensorOf(value: PickleValue, where: string): TorchTensor | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Map || value.kind !== 'call') return undefined
  const callee = isName(value.callee) ? value.callee.name : ''
  const args = Array.isArray(value.args) ? value.args : []
  if (callee === 'torch._utils._rebuild_parameter') return tensorOf(args[0], where)
  if (callee !== 'torch._utils._rebuild_tensor_v2')
    throw new Error(`${where} is made by ${callee || 'an unknown call'}; convert the model to safetensors`)
  const [reference, offset, shape, strides] = args
  const id = typeof reference === 'object' && reference !== null && 'kind' in reference && reference.kind === 'reference' ? reference.id : undefined
  const [, type, storage] = Array.isArray(id) ? id : []
  const kind = isName(type) ? STORAGES[type.name] : undefined
  if (!kind || typeof storage !== 'string' || !/^\d+$/.test(storage) || !isCounts(shape) || !isCounts(strides) || !isCounts([offset])) {
    throw new Error(`${where} is not a plain tensor; convert the model to safetensors`)
  }
  return { storage, ...kind, offset: Number(offset), shape, strides }
}

const isName = (value: PickleValue | undefined): value is { kind: 'name'; name: string } =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'name'
const isCounts = (value: PickleValue | undefined): value is number[] =>
  Array.isArray(value) && value.every(n => Number.isSafeInteger(n) && Number(n) >= 0)

function entryOf(
  { dtype, size, offset, shape, strides }: TorchTensor,
  storage: { begin: number; end: number },
  read: ReadRange,
  where: string,
  file: string,
): WeightEntry {
  const count = shape.reduce((a, b) => a * b, 1)
  const last = shape.reduce((sum, n, axis) => sum + (n - 1) * strides[axis], offset)
  const begin = storage.begin + offset * size
  if (count > 0 && storage.begin + (last + 1) * size > storage.end) throw new Error(`${where} reaches beyond its storage; download the file again`)
  const isPlain = shape.every((n, axis) => n === 1 || strides[axis] === shape.slice(axis + 1).reduce((a, b) => a * b, 1))
  return {
    dtype,
    shape,
    file,
    async bytes() {
      if (isPlain) return read(begin, begin + count * size)
      // a view of another tensor, such as a transpose: gathered row by row
      const whole = await read(begin, storage.begin + (last + 1) * size)
      const out = new Uint8Array(count * size)
      for (let i = 0; i < count; i++) {
        let [rest, from] = [i, 0]
        for (let axis = shape.length - 1; axis >= 0; axis--) {
          from += (rest % shape[axis]) * strides[axis]
          rest = Math.floor(rest / shape[axis])
        }
        out.set(whole.subarray(from * size, (from + 1) * size), i * size)
      }
      return out
    },
  }
}
