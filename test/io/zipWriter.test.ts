/** Zips are read back by the readers of the studio and of PyTorch's files, and by unzip's rules: checksums, order, names in UTF-8. */
import { expect, test } from 'vitest'
import { crc32 } from '../../src/io/png.ts'
import { storedEntries } from '../../src/io/zipDirectory.ts'
import { ZipWriter } from '../../src/io/zipWriter.ts'
import { unzip } from '../../studio/src/worker/zip.ts'

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(new TextEncoder().encode(text))

test('files come back by name, byte for byte, an empty one too', async () => {
  const files = { '00000.png': bytesOf('first'), 'empty.bin': new Uint8Array(), 'ein Gesicht – überrascht.json': bytesOf('{}') }
  const zip = new ZipWriter()
  for (const [name, bytes] of Object.entries(files)) zip.add(name, bytes)
  const bytes = zip.finish()
  const found = await unzip(bytes, 'film.zip')
  expect(Object.fromEntries(found.map(file => [file.name, file.bytes]))).toEqual(files)
  const entries = await storedEntries(async (begin, end) => bytes.subarray(begin, end), bytes.length, 'film.zip')
  const first = entries.get('00000.png')
  expect(first && new TextDecoder().decode(bytes.subarray(first.begin, first.end))).toBe('first')
  // local header: checksum at 14
  expect(new DataView(bytes.buffer).getUint32(14, true)).toBe(crc32(files['00000.png']))
})

test('more bytes than a zip holds are an error that names the file', () => {
  const large = { length: 2 ** 32 } as Uint8Array
  expect(() => new ZipWriter().add('film.raw', large)).toThrow('zip: "film.raw" is file 1 at 0 bytes; a zip holds 65535 files and 4 GiB, make two')
})
