import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { loadTokenizer } from '../../src/clip/tokenizer.ts'
import { tokenizerJson } from '../../src/clip/tokenizerFiles.ts'

interface TokensGolden {
  start: number
  end: number
  vocab_size: number
  context: number
  prompts: { text: string; ids: number[]; tokens77: number[]; truncated: boolean }[]
}
const golden: TokensGolden = JSON.parse(readFileSync(new URL('../golden/tokens.json', import.meta.url), 'utf8'))

/** OpenAI's merges stay out of the repository; who has them names the folder that holds golden/clip-vocab. */
const shared = process.env.FACECLIPNERF_SHARED ?? '../shared'
const merges = resolve(shared, 'golden/clip-vocab/bpe_simple_vocab_16e6.txt.gz')
const skipped = existsSync(merges) ? '' : ` (SKIPPED: no ${merges}; set FACECLIPNERF_SHARED)`
if (skipped) console.warn(`tokens golden${skipped}`)

test.skipIf(skipped)(`golden tokens: all ${golden.prompts.length} prompts exactly, from vocab.json and merges.txt${skipped}`, async () => {
  const limits = { context: golden.context, vocabulary: golden.vocab_size, endToken: golden.end, padToken: 0 }
  const files = openAiFiles(merges)
  const tokenizer = await loadTokenizer(tokenizerJson(files.vocab, files.merges), 'vocab.json', limits)
  expect(golden.prompts).toHaveLength(41)
  for (const { text, ids, tokens77, truncated } of golden.prompts) {
    const encoded = tokenizer.encode(text)
    expect([...encoded, ...Array(golden.context - encoded.length).fill(0)], text).toEqual(tokens77)
    if (!truncated) expect(encoded.slice(1, -1), text).toEqual(ids)
    if (text === '') continue
    const rows = tokenizer.rows([text])
    expect([...rows.ids], text).toEqual(tokens77)
    expect(rows.ends, text).toEqual([tokens77.indexOf(golden.end)])
  }
})

/** vocab.json and merges.txt as OpenAI's repository on Hugging Face has them, from OpenAI's list of merges. */
function openAiFiles(path: string): { vocab: string; merges: string } {
  const lines = gunzipSync(readFileSync(path)).toString('utf8').split('\n')
  const pairs = lines.slice(1, 49152 - 256 - 2 + 1)
  const bytes = byteLetters()
  const pieces = [...bytes, ...bytes.map(b => `${b}</w>`), ...pairs.map(pair => pair.replace(' ', '')), '<|startoftext|>', '<|endoftext|>']
  const vocab = JSON.stringify(Object.fromEntries(pieces.map((piece, id) => [piece, id])))
  return { vocab, merges: ['#version: 0.2', ...pairs, ''].join('\n') }
}

/** A printable letter for each byte, in the order of GPT-2's table: printable bytes as themselves, the others from U+0100 on. */
function byteLetters(): string[] {
  const printable = (b: number): boolean => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174
  const all = Array.from({ length: 256 }, (_, b) => b)
  return [...all.filter(printable).map(b => String.fromCharCode(b)), ...all.filter(b => !printable(b)).map((_, i) => String.fromCharCode(256 + i))]
}

// ---- The embedded encoder's own tokeniser.

const embedded = readFileSync(new URL('../../assets/encoder/tokenizer.json', import.meta.url), 'utf8')
const limits = { context: 32, vocabulary: 655, endToken: 1, padToken: 1 }

test('start, text, end; the rest of the row is padding', async () => {
  const { ids, length, ends } = (await loadTokenizer(embedded, 'tokenizer.json', limits)).rows(['a surprised face', 'Face'])
  expect(length).toBe(32)
  expect([...ids.subarray(0, 6)]).toEqual([0, 269, 379, 285, 1, 1])
  expect([...ids.subarray(32, 36)]).toEqual([0, 285, 1, 1])
  expect(ends).toEqual([4, 2])
})

test('a long text is cut and keeps its end token', async () => {
  const row = (await loadTokenizer(embedded, 'tokenizer.json', limits)).encode('face '.repeat(100))
  expect(row).toHaveLength(32)
  expect(row.at(-1)).toBe(1)
  expect(row.at(-2)).toBe(285)
})

test('an empty text is refused', async () => {
  const tokenizer = await loadTokenizer(embedded, 'tokenizer.json', limits)
  for (const text of ['', ' \n']) expect(() => tokenizer.rows(['face', text])).toThrow('the text is empty')
})

test('a file that is no tokeniser, or of another model, is refused by name', async () => {
  const load = (json: string, change: object = {}) => loadTokenizer(json, 'enc/tokenizer.json', { ...limits, ...change })
  await expect(load('{')).rejects.toThrow('enc/tokenizer.json: not a tokenizer')
  await expect(load('{}')).rejects.toThrow('enc/tokenizer.json: not a tokenizer')
  await expect(load(embedded, { endToken: 7 })).rejects.toThrow('the end token is 1, but text_config.eos_token_id')
  await expect(load(embedded, { vocabulary: 600 })).rejects.toThrow('has token 654, but text_config.vocab_size')
})

// ---- vocab.json and merges.txt.

const { vocab, merges: embeddedMerges }: { vocab: Record<string, number>; merges: (string | string[])[] } = JSON.parse(embedded).model
const mergesText = `#version: 0.2\n${embeddedMerges.map(m => (typeof m === 'string' ? m : m.join(' '))).join('\n')}\n`

test('vocab.json and merges.txt give the tokens of tokenizer.json', async () => {
  const [made, given] = await Promise.all(
    [tokenizerJson(JSON.stringify(vocab), mergesText), embedded].map(json => loadTokenizer(json, 'tokenizer.json', limits)),
  )
  for (const text of ['a surprised face', "Eyes CLOSED, it's 2 much; naïve — 50%"]) expect(made.encode(text)).toEqual(given.encode(text))
})

test('files that do not belong together are refused by file and entry', () => {
  expect(() => tokenizerJson('[]', '', 'm/vocab.json')).toThrow('m/vocab.json: not an object of tokens and ids')
  expect(() => tokenizerJson('{"a": "b"}', '', 'm/vocab.json')).toThrow('m/vocab.json: token "a" has id "b"')
  expect(() => tokenizerJson('{"a": 0}', '', 'm/vocab.json')).toThrow('m/vocab.json: no token "<|startoftext|>"')
  expect(() => tokenizerJson(JSON.stringify(vocab), 'f oo', 'm/vocab.json', 'm/merges.txt')).toThrow('m/merges.txt: merge 1 "f oo" gives no token of')
})

test('an old configuration, end token 2, takes the state of the largest id', async () => {
  const tokenizer = await loadTokenizer(embedded, 'tokenizer.json', { ...limits, endToken: undefined })
  expect(tokenizer.rows(['a surprised face']).ends).toEqual([2])
})
