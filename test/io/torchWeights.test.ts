/**
 * PyTorch's weight files. The fixture was written by Python's pickle and zipfile with the opcodes and the layout that torch.save of a state dictionary has
 * (protocol 2, persistent ids for storages, an OrderedDict with _metadata).
 */
import { describe, expect, it } from 'vitest'
import { fileMap } from '../../src/io/files.ts'
import { readPickle } from '../../src/io/pickle.ts'
import { readTensor } from '../../src/io/safetensors.ts'
import { openWeightFiles } from '../../src/io/weightFiles.ts'

const STATE = Buffer.from(
  [
    'UEsDBBQAAAAAAGpwdl0X/eoB7QEAAO0BAAAQAAAAYXJjaGl2ZS9kYXRhLnBrbIACY2NvbGxlY3Rpb25zCk9yZGVyZWREaWN0CnEAKVJxAShYBQAAAHBsYWlucQJjdG9yY2guX3V0aWxz',
    'Cl9yZWJ1aWxkX3RlbnNvcl92MgpxAygoWAcAAABzdG9yYWdlcQRjdG9yY2gKRmxvYXRTdG9yYWdlCnEFWAEAAAAwcQZYAwAAAGNwdXEHSwZ0cQhRSwBLAksDhnEJSwNLAYZxColoAClS',
    'cQt0cQxScQ1YCgAAAHRyYW5zcG9zZWRxDmgDKGgIUUsASwNLAoZxD0sBSwOGcRCJaAApUnERdHESUnETWAQAAABoYWxmcRRoAygoaARjdG9yY2gKSGFsZlN0b3JhZ2UKcRVYAQAAADFx',
    'FmgHSwN0cRdRSwFLAoVxGEsBhXEZiWgAKVJxGnRxG1JxHFgDAAAAaWRzcR1oAygoaARjdG9yY2gKTG9uZ1N0b3JhZ2UKcR5YAQAAADJxH2gHSwR0cSBRSwBLAUsEhnEhSwRLAYZxIolo',
    'AClScSN0cSRScSVYBgAAAHNjYWxhcnEmaAMoaAhRSwUpKYloAClScSd0cShScSlYBQAAAHN0ZXBzcSpNLAF1fXErWAkAAABfbWV0YWRhdGFxLGgAKVJxLVgAAAAAcS59cS9YBwAAAHZl',
    'cnNpb25xMEsBc3NzYi5QSwMEFAAAAAAAanB2XSTlORkYAAAAGAAAAA4AAABhcmNoaXZlL2RhdGEvMAAAgD8AAABAAABAQAAAgEAAAKBAAADAQFBLAwQUAAAAAABqcHZdw3E5jAYAAAAG',
    'AAAADgAAAGFyY2hpdmUvZGF0YS8xgEgASYBJUEsDBBQAAAAAAGpwdl0KEgCRIAAAACAAAAAOAAAAYXJjaGl2ZS9kYXRhLzIAAAAAAAAAAAEAAAAAAAAAAgAAAAAAAAADAAAAAAAAAFBL',
    'AwQUAAAAAABqcHZd0Z5nVQIAAAACAAAADwAAAGFyY2hpdmUvdmVyc2lvbjMKUEsBAhQDFAAAAAAAanB2XRf96gHtAQAA7QEAABAAAAAAAAAAAAAAAIABAAAAAGFyY2hpdmUvZGF0YS5w',
    'a2xQSwECFAMUAAAAAABqcHZdJOU5GRgAAAAYAAAADgAAAAAAAAAAAAAAgAEbAgAAYXJjaGl2ZS9kYXRhLzBQSwECFAMUAAAAAABqcHZdw3E5jAYAAAAGAAAADgAAAAAAAAAAAAAAgAFf',
    'AgAAYXJjaGl2ZS9kYXRhLzFQSwECFAMUAAAAAABqcHZdChIAkSAAAAAgAAAADgAAAAAAAAAAAAAAgAGRAgAAYXJjaGl2ZS9kYXRhLzJQSwECFAMUAAAAAABqcHZd0Z5nVQIAAAACAAAA',
    'DwAAAAAAAAAAAAAAgAHdAgAAYXJjaGl2ZS92ZXJzaW9uUEsFBgAAAAAFAAUALwEAAAwDAAAAAA==',
  ].join(''),
  'base64',
)
/** os.system('touch /tmp/evil') in place of a tensor. */
const EVIL = Buffer.from('gAJ9cQBYAQAAAHhxAWNwb3NpeApzeXN0ZW0KcQJYDwAAAHRvdWNoIC90bXAvZXZpbHEDhXEEUnEFcy4=', 'base64')

const open = (bytes: Uint8Array) => openWeightFiles(fileMap(new Map([['pytorch_model.bin', new Uint8Array(bytes)]]), 'clip'))

describe('pytorch_model.bin', () => {
  it('gives the tensors, also views of others, and leaves counters out', async () => {
    const { name, entries } = await open(STATE)
    expect(name).toBe('clip/pytorch_model.bin')
    const found = await Promise.all(
      [...entries].map(async ([key, entry]) => [key, entry.dtype, entry.shape, Array.from(readTensor(entry.dtype, await entry.bytes()), Number)]),
    )
    expect(found).toEqual([
      ['plain', 'F32', [2, 3], [1, 2, 3, 4, 5, 6]],
      ['transposed', 'F32', [3, 2], [1, 4, 2, 5, 3, 6]],
      ['half', 'F16', [2], [10, 11]],
      ['ids', 'I64', [1, 4], [0, 1, 2, 3]],
      ['scalar', 'F32', [], [6]],
    ])
  })

  it('is cut, no zip, or not there: one clear error', async () => {
    for (const size of [0, 1, 30, 500, STATE.length - 10]) await expect(open(STATE.subarray(0, size))).rejects.toThrow(/clip\/pytorch_model\.bin: /)
    await expect(open(Buffer.from('\x80\x02legacy'))).rejects.toThrow(
      /written by PyTorch before 1\.6, which is not supported; convert the model to safetensors/,
    )
    await expect(openWeightFiles(fileMap(new Map(), 'clip'))).rejects.toThrow(/an encoder folder without a model\.safetensors/)
  })

  it('damaged at any byte is an error or other numbers, never a crash', async () => {
    for (let i = 0; i < STATE.length; i += 7) {
      const spoilt = Buffer.from(STATE)
      spoilt[i] ^= 0xff
      await open(spoilt).then(async ({ entries }) => {
        for (const entry of entries.values()) await entry.bytes().catch(expectClear)
      }, expectClear)
    }
  })
  const expectClear = (error: unknown): void => expect(String(error)).toMatch(/^Error: clip\/pytorch_model\.bin: .*; (convert|download) /)
})

describe('a pickle', () => {
  it('that would run a program is read as data: the call is a record, nothing happens', () => {
    const value = readPickle(new Uint8Array(EVIL), 'evil.bin')
    expect(value).toEqual(
      new Map([['x', { kind: 'call', callee: { kind: 'name', name: expect.stringMatching(/system$/) }, args: ['touch /tmp/evil'] }]]),
    )
  })
  it('with instructions that weights do not need is refused by name', () => {
    expect(() => readPickle(Uint8Array.of(0x80, 2, 0x69), 'm.bin')).toThrow(
      /m\.bin: the pickle has the instruction 105, which plain weights do not have/,
    )
    expect(() => readPickle(Uint8Array.of(0x80, 2), 'm.bin')).toThrow(/cut off/)
  })
})
