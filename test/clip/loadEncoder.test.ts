import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { loadEncoder } from '../../src/clip/clipModel.ts'
import { expressionEncoder } from '../../src/clip/textImageEncoder.ts'
import { fileMap } from '../../src/io/files.ts'
import { parseSafetensors, type StoredTensor, writeSafetensors } from '../../src/io/safetensors.ts'
import { type Device, readLeaf, tensor } from '../../src/tensor/device.ts'
import { resizeImage } from '../../src/tensor/ops/resize.ts'
import { evaluate } from '../../src/tensor/plan.ts'
import { testDevices } from '../tensor/harness.ts'
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
    await expect(load({ [file]: undefined })).rejects.toThrow(`enc/${file}: an encoder folder without a ${file}`)
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

test('weights in shards are the same encoder; a shard that lacks is named', async () => {
  const { tensors } = parseSafetensors(read('model.safetensors'), 'model.safetensors')
  const [text, vision] = [true, false].map(wanted => new Map([...tensors].filter(([name]) => name.startsWith('text') === wanted)))
  const index = {
    weight_map: Object.fromEntries([...tensors.keys()].map(name => [name, name.startsWith('text') ? 'a.safetensors' : 'b.safetensors'])),
  }
  const json = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
  const shards = {
    'model.safetensors': undefined,
    'model.safetensors.index.json': json(index),
    'a.safetensors': writeSafetensors(text),
    'b.safetensors': writeSafetensors(vision),
  }
  const [a, b] = await Promise.all(
    [load({}), load(shards)].map(async e => readLeaf((await e).device, await (await e).encodeText(['a smiling face']))),
  )
  expect(b).toEqual(a)
  await expect(load({ ...shards, 'b.safetensors': undefined })).rejects.toThrow(
    'enc/b.safetensors: no such file, but enc/model.safetensors.index.json',
  )
  const fewer = new Map([...vision].slice(1))
  await expect(load({ ...shards, 'b.safetensors': writeSafetensors(fewer) })).rejects.toThrow('enc/b.safetensors: no tensor "')
  const outside = { weight_map: { x: '../../secret.safetensors' } }
  await expect(load({ ...shards, 'model.safetensors.index.json': json(outside) })).rejects.toThrow('which is not a file of this folder')
})

test('vocab.json and merges.txt serve where there is no tokenizer.json', async () => {
  const { vocab, merges } = JSON.parse(new TextDecoder().decode(read('tokenizer.json'))).model
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
  const old = {
    'tokenizer.json': undefined,
    'vocab.json': bytes(JSON.stringify(vocab)),
    'merges.txt': bytes(merges.map((m: string | string[]) => (typeof m === 'string' ? m : m.join(' '))).join('\n')),
  }
  const [a, b] = await Promise.all([load({}), load(old)].map(async e => readLeaf((await e).device, await (await e).encodeText(['a smiling face']))))
  expect(b).toEqual(a)
  await expect(load({ ...old, 'merges.txt': undefined })).rejects.toThrow(
    'enc/merges.txt: an encoder folder without a merges.txt; it belongs to vocab.json',
  )
})

test('a tower that is not asked for takes no memory, and says so when it is used', async () => {
  const used = async (towers: ('image' | 'text')[]) => {
    const encoder = await loadEncoder(plainDevice('single'), folderWith({}), { towers })
    return { encoder, bytes: encoder.device.memory.used }
  }
  const [image, text, both] = [await used(['image']), await used(['text']), await used(['image', 'text'])]
  expect(image.bytes + text.bytes).toBeGreaterThanOrEqual(both.bytes)
  expect(image.bytes).toBeLessThan(both.bytes)
  await expect(image.encoder.encodeText(['a face'])).rejects.toThrow('encodeText: the text tower of "enc" is not on the device')
  both.encoder.release('text')
  expect(both.encoder.device.memory.used).toBe(image.bytes)
  await expect(both.encoder.encodeText(['a face'])).rejects.toThrow('the text tower of "enc" is not on the device')
})

test('renders resized as the authors code does: bilinear, straight to the square', async () => {
  const device = plainDevice('single')
  const [usual, coded] = [await loadEncoder(device, folderWith({})), await loadEncoder(device, folderWith({}), { renderResize: 'coded' })]
  const picture = tensor(
    device,
    Float32Array.from({ length: 20 * 30 * 3 }, (_, i) => (i % 97) / 97),
    [1, 20, 30, 3],
  )
  const square = resizeImage(picture, { height: 112, width: 112, filter: 'bilinear' })
  const [a, b, c] = await evaluate(device, [coded.encodeImage(picture), usual.encodeImage(square), usual.encodeImage(picture)])
  expect(a).toEqual(b)
  expect(a).not.toEqual(c)
})

test('16-bit weights stay 16-bit on a GPU and give the same features', async () => {
  const features = async (device: Device) => {
    const before = device.memory.used
    const encoder = await loadEncoder(device, folderWith({}), { towers: ['image'] })
    const bytes = device.memory.used - before
    const pixels = Float32Array.from({ length: 112 * 112 * 3 }, (_, i) => (i % 97) / 97)
    const [values] = await evaluate(device, [encoder.encodeImage(tensor(device, pixels, [1, 112, 112, 3]))])
    encoder.release()
    return { bytes, values }
  }
  const devices = await testDevices()
  const wide = await features(devices[1].device)
  for (const { name, device, compileOnly } of devices) {
    if (device.kind !== 'gpu') continue
    const { bytes, values } = await features(device)
    expect(bytes, name).toBeLessThan(0.65 * wide.bytes)
    if (!compileOnly) for (const [i, value] of wide.values.entries()) expect(values[i], name).toBeCloseTo(value, 5)
  }
}, 120_000)

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
