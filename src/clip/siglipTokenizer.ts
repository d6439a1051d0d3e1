/** Texts to token rows as SigLIP was trained: lower case, an end token, and padding up to the context, which its tower sees. */
import type { Tokenizer } from '@huggingface/tokenizers'
import type { TokenRows } from './textTransformer.ts'
import { EMPTY, openTokenizer, REMEDY, type TextTokenizer, type TokenizerLimits } from './tokenizer.ts'

interface Kind {
  readonly end: string
  readonly pad: string
  /** What the text goes through before tokenizer.json's own steps, which may or may not repeat it. */
  clean(text: string): string
}

/** By the model of tokenizer.json. What fills the rows is named by neither it nor config.json, whose ids are another model's. */
const KINDS: Readonly<Record<string, Kind>> = {
  // SigLIP: SentencePiece on lower-case words without ASCII punctuation (transformers' SiglipTokenizer)
  Unigram: {
    end: '</s>',
    pad: '</s>',
    clean: text =>
      text
        .toLowerCase()
        .replace(/[!-/:-@[-`{-~]/g, '')
        .replace(/\s+/g, ' ')
        .trim(),
  },
  // SigLIP 2: Gemma's, on lower-case text (transformers' Siglip2Tokenizer)
  BPE: { end: '<eos>', pad: '<pad>', clean: text => text.toLowerCase() },
}

/** Makes SigLIP's tokeniser of a tokenizer.json; `file` is how errors call it. Rejects when it is none, or does not fit the tower. */
export async function loadSiglipTokenizer(
  json: string,
  file: string,
  { context, vocabulary }: Pick<TokenizerLimits, 'context' | 'vocabulary'>,
): Promise<SiglipTokenizer> {
  const tokenizer = await openTokenizer(json, file, vocabulary)
  const model = tokenizer.model?.config as { type?: string; vocab?: unknown }
  // older files leave the type out; a Unigram's vocabulary is a list of pieces and scores
  const type = model.type ?? (Array.isArray(model.vocab) ? 'Unigram' : 'BPE')
  const kind = Object.hasOwn(KINDS, type) ? KINDS[type] : undefined
  if (!kind) throw new Error(`${file}: model.type is ${JSON.stringify(type)}, SigLIP's are ${Object.keys(KINDS).join(' and ')}; ${REMEDY}`)
  const id = (token: string): number => {
    const found = tokenizer.token_to_id(token)
    if (found === undefined) throw new Error(`${file}: no token "${token}", which SigLIP's ${type} tokenizer has; ${REMEDY}`)
    return found
  }
  return new SiglipTokenizer(tokenizer, kind, { end: id(kind.end), pad: id(kind.pad), context })
}

export class SiglipTokenizer implements TextTokenizer {
  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly kind: Kind,
    private readonly row: { readonly end: number; readonly pad: number; readonly context: number },
  ) {}

  /** Text, end token: cut to the context, the end token kept. */
  encode(text: string): number[] {
    const { end, context } = this.row
    const { ids } = this.tokenizer.encode(this.kind.clean(text), { add_special_tokens: false })
    return [...ids.slice(0, context - 1), end]
  }

  /** The texts as rows of `context` tokens. Throws for an empty text, and for one of which cleaning leaves nothing. */
  rows(texts: readonly string[]): TokenRows {
    const { pad, context } = this.row
    const ids = new Uint32Array(texts.length * context).fill(pad)
    for (const [t, text] of texts.entries()) {
      if (text.trim() === '') throw new Error(`encodeText: ${EMPTY}`)
      if (this.kind.clean(text) === '')
        throw new Error(`encodeText: "${text}" is punctuation alone, which SigLIP does not read; write what the face should look like`)
      ids.set(this.encode(text), t * context)
    }
    return { ids, length: context, ends: texts.map(() => context - 1) }
  }
}
