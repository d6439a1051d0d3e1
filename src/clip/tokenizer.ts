/** Texts to token rows: @huggingface/tokenizers splits, we cut to the context and pad (that library ignores truncation and padding). */
import type { Tokenizer } from '@huggingface/tokenizers'
import type { TokenRows } from './textTransformer.ts'

export interface TokenizerLimits {
  /** Most tokens of a text, start and end included. */
  readonly context: number
  /** Tokens the text tower knows. */
  readonly vocabulary: number
  /** End token of config.json; undefined takes the one that the tokeniser appends. */
  readonly endToken?: number
  /** Fills the rows; default the end token. CLIP's causal mask keeps it from the end token, so any token will do (OpenAI 0, Hugging Face the end token). */
  readonly padToken?: number
}

/** Texts as a tower reads them. */
export interface TextTokenizer {
  /** The tokens of one text, without padding. */
  encode(text: string): number[]
  /** The texts as rows of one length. Throws for an empty text. */
  rows(texts: readonly string[]): TokenRows
}

/** Why an empty text is no prompt: its embedding is that of the start and end tokens, which means nothing. */
export const EMPTY = 'the text is empty; write what the face should look like, e.g. "a surprised face"'

export const REMEDY = 'use the tokenizer that belongs to the model'

/**
 * A tokenizer.json; `file` is how errors call it. Rejects when it is none, or has tokens that the tower does not know. The library is loaded here, so that who
 * never reads a text does not need it.
 */
export async function openTokenizer(json: string, file: string, vocabulary: number): Promise<Tokenizer> {
  const { Tokenizer } = await import('@huggingface/tokenizers')
  let tokenizer: Tokenizer
  try {
    tokenizer = new Tokenizer(JSON.parse(json), {})
  } catch (error) {
    throw new Error(`${file}: not a tokenizer (${error instanceof Error ? error.message : error}); ${REMEDY}`)
  }
  const largest = [...tokenizer.get_vocab().values()].reduce((a, b) => Math.max(a, b), 0)
  if (largest >= vocabulary) throw new Error(`${file}: has token ${largest}, but text_config.vocab_size in config.json is ${vocabulary}; ${REMEDY}`)
  return tokenizer
}

/** Makes CLIP's tokeniser of a tokenizer.json. Rejects when it is not one, appends no end token, or does not fit the tower. */
export async function loadTokenizer(json: string, file: string, limits: TokenizerLimits): Promise<ClipTokenizer> {
  const tokenizer = await openTokenizer(json, file, limits.vocabulary)
  const { ids } = tokenizer.encode('')
  const end = ids.at(-1)
  if (ids.length !== 2 || end === undefined)
    throw new Error(`${file}: puts ${ids.length} tokens around a text instead of a start and an end; ${REMEDY}`)
  if (limits.endToken !== undefined && limits.endToken !== end)
    throw new Error(`${file}: the end token is ${end}, but text_config.eos_token_id in config.json is ${limits.endToken}; ${REMEDY}`)
  return new ClipTokenizer(tokenizer, end, limits)
}

export class ClipTokenizer implements TextTokenizer {
  constructor(
    private readonly tokenizer: Tokenizer,
    /** Appended to every text; its state is the text's. */
    readonly endToken: number,
    private readonly limits: TokenizerLimits,
  ) {}

  /** Start token, text, end token: cut to the context, the end token kept. */
  encode(text: string): number[] {
    const { ids } = this.tokenizer.encode(cleanText(text))
    return ids.length <= this.limits.context ? ids : [...ids.slice(0, this.limits.context - 1), this.endToken]
  }

  /** The texts as rows of `context` tokens. Throws for an empty text. */
  rows(texts: readonly string[]): TokenRows {
    const { context, padToken = this.endToken, endToken } = this.limits
    const ids = new Uint32Array(texts.length * context).fill(padToken)
    const ends = texts.map((text, t) => {
      if (text.trim() === '') throw new Error(`encodeText: ${EMPTY}`)
      const row = this.encode(text)
      ids.set(row, t * context)
      // as transformers: an old configuration (end token 2) takes the state of the largest id, which is the end token in OpenAI's vocabulary
      return row.indexOf(endToken === undefined ? row.reduce((a, b) => Math.max(a, b)) : this.endToken)
    })
    return { ids, length: context, ends }
  }
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' }

/** OpenAI's cleaning that tokenizer.json does not hold: HTML entities twice, curly quotes made straight (what ftfy does to clean UTF-8). */
function cleanText(text: string): string {
  const once = (s: string): string =>
    s.replace(/&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|(\w{2,6}));/g, (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return ENTITIES[name] ?? whole
      const code = decimal !== undefined ? Number.parseInt(decimal, 10) : Number.parseInt(hex ?? '', 16)
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole
    })
  return once(once(text))
    .replace(/[\u2018\u2019\u201a\u201b]/g, "'")
    .replace(/[\u201c\u201d\u201e\u201f]/g, '"')
    .trim()
}
