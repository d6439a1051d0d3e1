import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ClipModel, loadEncoder } from '../../src/clip/clipModel.ts'
import { absoluteLoss } from '../../src/clip/losses.ts'
import { preprocessImage } from '../../src/clip/preprocess.ts'
import { promptEmbedding, textDirection } from '../../src/clip/prompts.ts'
import { expressionEncoder } from '../../src/clip/textImageEncoder.ts'
import { decodeImage, type Image } from '../../src/io/imageCodec.ts'
import { type Device, readLeaf, tensor } from '../../src/tensor/device.ts'
import { grad } from '../../src/tensor/grad.ts'
import { openDevice } from '../../src/tensor/openDevice.ts'
import { evaluate } from '../../src/tensor/plan.ts'
import { compareDevices } from '../tensor/harness.ts'

let device: Device
let encoder: ClipModel
beforeAll(async () => {
  device = await openDevice({ kind: 'cpu', threads: 2 })
  encoder = await loadEncoder(device)
}, 60_000)
afterAll(() => device[Symbol.dispose]())

const norm = (x: Float32Array): number => Math.hypot(...x)
const cosine = (a: Float32Array, b: Float32Array): number => a.reduce((s, v, i) => s + v * b[i], 0) / (norm(a) * norm(b))

// ---- Ground truth of the demo capture: 4 pictures of one head pose from 2 cameras.

const EDITS = new URL('../../assets/captures/ada-mini/edits/', import.meta.url)
interface Edit {
  readonly id: string
  readonly text: string
  readonly coefficients: Record<string, number>
}
const edits: Edit[] = JSON.parse(readFileSync(new URL('edits.json', EDITS), 'utf8')).edits

async function pictures(camera: string): Promise<Image[]> {
  return Promise.all(edits.map(({ id }) => decodeImage(new Uint8Array(readFileSync(new URL(`rgb/1x/${id}_${camera}.png`, EDITS))), id)))
}

/** sRGB 0..1 of equally large pictures as one batch [B, H, W, 3]. */
function batch(images: Image[]) {
  const [{ width, height }] = images
  const values = Float32Array.from(
    images.flatMap(image => [...image.data]),
    v => v / 255,
  )
  return tensor(device, values, [images.length, height, width, 3])
}

async function embeddings(camera: string): Promise<Float32Array[]> {
  const [all] = await evaluate(device, [encoder.encodeImage(batch(await pictures(camera)))])
  return edits.map((_, i) => all.subarray(i * encoder.embeddingSize, (i + 1) * encoder.embeddingSize))
}

test('what it is', () => {
  expect(encoder).toMatchObject({ name: 'embedded face encoder', embeddingSize: 128, imageSize: 112 })
  expect(encoder.expressionHead?.names).toHaveLength(53)
})

test('texts have unit norm, whatever else is in the batch', async () => {
  const alone = await readLeaf(device, await encoder.encodeText(['a surprised face']))
  const two = await readLeaf(device, await encoder.encodeText(['a face with closed eyes and an opened mouth', 'a surprised face']))
  expect(norm(alone)).toBeCloseTo(1, 5)
  for (const [i, v] of alone.entries()) expect(two[128 + i]).toBeCloseTo(v, 5)
  await expect(encoder.encodeText(['face', ''])).rejects.toThrow('the text is empty')
  await expect(encoder.encodeText([])).rejects.toThrow('no texts given')
})

test('the picture of a prompt ranks first among neutral and three edits', async () => {
  const right: string[] = []
  for (const camera of ['cam0', 'cam1']) {
    const images = await embeddings(camera)
    for (const { id, text } of edits.slice(1)) {
      const embedding = await readLeaf(device, await promptEmbedding(encoder, text))
      const scores = images.map(image => cosine(image, embedding))
      if (edits[scores.indexOf(Math.max(...scores))].id === id) right.push(`${id} ${camera}`)
    }
  }
  // the third prompt, "face with eyes wide open and a smile", is the failure that the encoder's README names
  expect(right).toEqual(
    expect.arrayContaining(['closed-eyes-open-mouth cam0', 'closed-eyes-smile cam0', 'closed-eyes-open-mouth cam1', 'closed-eyes-smile cam1']),
  )
})

