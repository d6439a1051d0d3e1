import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseSafetensors, type TensorData, writeSafetensors } from '../../src/io/safetensors.ts'

function file(header: unknown, dataBytes: number, headerLength?: number): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const out = new Uint8Array(8 + text.length + dataBytes)
  new DataView(out.buffer).setBigUint64(0, BigInt(headerLength ?? text.length), true)
  out.set(text, 8)
  return out
}

const f32 = (begin: number, end: number, shape = [(end - begin) / 4]) => ({ dtype: 'F32', shape, data_offsets: [begin, end] })

const tensorData: fc.Arbitrary<TensorData> = fc.oneof(
  fc.float32Array({ maxLength: 30 }),
  fc.int32Array({ maxLength: 30 }),
  fc.uint32Array({ maxLength: 30 }),
  fc.uint8Array({ maxLength: 30 }),
  fc.int8Array({ maxLength: 30 }),
  fc.uint16Array({ maxLength: 30 }),
  fc.int16Array({ maxLength: 30 }),
  fc.bigInt64Array({ maxLength: 30 }),
  fc.bigUint64Array({ maxLength: 30 }),
)

describe('safetensors', () => {
  it('round-trips any tensors and metadata, bit for bit, at any alignment', () => {
    const name = fc.string().filter(key => key !== '__metadata__')
    const entries = fc.array(fc.tuple(name, tensorData), { maxLength: 8 })
    fc.assert(
      fc.property(entries, fc.dictionary(fc.string(), fc.string()), fc.nat(7), (list, metadata, shift) => {
        const tensors = new Map(list.map(([key, data]) => [key, { shape: data.length % 2 ? [data.length] : [2, data.length / 2], data }]))
        const bytes = writeSafetensors(tensors, metadata)
        const moved = new Uint8Array(bytes.length + shift).subarray(shift)
        moved.set(bytes)
        const read = parseSafetensors(moved, 'test')
        expect(Object.entries(read.metadata).sort()).toEqual(Object.entries(metadata).sort())
        expect(read.tensors.size).toBe(tensors.size)
        for (const [key, { shape, data }] of tensors) {
          const tensor = read.tensors.get(key)
          expect(tensor?.shape).toEqual(shape)
          expect(tensor?.data).toEqual(data)
          expect(tensor?.data.constructor).toBe(data.constructor)
        }
        expect(writeSafetensors(new Map(read.tensors), read.metadata)).toEqual(bytes)
      }),
      { numRuns: 200 },
    )
  })

  it('widens F16, BF16 and F64, and keeps booleans as bytes', () => {
    const header = {
      half: { dtype: 'F16', shape: [7], data_offsets: [0, 14] },
      brain: { dtype: 'BF16', shape: [2], data_offsets: [14, 18] },
      double: { dtype: 'F64', shape: [], data_offsets: [18, 26] },
      flags: { dtype: 'BOOL', shape: [2], data_offsets: [26, 28] },
    }
    const bytes = file(header, 28)
    const data = new DataView(bytes.buffer, bytes.length - 28)
    const halves = [0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0x8000, 0x7e00] // 1, -2, least subnormal, largest, inf, -0, nan
    for (const [i, bits] of halves.entries()) data.setUint16(2 * i, bits, true)
    data.setUint16(14, 0x3fc0, true)
    data.setUint16(16, 0xc120, true)
    data.setFloat64(18, 0.1, true)
    data.setUint8(27, 1)
    const { tensors } = parseSafetensors(bytes, 'test')
    expect([...(tensors.get('half')?.data ?? [])]).toEqual([1, -2, 2 ** -24, 65504, Number.POSITIVE_INFINITY, -0, Number.NaN])
    expect([...(tensors.get('brain')?.data ?? [])]).toEqual([1.5, -10])
    expect([...(tensors.get('double')?.data ?? [])]).toEqual([Math.fround(0.1)])
    expect([...(tensors.get('flags')?.data ?? [])]).toEqual([0, 1])
    expect(tensors.get('half')?.dtype).toBe('F16')
  })

  it.each([
    ['too short', new Uint8Array(5), /a.st: 5 bytes is too short/],
    ['a huge header', file({}, 0, 2 ** 40), /header length 1099511627776 is over 100000000 bytes/],
    ['a cut header', file({}, 0, 50), /truncated, the header needs 50 bytes/],
    ['no JSON', file('{nope', 0), /header is not JSON/],
    ['a list', file([], 0), /header is \[\], not an object/],
    ['an entry that is no object', file({ w: 3 }, 0), /tensor "w" is described by 3/],
    [
      'an unknown dtype',
      file({ w: { dtype: 'F8_E4M3', shape: [4], data_offsets: [0, 4] } }, 4),
      /tensor "w" has dtype "F8_E4M3"; convert it to one of/,
    ],
    ['a negative size', file({ w: f32(0, 4, [-1]) }, 4), /shape \[-1\]/],
    ['reversed offsets', file({ w: { dtype: 'F32', shape: [1], data_offsets: [4, 0] } }, 4), /data_offsets \[4,0\]/],
    ['offsets out of range', file({ w: f32(0, 400) }, 40), /tensor "w" ends at byte 400 of the data, but the file holds 40 \(truncated\?\)/],
    ['a shape that disagrees', file({ w: f32(0, 8, [3]) }, 8), /F32 \[3\] = 12 bytes, but its data_offsets \[0, 8\] hold 8/],
    ['overlap', file({ a: f32(0, 8), b: f32(4, 12) }, 12), /tensor "b" overlaps tensor "a": it begins at byte 4, before 8/],
    ['a hole', file({ a: f32(0, 4), b: f32(8, 12) }, 12), /tensor "b" begins at byte 8, but tensor "a" ends at 4/],
    ['bytes at the end', file({ a: f32(0, 4) }, 9), /5 bytes follow the last tensor/],
    ['metadata that is not text', file({ __metadata__: { step: 3 } }, 0), /__metadata__ "step" is 3, not a string/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => parseSafetensors(bytes, 'a.st')).toThrow(message)
    expect(() => parseSafetensors(bytes, 'a.st')).toThrow(/^a\.st: .*; (.+)$/)
  })

  it('survives any damage with a clear error or a valid file', () => {
    const good = writeSafetensors(
      new Map([
        ['w', { shape: [2, 3], data: new Float32Array(6) }],
        ['b', { shape: [3], data: new Int32Array(3) }],
      ]),
      { a: 'b' },
    )
    fc.assert(
      fc.property(fc.nat(good.length), fc.nat(good.length - 1), fc.nat(255), (cut, at, value) => {
        const damaged = good.slice()
        damaged[at] = value
        for (const bytes of [good.subarray(0, cut), damaged]) {
          try {
            parseSafetensors(bytes, 'damaged.st')
          } catch (error) {
            expect(String(error)).toMatch(/^Error: damaged\.st: /)
          }
        }
      }),
      { numRuns: 500 },
    )
  })

  it('refuses to write a shape that does not hold its data', () => {
    expect(() => writeSafetensors(new Map([['w', { shape: [2, 2], data: new Float32Array(3) }]]))).toThrow(/"w" has 3 values but shape \[2,2\]/)
    expect(() => writeSafetensors(new Map([['__metadata__', { shape: [1], data: new Float32Array(1) }]]))).toThrow(/rename/)
  })
})
