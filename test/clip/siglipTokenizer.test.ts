import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { sentencePieceJson } from '../../src/clip/sentencePiece.ts'
import { loadSiglipTokenizer } from '../../src/clip/siglipTokenizer.ts'
import { tokenizerText } from '../../src/clip/tokenizerFiles.ts'
import { fileMap } from '../../src/io/files.ts'

interface TokensGolden {
  context: number
  siglip2_tokenizer: object
  prompts: { text: string; siglip: number[]; siglip2: number[] }[]
}
const golden: TokensGolden = JSON.parse(readFileSync(new URL('../golden/siglip_tokens.json', import.meta.url), 'utf8'))
const unigram = readFileSync(new URL('../golden/siglip_tiny/tokenizer.json', import.meta.url), 'utf8')
const gemma = JSON.stringify(golden.siglip2_tokenizer)
const limits = { context: golden.context, vocabulary: 400 }
const load = (json: string, change: object = {}) => loadSiglipTokenizer(json, 'm/tokenizer.json', { ...limits, ...change })

for (const [kind, json] of [
  ['siglip', unigram],
  ['siglip2', gemma],
] as const) {
  test(`golden ${kind} tokens: lower-cased, ended, padded to the context`, async () => {
    const tokenizer = await load(json)
    for (const prompt of golden.prompts) {
      const { ids, length, ends } = tokenizer.rows([prompt.text])
      expect([...ids], prompt.text).toEqual(prompt[kind])
      expect([length, ends]).toEqual([golden.context, [golden.context - 1]])
    }
  })
}

test('an older file, which does not say that it is a Unigram', async () => {
  const tokenizer = await load(unigram.replace('"type":"Unigram",', ''))
  for (const { text, siglip } of golden.prompts) expect([...tokenizer.rows([text]).ids], text).toEqual(siglip)
})

test('an empty text is refused, and to SigLIP one of punctuation', async () => {
  const [first, second] = [await load(unigram), await load(gemma)]
  for (const tokenizer of [first, second]) expect(() => tokenizer.rows(['face', ' \n'])).toThrow('the text is empty')
  expect(() => first.rows(['...'])).toThrow('encodeText: "..." is punctuation alone')
  expect(second.rows(['...']).ends).toEqual([15])
})

test('a tokeniser of another model is refused by name', async () => {
  await expect(load(unigram, { vocabulary: 20 })).rejects.toThrow(/m\/tokenizer\.json: has token \d+, but text_config\.vocab_size/)
  await expect(load(unigram.replaceAll('</s>', '<stop>'))).rejects.toThrow('m/tokenizer.json: no token "</s>", which SigLIP\'s Unigram tokenizer has')
  const words = { ...JSON.parse(unigram), model: { type: 'WordPiece', vocab: { face: 0 }, unk_token: 'face', continuing_subword_prefix: '##' } }
  await expect(load(JSON.stringify({ ...words, added_tokens: [] }))).rejects.toThrow('model.type is "WordPiece", SigLIP\'s are Unigram and BPE')
})

// ---- spiece.model

/** A SentencePiece model of the Unigram's pieces: field 1 of each, {1: text, 2: score, 3: type}, and a trainer's settings, which are passed over. */
function sentencePieceFile(): Uint8Array {
  const { vocab, unk_id: unknown }: { vocab: [string, number][]; unk_id: number } = JSON.parse(unigram).model
  const bytes: number[] = []
  const message = (field: number, content: readonly number[]): number[] => {
    const length = content.length < 128 ? [content.length] : [(content.length & 127) | 128, content.length >> 7]
    return [field * 8 + 2, ...length, ...content]
  }
  for (const [id, [text, score]] of vocab.entries()) {
    const type = id === unknown ? 2 : id < 2 ? 3 : 1
    const scoreBytes = new Uint8Array(Float32Array.of(score).buffer)
    bytes.push(...message(1, [...message(1, [...new TextEncoder().encode(text)]), 2 * 8 + 5, ...scoreBytes, 3 * 8, type]))
  }
  return Uint8Array.from([...bytes, ...message(2, [3 * 8, 0x80, 0x80, 0x01, ...message(5, Array(200).fill(65))])])
}

test('spiece.model gives the tokens of tokenizer.json', async () => {
  const files = fileMap(new Map([['spiece.model', sentencePieceFile()]]), 'm')
  const { json, file } = await tokenizerText(files)
  expect(file).toBe('m/spiece.model')
  const tokenizer = await load(json)
  for (const { text, siglip } of golden.prompts) expect([...tokenizer.rows([text]).ids], text).toEqual(siglip)
})

test('a damaged spiece.model is named', () => {
  const whole = sentencePieceFile()
  for (const bytes of [whole.subarray(0, whole.length - 3), Uint8Array.of(0xff), new TextEncoder().encode('version https://git-lfs')])
    expect(() => sentencePieceJson(bytes, 'm/spiece.model')).toThrow('m/spiece.model: not a SentencePiece model; download the file again')
  expect(() => sentencePieceJson(new Uint8Array(), 'm/spiece.model')).toThrow('m/spiece.model: has 0 pieces, and none for what is unknown')
})
