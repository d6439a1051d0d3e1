/** A model's weights in one safetensors file or several, read tensor by tensor, so that no file need be in memory as a whole. */

import type { FileSource } from './files.ts'
import { parseJson } from './json.ts'
import { parseSafetensorsHeader, type SafetensorsFile, safetensorsHeaderBytes, type TensorPlace } from './safetensors.ts'
import { torchEntries } from './torchWeights.ts'

/** A tensor that can be read: its type as the file names it ('F16'), row-major shape, and how errors call its file. */
export interface WeightEntry {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly file: string
  /** Its bytes as stored; may share memory with what else was read. */
  bytes(): Promise<Uint8Array>
}

export interface WeightFiles {
  /** What errors call the model's weights as a whole. */
  readonly name: string
  readonly entries: ReadonlyMap<string, WeightEntry>
}

export const WEIGHT_FILE = 'model.safetensors'
export const WEIGHT_INDEX = 'model.safetensors.index.json'
/** PyTorch's file, where a repository has nothing better. */
export const TORCH_FILE = 'pytorch_model.bin'

/**
 * Opens model.safetensors, the shards that model.safetensors.index.json lists, or else pytorch_model.bin (as data: nothing in it is run). Headers are read at once, tensors when asked for; a source without ranges
 * (a web address) is read whole and kept until the result is dropped. Throws when a file is missing, damaged, or the index names a tensor its shard lacks.
 */
export async function openWeightFiles(files: FileSource): Promise<WeightFiles> {
  if (await files.exists(WEIGHT_FILE)) return { name: files.describe(WEIGHT_FILE), entries: await entriesOf(files, WEIGHT_FILE) }
  if (!(await files.exists(WEIGHT_INDEX))) {
    if (await files.exists(TORCH_FILE)) {
      const { size, read } = await reader(files, TORCH_FILE)
      return { name: files.describe(TORCH_FILE), entries: await torchEntries(read, size, files.describe(TORCH_FILE)) }
    }
    const instead = 'download every file of the model from its page'
    throw new Error(`${files.describe(WEIGHT_FILE)}: an encoder folder without a ${WEIGHT_FILE} (or ${WEIGHT_INDEX} and its shards); ${instead}`)
  }
  const name = files.describe(WEIGHT_INDEX)
  const shardOf = readIndex(new TextDecoder().decode(await files.read(WEIGHT_INDEX)), name)
  const entries = new Map<string, WeightEntry>()
  for (const shard of new Set(shardOf.values())) {
    if (!(await files.exists(shard)))
      throw new Error(`${files.describe(shard)}: no such file, but ${name} names it; download every shard of the model`)
    for (const [key, entry] of await entriesOf(files, shard)) if (shardOf.get(key) === shard) entries.set(key, entry)
  }
  for (const [key, shard] of shardOf) {
    if (!entries.has(key)) throw new Error(`${files.describe(shard)}: no tensor "${key}", though ${name} says so; download the model's files again`)
  }
  return { name, entries }
}

/** The tensors of a file already parsed. */
export function weightsInMemory({ tensors }: Pick<SafetensorsFile, 'tensors'>, name: string): WeightFiles {
  const entry = (key: string, dtype: string, shape: number[]): [string, WeightEntry] => [
    key,
    {
      // parsing widened the half precisions
      dtype: dtype === 'F16' || dtype === 'BF16' || dtype === 'F64' ? 'F32' : dtype,
      shape,
      file: name,
      bytes: async () => {
        const data = tensors.get(key)?.data ?? new Uint8Array()
        return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      },
    },
  ]
  return { name, entries: new Map([...tensors].map(([key, { dtype, shape }]) => entry(key, dtype, shape))) }
}

async function entriesOf(files: FileSource, path: string): Promise<Map<string, WeightEntry>> {
  const file = files.describe(path)
  const { size, read } = await reader(files, path)
  const start = await read(0, Math.min(8, size))
  const { entries } = parseSafetensorsHeader(await read(0, Math.min(safetensorsHeaderBytes(start, file), size)), size, file)
  const open = ({ dtype, shape, begin, end }: TensorPlace): WeightEntry => ({ dtype, shape, file, bytes: () => read(begin, end) })
  return new Map([...entries].map(([key, place]) => [key, open(place)]))
}

/** Ranges of a file: from the source, or, where it has none, from the whole file. */
async function reader(files: FileSource, path: string): Promise<{ size: number; read: (begin: number, end: number) => Promise<Uint8Array> }> {
  const [length, range] = [files.size?.bind(files), files.readRange?.bind(files)]
  if (length && range) return { size: await length(path), read: (begin, end) => range(path, begin, end) }
  const whole = await files.read(path)
  return { size: whole.length, read: async (begin, end) => whole.subarray(begin, end) }
}

function readIndex(json: string, name: string): Map<string, string> {
  const again = 'download the file again'
  const index = parseJson(json, name, again)
  const map: unknown = typeof index === 'object' && index !== null && 'weight_map' in index ? index.weight_map : undefined
  if (typeof map !== 'object' || map === null) throw new Error(`${name}: weight_map is ${JSON.stringify(map)}, not an object of file names; ${again}`)
  return new Map(
    Object.entries(map).map(([key, shard]: [string, unknown]) => {
      // a path that leaves the folder would read what the person did not point at
      if (typeof shard !== 'string' || /[/\\]|^\.+$/.test(shard))
        throw new Error(`${name}: weight_map puts "${key}" into ${JSON.stringify(shard)}, which is not a file of this folder; ${again}`)
      return [key, shard]
    }),
  )
}
