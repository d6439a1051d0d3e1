import { expect, test } from 'vitest'
import { FACE_TEMPLATES, fillTemplates, IMAGENET_TEMPLATES, promptEmbedding, textDirection, wordsRead } from '../../src/clip/prompts.ts'
import type { TextImageEncoder } from '../../src/clip/textImageEncoder.ts'
import { readLeaf, tensor } from '../../src/tensor/device.ts'
import { plainDevice } from '../tensor/plainDevice.ts'

test('a prompt in every sentence', () => {
  expect(fillTemplates(' a happy face ', ['{}', 'a photo of {}.'])).toEqual(['a happy face', 'a photo of a happy face.'])
  expect(fillTemplates('face')).toHaveLength(FACE_TEMPLATES.length)
})

test("CLIP's 80 templates by name", () => {
  const sentences = fillTemplates('happy face', 'imagenet')
  expect(new Set(sentences).size).toBe(80)
  expect(sentences).toHaveLength(IMAGENET_TEMPLATES.length)
  const some = ['a bad photo of a happy face.', 'itap of my happy face.', 'the embroidered happy face.', 'a photo of the hard to see happy face.']
  for (const sentence of [...some, 'the happy face in a video game.', 'a black and white photo of the happy face.'])
    expect(sentences).toContain(sentence)
})

test('bad prompts and templates are refused', () => {
  expect(() => fillTemplates(' ')).toThrow('the text is empty')
  expect(() => fillTemplates('face', [])).toThrow('no sentence templates')
  expect(() => fillTemplates('face', ['a photo'])).toThrow('template "a photo" has no {}')
})

test('directions are differences of means of unit embeddings, not normalised', async () => {
  const device = plainDevice('single')
  // an encoder that knows four sentences
  const known: Record<string, number[]> = { a: [1, 0], 'the a': [0, 1], b: [-1, 0], 'the b': [0, -1] }
  const encoder = {
    device,
    embeddingSize: 2,
    encodeText: async (texts: string[]) => tensor(device, Float32Array.from(texts.flatMap(t => known[t])), [texts.length, 2]),
  } as unknown as TextImageEncoder
  const templates = ['{}', 'the {}']
  expect([...(await readLeaf(device, await promptEmbedding(encoder, 'a', { templates })))]).toEqual([0.5, 0.5])
  expect([...(await readLeaf(device, await textDirection(encoder, 'a', 'b', { templates })))]).toEqual([1, 1])
})

test('of a prompt that an encoder cuts, the words that it reads are counted', async () => {
  const device = plainDevice('single')
  // an encoder that reads four words
  const encoder = {
    device,
    embeddingSize: 4,
    encodeText: async ([text]: string[]) => {
      const read = text.split(' ').slice(0, 4)
      return tensor(
        device,
        Float32Array.from({ length: 4 }, (_, i) => read[i]?.length ?? 0),
        [1, 4],
      )
    },
  } as unknown as TextImageEncoder
  const read = (prompt: string) => wordsRead(encoder, prompt)
  expect(await Promise.all(['smile', 'a smile', 'a very big smile', 'a very big smile now', 'a b c d e f g h i j'].map(read))).toEqual([
    undefined,
    undefined,
    undefined,
    4,
    4,
  ])
})
