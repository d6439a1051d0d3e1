/** The tokeniser of an encoder folder: tokenizer.json, or, as older repositories have it, vocab.json and merges.txt, or spiece.model, which it is made of. */

import type { FileSource } from '../io/files.ts'
import { parseJson } from '../io/json.ts'
import { encoderFile, encoderText } from './encoderFiles.ts'
import { sentencePieceJson } from './sentencePiece.ts'

const START = '<|startoftext|>'
const END = '<|endoftext|>'
/** Words, numbers digit by digit, and runs of anything else (Radford et al. 2021, code). */
const PIECES = "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"

/** The text of a tokenizer.json and how errors call it. Throws when no form is there, or vocab.json and merges.txt do not belong together. */
export async function tokenizerText(files: FileSource): Promise<{ json: string; file: string }> {
  const path = 'tokenizer.json'
  const [whole, pieces, vocabulary] = await Promise.all([path, 'spiece.model', 'vocab.json'].map(name => files.exists(name)))
  if (!whole && pieces) {
    const file = files.describe('spiece.model')
    return { json: sentencePieceJson(await encoderFile(files, 'spiece.model', ''), file), file }
  }
  if (whole || !vocabulary) {
    const remedy = 'download every file of the model from its page; vocab.json and merges.txt together also serve, or spiece.model'
    return { json: await encoderText(files, path, remedy), file: files.describe(path) }
  }
  const vocab = await encoderText(files, 'vocab.json', '')
  const merges = await encoderText(files, 'merges.txt', 'it belongs to vocab.json; download it from the same page')
  return { json: tokenizerJson(vocab, merges, files.describe('vocab.json'), files.describe('merges.txt')), file: files.describe('vocab.json') }
}

/** tokenizer.json as transformers makes it for a CLIP from the two older files. Throws, naming the file and the entry. */
export function tokenizerJson(vocabText: string, mergesText: string, vocabFile = 'vocab.json', mergesFile = 'merges.txt'): string {
  const vocab = parseVocabulary(vocabText, vocabFile)
  const merges = mergesText
    .split(/\r?\n/)
    .filter((line, i) => line !== '' && !(i === 0 && line.startsWith('#version')))
    .map((line, i) => {
      const pair = line.split(' ')
      if (pair.length !== 2 || !Object.hasOwn(vocab, pair.join('')))
        throw new Error(`${mergesFile}: merge ${i + 1} "${line}" gives no token of ${vocabFile}; use the two files of one model`)
      return line
    })
  const special = (content: string) => {
    if (!Object.hasOwn(vocab, content)) throw new Error(`${vocabFile}: no token "${content}"; use the vocab.json of a CLIP`)
    return { id: vocab[content], content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
  }
  const [start, end] = [special(START), special(END)]
  return JSON.stringify({
    version: '1.0',
    added_tokens: [start, end],
    normalizer: {
      type: 'Sequence',
      normalizers: [{ type: 'NFC' }, { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' }, { type: 'Lowercase' }],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: PIECES }, behavior: 'Removed', invert: true },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: { type: 'RobertaProcessing', sep: [END, end.id], cls: [START, start.id], trim_offsets: false, add_prefix_space: false },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: END,
      continuing_subword_prefix: '',
      end_of_word_suffix: '</w>',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges,
    },
  })
}

function parseVocabulary(text: string, file: string): Record<string, number> {
  const remedy = 'use the vocab.json of a CLIP'
  const vocab = parseJson(text, file, remedy)
  if (typeof vocab !== 'object' || vocab === null || Array.isArray(vocab)) throw new Error(`${file}: not an object of tokens and ids; ${remedy}`)
  for (const [token, id] of Object.entries(vocab)) {
    if (!Number.isSafeInteger(id) || (id as number) < 0) throw new Error(`${file}: token "${token}" has id ${JSON.stringify(id)}; ${remedy}`)
  }
  return vocab as Record<string, number>
}
