/** Puts the synthetic-media tag into an encoded PNG or WebP, whoever encoded it. */

import { imageHeader } from './imageSize.ts'
import { joinBytes } from './joinBytes.ts'
import { isPng, pngChunk } from './png.ts'
import { CREATOR_TOOL, type SyntheticMedia, syntheticMediaNote, syntheticMediaXmp } from './syntheticMedia.ts'
import { riffChunk, webpChunks, webpHeaderChunk } from './webpChunks.ts'

/** Signature and IHDR of a PNG: text may follow right after them. */
const PNG_HEAD = 33

/**
 * The same picture that says of itself that it is synthetic: in a PNG as XMP (iTXt) and as the texts Description and Software, in a WebP, animated or not, as XMP.
 * Throws for bytes of another format.
 */
export function tagImage(bytes: Uint8Array, about: SyntheticMedia = {}): Uint8Array {
  if (isPng(bytes) && bytes.length >= PNG_HEAD) return tagPng(bytes, about)
  if (ascii(bytes.subarray(0, 4)) === 'RIFF' && ascii(bytes.subarray(8, 12)) === 'WEBP') return tagWebp(bytes, about)
  throw new Error(`tagImage: ${bytes.length} bytes that are no PNG and no WebP; pass what encodePng, encodeWebp or encodeWebpAnimation returned`)
}

function tagPng(bytes: Uint8Array, about: SyntheticMedia): Uint8Array {
  const utf8 = new TextEncoder()
  // keyword, no compression (two zeros), no language, no translated keyword
  const international = (key: string, text: string): Uint8Array => pngChunk('iTXt', utf8.encode(`${key}\0\0\0\0\0${text}`))
  const tags = [
    international('XML:com.adobe.xmp', syntheticMediaXmp(about)),
    international('Description', syntheticMediaNote(about)),
    pngChunk('tEXt', utf8.encode(`Software\0${CREATOR_TOOL}`)),
  ]
  return joinBytes([bytes.subarray(0, PNG_HEAD), ...tags, ...untagged(bytes)])
}

/** Keywords of the texts that the tag consists of: a picture that has them already gets them anew, since XMP may stand there once. */
const KEYWORDS = ['XML:com.adobe.xmp', 'Description', 'Software']

/** The chunks after IHDR without an older tag. */
function* untagged(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = PNG_HEAD; at + 12 <= bytes.length; ) {
    const chunk = bytes.subarray(at, at + 12 + view.getUint32(at))
    const isText = ['iTXt', 'tEXt'].includes(ascii(chunk.subarray(4, 8)))
    if (!isText || !KEYWORDS.some(keyword => ascii(chunk.subarray(8, 9 + keyword.length)) === `${keyword}\0`)) yield chunk
    at += chunk.length
  }
}

/** VP8X says which chunks there are: it gets the flag of XMP, and is made where a simple file has none. */
function tagWebp(bytes: Uint8Array, about: SyntheticMedia): Uint8Array {
  const chunks = webpChunks(bytes)
  const size = imageHeader(bytes)
  if (chunks.length === 0 || !size) throw new Error('tagImage: the WebP is cut; encode it again')
  const hasHeader = chunks[0].type === 'VP8X'
  const simple = chunks[0].type === 'VP8L' ? (chunks[0].bytes[8 + 4] & 0x10) !== 0 : false
  const header = hasHeader ? chunks[0].bytes.slice() : webpHeaderChunk({ ...size, flags: simple ? ALPHA : 0 })
  header[8] |= XMP
  const rest = chunks.slice(hasHeader ? 1 : 0).filter(chunk => chunk.type !== 'XMP ')
  return riffChunk('RIFF', [
    new TextEncoder().encode('WEBP'),
    header,
    ...rest.map(chunk => chunk.bytes),
    riffChunk('XMP ', [new TextEncoder().encode(syntheticMediaXmp(about))]),
  ])
}

/** Flags of VP8X. */
const XMP = 0x04
const ALPHA = 0x10

const ascii = (bytes: Uint8Array): string => String.fromCharCode(...bytes)
