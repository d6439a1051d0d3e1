import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { ClipTokenizer } from '../../src/clip/tokenizer.ts'

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

test.skipIf(skipped)(`golden tokens: all ${golden.prompts.length} prompts exactly${skipped}`, () => {
  const limits = { context: golden.context, vocabulary: golden.vocab_size, endToken: golden.end, padToken: 0 }
  const tokenizer = new ClipTokenizer(openAiTokenizer(merges), 'tokenizer.json', limits)
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

/** tokenizer.json as Hugging Face writes it for CLIP, from OpenAI's list of merges. */
function openAiTokenizer(path: string): string {
  const lines = gunzipSync(readFileSync(path)).toString('utf8').split('\n')
  const pairs = lines.slice(1, 49152 - 256 - 2 + 1)
  const bytes = byteLetters()
  const pieces = [...bytes, ...bytes.map(b => `${b}</w>`), ...pairs.map(pair => pair.replace(' ', '')), '<|startoftext|>', '<|endoftext|>']
  const special = (content: string) => ({
    id: pieces.indexOf(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })
  const pattern = "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"
  return JSON.stringify({
    version: '1.0',
    added_tokens: [special('<|startoftext|>'), special('<|endoftext|>')],
    normalizer: {
      type: 'Sequence',
      normalizers: [{ type: 'NFC' }, { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' }, { type: 'Lowercase' }],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: pattern }, behavior: 'Removed', invert: true },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: {
      type: 'RobertaProcessing',
      sep: ['<|endoftext|>', golden.end],
      cls: ['<|startoftext|>', golden.start],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: '<|endoftext|>',
      continuing_subword_prefix: '',
      end_of_word_suffix: '</w>',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
      merges: pairs,
    },
  })
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

test('start, text, end; the rest of the row is padding', () => {
  const { ids, length, ends } = new ClipTokenizer(embedded, 'tokenizer.json', limits).rows(['a surprised face', 'Face'])
  expect(length).toBe(32)
  expect([...ids.subarray(0, 6)]).toEqual([0, 269, 379, 285, 1, 1])
  expect([...ids.subarray(32, 36)]).toEqual([0, 285, 1, 1])
  expect(ends).toEqual([4, 2])
})

test('a long text is cut and keeps its end token', () => {
  const row = new ClipTokenizer(embedded, 'tokenizer.json', limits).encode('face '.repeat(100))
  expect(row).toHaveLength(32)
  expect(row.at(-1)).toBe(1)
  expect(row.at(-2)).toBe(285)
})

test('an empty text is refused', () => {
  const tokenizer = new ClipTokenizer(embedded, 'tokenizer.json', limits)
  for (const text of ['', ' \n']) expect(() => tokenizer.rows(['face', text])).toThrow('the text is empty')
})

test('a file that is no tokeniser, or of another model, is refused by name', () => {
  expect(() => new ClipTokenizer('{', 'enc/tokenizer.json', limits)).toThrow('enc/tokenizer.json: not a tokenizer')
  expect(() => new ClipTokenizer('{}', 'enc/tokenizer.json', limits)).toThrow('enc/tokenizer.json: not a tokenizer')
  expect(() => new ClipTokenizer(embedded, 'tokenizer.json', { ...limits, endToken: 7 })).toThrow('the end token is 1, but text_config.eos_token_id')
  expect(() => new ClipTokenizer(embedded, 'tokenizer.json', { ...limits, vocabulary: 600 })).toThrow('has token 654, but text_config.vocab_size')
})
