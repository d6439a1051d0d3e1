/** Pieces of pages that need nothing else: text, pictures inside the page, tables. */
import { encodeWebp } from '../io/imageCodec.ts'
import { type Picture, toImage } from '../io/sheet.ts'

export function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, letter => `&#${letter.charCodeAt(0)};`)
}

export function section(title: string, body: string): string {
  return `<section><h2>${escapeText(title)}</h2>${body}</section>`
}

/** A picture as an address that holds it. @param quality of WebP, 1..100 */
export async function pictureAddress(picture: Picture, quality = 88): Promise<string> {
  return `data:image/webp;base64,${base64(await encodeWebp(toImage(picture), quality))}`
}

/** A table of HTML cells; the first column names the row. `notes` are shown when a heading is pointed at. */
export function table(headings: readonly (string | readonly [heading: string, note: string])[], rows: readonly (readonly string[])[]): string {
  const head = headings.map(heading => {
    const [text, note] = typeof heading === 'string' ? [heading, ''] : heading
    return `<th scope="col"${note ? ` title="${escapeText(note)}"` : ''}>${text}</th>`
  })
  const body = rows.map(([first, ...others]) => `<tr><th scope="row">${first}</th>${others.map(cell => `<td>${cell}</td>`).join('')}</tr>`)
  return `<div class="wide"><table><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`
}

function base64(bytes: Uint8Array): string {
  let binary = ''
  for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000))
  return btoa(binary)
}
