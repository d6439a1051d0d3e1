/** Pieces of pages that need nothing else: text, pictures inside the page, tables. */
import { base64 } from '../io/base64.ts'
import { encodeWebp } from '../io/imageCodec.ts'
import { type Picture, toImage } from '../io/sheet.ts'
import { escapeXml } from '../io/syntheticMedia.ts'

export function section(title: string, body: string): string {
  return `<section><h2>${escapeXml(title)}</h2>${body}</section>`
}

/** A picture as an address that holds it. @param quality of WebP, 1..100 */
export async function pictureAddress(picture: Picture, quality = 88): Promise<string> {
  return `data:image/webp;base64,${base64(await encodeWebp(toImage(picture), quality))}`
}

/** A table of HTML cells; the first column names the row. `notes` are shown when a heading is pointed at. */
export function table(headings: readonly (string | readonly [heading: string, note: string])[], rows: readonly (readonly string[])[]): string {
  const head = headings.map(heading => {
    const [text, note] = typeof heading === 'string' ? [heading, ''] : heading
    return `<th scope="col"${note ? ` title="${escapeXml(note)}"` : ''}>${text}</th>`
  })
  const body = rows.map(([first, ...others]) => `<tr><th scope="row">${first}</th>${others.map(cell => `<td>${cell}</td>`).join('')}</tr>`)
  return `<div class="wide"><table><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`
}
