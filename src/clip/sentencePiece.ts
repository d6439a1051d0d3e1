/** spiece.model, the SentencePiece file of repositories without a tokenizer.json, as the tokenizer.json that it says. Protocol buffers, read as data. */

/** Type of a piece (sentencepiece_model.proto). */
const UNKNOWN = 2
const CONTROL = 3

/** A field's number and its value: bytes of a length-delimited one, a number of the others. */
type Field = readonly [number, Uint8Array | number]

/** tokenizer.json of a Unigram model, with SentencePiece's usual NFKC. Throws, naming the file, when it is none. */
export function sentencePieceJson(bytes: Uint8Array, file: string): string {
  const bad = (why: string): Error => new Error(`${file}: ${why}; download the file again, or a tokenizer.json of the model`)
  const pieces: { text: string; score: number; type: number }[] = []
  try {
    for (const [field, value] of fields(bytes)) if (field === 1 && typeof value !== 'number') pieces.push(readPiece(value))
  } catch {
    throw bad('not a SentencePiece model')
  }
  const unknown = pieces.findIndex(piece => piece.type === UNKNOWN)
  if (unknown < 0) throw bad(`has ${pieces.length} pieces, and none for what is unknown`)
  const special = pieces.flatMap(({ text: content, type }, id) =>
    type === CONTROL ? [{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }] : [],
  )
  return JSON.stringify({
    version: '1.0',
    added_tokens: special,
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Precompiled', precompiled_charsmap: null },
        { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' },
      ],
    },
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
    post_processor: null,
    decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
    model: { type: 'Unigram', unk_id: unknown, vocab: pieces.map(({ text, score }) => [text, score]) },
  })
}

function readPiece(bytes: Uint8Array): { text: string; score: number; type: number } {
  const piece = { text: '', score: 0, type: 1 }
  for (const [field, value] of fields(bytes)) {
    if (field === 1 && typeof value !== 'number') piece.text = new TextDecoder().decode(value)
    else if (field === 2 && typeof value === 'number') piece.score = value
    else if (field === 3 && typeof value === 'number') piece.type = value
  }
  return piece
}

/** The fields of a message. Throws when it is cut off or no message. */
function* fields(bytes: Uint8Array): Generator<Field> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const varint = (): number => {
    let [value, scale] = [0, 1]
    for (let i = 0; i < 10; i++) {
      const byte = view.getUint8(at++)
      value += (byte & 0x7f) * scale
      scale *= 128
      if (byte < 0x80) return value
    }
    throw new RangeError('a number of more than ten bytes')
  }
  while (at < bytes.length) {
    const key = varint()
    const [field, wire] = [Math.floor(key / 8), key % 8]
    if (wire === 0) yield [field, varint()]
    else if (wire === 5) {
      yield [field, view.getFloat32(at, true)]
      at += 4
    } else if (wire === 1) {
      yield [field, view.getFloat64(at, true)]
      at += 8
    } else if (wire === 2) {
      const length = varint()
      if (at + length > bytes.length) throw new RangeError('cut off')
      yield [field, bytes.subarray(at, at + length)]
      at += length
    } else throw new RangeError('no message')
  }
}
