import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { loadEncoder } from '../../src/clip/clipModel.ts'
import { expressionEncoder } from '../../src/clip/textImageEncoder.ts'
import { fileMap } from '../../src/io/files.ts'
import { parseSafetensors, type StoredTensor, writeSafetensors } from '../../src/io/safetensors.ts'
import { readLeaf } from '../../src/tensor/device.ts'
import { plainDevice } from '../tensor/plainDevice.ts'

const FILES = ['config.json', 'tokenizer.json', 'preprocessor_config.json', 'model.safetensors', 'expression_head.safetensors']
const read = (file: string): Uint8Array => new Uint8Array(readFileSync(new URL(`../../assets/encoder/${file}`, import.meta.url)))
const original = new Map(FILES.map(file => [file, read(file)]))

/** The embedded encoder's folder with some files replaced (or, for undefined, left out). */
function folderWith(changes: Record<string, Uint8Array | undefined>) {
  const files = new Map<string, Uint8Array>()
  for (const [file, bytes] of [...original, ...Object.entries(changes)]) {
    if (bytes) files.set(file, bytes)
    else files.delete(file)
  }
  return fileMap(files, 'enc')
}
const load = (changes: Record<string, Uint8Array | undefined>) => loadEncoder(plainDevice('single'), folderWith(changes))

/** The weights as F32, with some replaced or left out. */
function weightsWith(changes: Record<string, StoredTensor | undefined>): Uint8Array {
  const { tensors } = parseSafetensors(read('model.safetensors'), 'model.safetensors')
  for (const [name, value] of Object.entries(changes)) {
    if (value) tensors.set(name, value)
    else tensors.delete(name)
  }
  return writeSafetensors(tensors)
}

for (const file of FILES.slice(0, 4)) {
  test(`a folder without a ${file} is named`, async () => {
    await expect(load({ [file]: undefined })).rejects.toThrow(`enc/${file}: an encoder folder without a ${file}; download every file`)
  })
}

test('the expression head is optional', async () => {
  const encoder = await load({ 'expression_head.safetensors': undefined })
  expect(encoder.expressionHead).toBeUndefined()
  expect(() => expressionEncoder(encoder, { head: true })).toThrow('"enc" has no expression head')
  expect(expressionEncoder(encoder).size).toBe(128)
})

test('weights in F32 are the same encoder', async () => {
  const texts = ['a smiling face']
  const half = await load({})
  const single = await load({ 'model.safetensors': weightsWith({}) })
  const [a, b] = await Promise.all([half, single].map(async e => readLeaf(e.device, await e.encodeText(texts))))
  expect(b).toEqual(a)
})

test('weights that do not belong to the configuration are named', async () => {
  const without = weightsWith({ 'visual_projection.weight': undefined })
  await expect(load({ 'model.safetensors': without })).rejects.toThrow('enc/model.safetensors: no tensor "visual_projection.weight"')
  const small = { dtype: 'F32', shape: [3], data: new Float32Array(3) }
  const other = weightsWith({ 'vision_model.post_layernorm.bias': small })
  await expect(load({ 'model.safetensors': other })).rejects.toThrow('"vision_model.post_layernorm.bias" is [3], config.json asks for [192]')
  const whole = weightsWith({ 'vision_model.post_layernorm.bias': { dtype: 'I32', shape: [192], data: new Int32Array(192) } })
  await expect(load({ 'model.safetensors': whole })).rejects.toThrow('"vision_model.post_layernorm.bias" is I32; convert the weights')
  await expect(load({ 'model.safetensors': read('model.safetensors').subarray(0, 1000) })).rejects.toThrow('enc/model.safetensors: ')
})

test('a head that does not fit is named', async () => {
  const head = writeSafetensors(new Map([['weight', { shape: [53, 128], data: new Float32Array(53 * 128) }]]), { outputs: 'jawOpen,eyeBlink_L' })
  await expect(load({ 'expression_head.safetensors': head })).rejects.toThrow(
    'enc/expression_head.safetensors: tensor "weight" is F32 [53, 128], not [2, 128]',
  )
})

test('a folder that is not there is named', async () => {
  await expect(loadEncoder(plainDevice('single'), '/nowhere/clip')).rejects.toThrow('/nowhere/clip: no such folder')
})

test('a web address serves as a folder', async () => {
  const server = createServer(({ url, method }, response) => {
    const bytes = original.get((url ?? '').replace('/models/face/', ''))
    response.writeHead(bytes ? 200 : 404)
    response.end(method === 'HEAD' ? undefined : bytes)
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    const encoder = await loadEncoder(plainDevice('single'), `${address}/models/face`)
    expect(encoder).toMatchObject({ name: 'face', embeddingSize: 128 })
    await expect(loadEncoder(plainDevice('single'), `${address}/other`)).rejects.toThrow(`${address}/other/config.json: an encoder folder without`)
  } finally {
    server.close()
  }
})