test('the way from neutral to a picture goes the way of its prompt', async () => {
  const [neutral, ...others] = await embeddings('cam0')
  for (const { id, text } of edits.filter(({ id }) => id.startsWith('closed'))) {
    const direction = await readLeaf(device, await textDirection(encoder, text))
    const scores = others.map(image =>
      cosine(
        image.map((v, c) => v - neutral[c]),
        direction,
      ),
    )
    expect(edits[1 + scores.indexOf(Math.max(...scores))].id).toBe(id)
  }
})

test('the expression head reads closed eyes, an open jaw and a smile', async () => {
  const features = expressionEncoder(encoder, { head: true })
  expect(features.size).toBe(53)
  const [all] = await evaluate(device, [features.features(batch(await pictures('cam0')))])
  const read = (id: string, name: string): number => all[edits.findIndex(e => e.id === id) * 53 + (encoder.expressionHead?.names.indexOf(name) ?? -1)]
  for (const name of ['eyeBlink_L', 'jawOpen', 'mouthSmile_L']) {
    for (const { id, coefficients } of edits) expect(Math.abs(read(id, name) - (coefficients[name] ?? 0)), `${id} ${name}`).toBeLessThan(0.35)
  }
})

test('a wide image is cropped as its still preprocessing crops it', async () => {
  const smooth = Uint8Array.from({ length: 60 * 90 * 3 }, (_, i) => Math.round(127 + 100 * Math.sin(i * 0.002) * Math.cos((i % 270) * 0.05)))
  const image = { width: 90, height: 60, channels: 3, data: smooth }
  const recorded = encoder.encodeImage(batch([image]))
  const still = encoder.encodeImage(tensor(device, preprocessImage(image, encoder.preprocessing), [1, 112, 112, 3]))
  const [a, b] = await evaluate(device, [recorded, still])
  expect(cosine(a, b)).toBeGreaterThan(0.9999)
})

test('the gradient by the pixels is the slope of the loss', async () => {
  const text = await encoder.encodeText(['a surprised face'])
  const [image] = await pictures('cam0')
  const pixels = batch([image])
  const loss = absoluteLoss(encoder.encodeImage(pixels), text)
  const [g] = await evaluate(device, grad(loss, [pixels]))
  const start = await readLeaf(device, pixels)
  const step = 0.02 / norm(g)
  const lossAt = async (sign: number): Promise<number> => {
    const moved = tensor(
      device,
      start.map((v, i) => v + sign * step * g[i]),
      pixels.shape,
    )
    const [[value]] = await evaluate(device, [absoluteLoss(encoder.encodeImage(moved), text)])
    return value
  }
  const slope = ((await lossAt(1)) - (await lossAt(-1))) / (2 * step)
  expect(slope / norm(g) ** 2).toBeCloseTo(1, 2)
})

// A software adapter takes seconds for the tower alone; gradients at that size are left to the small models of clipGolden.test.ts.
test('one text and one image on every device', { timeout: 120_000 }, async () => {
  const [{ width, height, data }] = await pictures('cam1')
  const values = Float32Array.from(data, v => v / 255)
  await compareDevices({
    name: 'embedded encoder',
    tolerance: 1e-4,
    run: async other => {
      const on = await loadEncoder(other)
      const text = await readLeaf(other, await on.encodeText(['a surprised face']))
      const [image] = await evaluate(other, [on.encodeImage(tensor(other, values, [1, height, width, 3]))])
      return [
        { name: 'text', values: text },
        { name: 'image', values: image },
      ]
    },
  })
})

test('images of another shape are refused', () => {
  expect(() => encoder.encodeImage(tensor(device, new Float32Array(12), [2, 2, 3]))).toThrow('images [2, 2, 3] are not [B, H, W, 3]')
})
