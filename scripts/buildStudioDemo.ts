// Packs what `npm run demo` made into the demo of the studio: npx tsx scripts/buildStudioDemo.ts [out/demo] [assets/demo/ada.zip]
// Weights of the hash grid go to half precision, densities to three bits of mantissa: they only say where to look. 10 MB become 1.3.
import { readFileSync } from 'node:fs'
import { writeAtomic } from '../src/io/files.ts'
import { float16ToFloat32 } from '../src/io/halfFloat.ts'
import { parseSafetensors } from '../src/io/safetensors.ts'
import { zip } from '../test/cli/zipWriter.ts'

const [folder = 'out/demo', output = 'assets/demo/ada.zip'] = process.argv.slice(2)
/** Bits of mantissa that a tensor keeps, of ten; the others stay in f32. */
const KEPT: Readonly<Record<string, number>> = { 'F/grid': 10, 'grid/density': 3 }

const read = (name: string): Uint8Array => new Uint8Array(readFileSync(`${folder}/${name}`))
const bytes = zip([
  { name: 'ada.scene', bytes: smaller(read('face.scene')) },
  { name: 'ada.anchors.json', bytes: read('face.anchors.json') },
  { name: 'surprised.edit', bytes: read('edit-1.edit') },
])
await writeAtomic(output, bytes)
console.log(`${output}: ${(bytes.length / 1e6).toFixed(2)} MB`)

/** The same scene with the tensors of KEPT in F16. Codes stay as they are: edits compare them bit by bit. */
function smaller(scene: Uint8Array): Uint8Array {
  const { tensors, metadata } = parseSafetensors(scene, 'face.scene')
  const header: Record<string, unknown> = { __metadata__: metadata }
  const parts: Uint8Array[] = []
  let at = 0
  for (const [name, { shape, data }] of tensors) {
    const half = Object.hasOwn(KEPT, name)
    const part = half ? toHalf(data as Float32Array, KEPT[name]) : data
    header[name] = { dtype: half ? 'F16' : 'F32', shape, data_offsets: [at, at + part.byteLength] }
    parts.push(new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
    at += part.byteLength
  }
  const text = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  return new Uint8Array(Buffer.concat([length, text, ...parts]))
}

/** The nearest half-precision numbers that have so many bits of mantissa. */
function toHalf(values: Float32Array, bits: number): Uint16Array {
  const table = float16ToFloat32(Uint16Array.from({ length: 0x7c00 }, (_, i) => i))
  const step = 1 << (10 - bits)
  return Uint16Array.from(values, value => {
    const size = Math.abs(value)
    // The largest half not above it: halves are in the order of their bits.
    let [low, high] = [0, table.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (table[middle] <= size) low = middle
      else high = middle - 1
    }
    const down = low - (low % step)
    const up = Math.min(down + step, table.length - 1)
    return (size - table[down] <= table[up] - size ? down : up) | (value < 0 ? 0x8000 : 0)
  })
}
