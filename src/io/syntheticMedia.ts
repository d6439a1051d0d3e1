/**
 * What every exported picture, film, mesh and page says of itself: that a program computed it from a person's capture. The words and their XMP are here
 * alone; each format's writer puts them where that format keeps such words.
 */

/** What a file shows, as far as its maker wants it told. */
export interface SyntheticMedia {
  /** Name of the scene. */
  readonly scene?: string
  /** The sentence of the edit shown. */
  readonly prompt?: string
}

/** IPTC's word for media made by a trained model (NewsCodes, Digital Source Type). */
export const DIGITAL_SOURCE_TYPE = 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia'

/** The program, as files name it. */
export const CREATOR_TOOL = 'faceclipnerf'

/** One sentence for people, on one line. */
export function syntheticMediaNote({ scene, prompt }: SyntheticMedia = {}): string {
  const shown = [scene && `scene ${oneLine(scene)}`, prompt && `edited to "${oneLine(prompt)}"`].filter(Boolean).join(', ')
  return `Synthetic media: a face computed by ${CREATOR_TOOL}, not a photograph${shown && ` (${shown})`}`
}

/** The same for programs: name and value of each thing said. */
export function syntheticMediaFields(about: SyntheticMedia = {}): Record<string, string> {
  const { scene, prompt } = about
  return {
    digitalSourceType: DIGITAL_SOURCE_TYPE,
    creatorTool: CREATOR_TOOL,
    description: syntheticMediaNote(about),
    ...(scene && { scene: oneLine(scene) }),
    ...(prompt && { prompt: oneLine(prompt) }),
  }
}

/** An XMP packet (ISO 16684-1) with IPTC's digital source type, a description and the creator tool. */
export function syntheticMediaXmp(about: SyntheticMedia = {}): string {
  return `<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmp:CreatorTool="${CREATOR_TOOL}" Iptc4xmpExt:DigitalSourceType="${DIGITAL_SOURCE_TYPE}">
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">${escapeXml(syntheticMediaNote(about))}</rdf:li></rdf:Alt></dc:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>`
}

/** Text as XML and HTML want it, also inside quotes. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, letter => `&#${letter.charCodeAt(0)};`)
}

/** Control characters have no place in any of these formats, and a comment of a PLY ends with its line. */
function oneLine(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 1000)
}
