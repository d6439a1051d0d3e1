import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseNpy } from '../../src/io/npy.ts'

function npy(header: string, data: Uint8Array, version = 1): Uint8Array {
  const lengthBytes = version === 1 ? 2 : 4
  const out = new Uint8Array(8 + lengthBytes + header.length + data.length)
  out.set([0x93, ...new TextEncoder().encode('NUMPY'), version, 0])
  const view = new DataView(out.buffer)
  if (version === 1) view.setUint16(8, header.length, true)
  else view.setUint32(8, header.length, true)
  out.set(new TextEncoder().encode(header), 8 + lengthBytes)
  out.set(data, 8 + lengthBytes + header.length)
  return out
}

const header = (descr: string, shape: string, fortran = 'False') => `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`

describe('npy', () => {
  it('reads the background points NumPy wrote', () => {
    const { shape, data } = parseNpy(readFileSync(new URL('../../assets/captures/ada-mini/points.npy', import.meta.url)), 'points.npy')
    expect(shape).toEqual([1440, 3])
    expect(data[0]).toBeCloseTo(-0.46502, 4)
  })

  it.each([1, 2, 3])('reads version %i at any offset, and each dtype', version => {
    const floats = new Uint8Array(Float32Array.of(1.5, -2).buffer)
    expect(parseNpy(npy(header('<f4', '(2,)'), floats, version), 'x')).toEqual({ shape: [2], data: Float32Array.of(1.5, -2) })
    expect(parseNpy(npy(header('<f8', '(1, 1)'), new Uint8Array(Float64Array.of(0.1).buffer), version), 'x').data).toEqual(Float32Array.of(0.1))
    expect(parseNpy(npy(header('<f2', '()'), Uint8Array.of(0, 0x3c), version), 'x')).toEqual({ shape: [], data: Float32Array.of(1) })
    expect(parseNpy(npy(header('|u1', '(3, 1)'), Uint8Array.of(1, 2, 3), version), 'x')).toEqual({ shape: [3, 1], data: Uint8Array.of(1, 2, 3) })
  })

  it.each([
    ['another format', new Uint8Array(20), /p.npy: not a .npy file/],
    ['version 9', npy(header('<f4', '()'), new Uint8Array(4), 9), /version 9 is unknown/],
    ['Fortran order', npy(header('<f4', '(1, 1)', 'True'), new Uint8Array(4)), /fortran_order is True; save numpy.ascontiguousarray/],
    ['a dtype', npy(header('<i8', '(1,)'), new Uint8Array(8)), /dtype <i8 is not supported; save it as one of <f4/],
    ['a cut file', npy(header('<f4', '(2, 3)'), new Uint8Array(20)), /shape \(2,3\) of <f4 needs 24 bytes of data, the file has 20/],
    ['a cut header', npy(header('<f4', '(2, 3)'), new Uint8Array(0)).subarray(0, 30), /truncated, the header ends at byte/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => parseNpy(bytes, 'p.npy')).toThrow(message)
  })
})
