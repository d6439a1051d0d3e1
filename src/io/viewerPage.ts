/** One page that holds a scene, its edits and a viewer: it opens from a disk, without a network. */
import { base64 } from './base64.ts'
import { escapeXml, type SyntheticMedia, syntheticMediaFields, syntheticMediaNote } from './syntheticMedia.ts'

/** A file for the page to carry. */
export interface PageFile {
  readonly kind: 'scene' | 'edit'
  /** What its errors call it. */
  readonly name: string
  readonly bytes: Uint8Array
}

/** What a page holds. */
export interface ViewerPageOptions {
  /** Text of the viewer's script, `dist/viewer.js` of this package ('faceclipnerf/viewer.js'). */
  readonly viewer: string
  /** One scene, and any edits made on it. */
  readonly files: readonly PageFile[]
  /** Recorded expressions for the menu, by frame. */
  readonly frames?: readonly { readonly label: string; readonly frame: string }[]
  /** Default: the scene's name. */
  readonly title?: string
  readonly about?: SyntheticMedia
}

/** Nothing may be fetched: the page has all it needs, and sends nothing. */
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' blob:; worker-src blob:; style-src 'unsafe-inline'; img-src blob: data:; base-uri 'none'; form-action 'none'"

/**
 * The page as text; its files are packed with gzip, in base64. Says in its head and at its foot that what it shows is synthetic.
 * Throws unless there is exactly one scene and the script is one.
 */
export async function viewerPage({ viewer, files, frames = [], about = {}, title = about.scene ?? 'A face' }: ViewerPageOptions): Promise<string> {
  const scenes = files.filter(({ kind }) => kind === 'scene').length
  if (scenes !== 1) throw new Error(`viewerPage: ${scenes} scenes; give one, and the edits made on it`)
  if (!viewer.includes('faceclipnerf'))
    throw new Error(`viewerPage: the viewer's script has ${viewer.length} letters and is none; pass the text of dist/viewer.js`)
  const packed = await Promise.all(files.map(async ({ bytes }) => base64(await gzip(bytes))))
  const description = { title, scene: about.scene ?? 'face', files: files.map(({ kind, name }) => ({ kind, name })), frames }
  const fields = Object.entries(syntheticMediaFields(about)).map(([name, value]) => `<meta name="${name}" content="${escapeXml(value)}">`)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${escapeXml(title)}</title>
${fields.join('\n')}
</head>
<body>
<noscript><p>This page draws a face with a script; allow scripts for it. It loads nothing from a network and sends nothing.</p></noscript>
<footer class="note">${escapeXml(syntheticMediaNote(about))}.</footer>
<script type="application/json" id="faceclipnerf">${JSON.stringify(description).replaceAll('<', '\\u003c')}</script>
${packed.map((text, i) => `<script type="application/gzip;base64" id="file-${i}">${text}</script>`).join('\n')}
<script>${inlineScript(viewer)}</script>
</body>
</html>
`
}

/** A script's own text must not end the element it stands in, nor begin a comment there. */
const inlineScript = (script: string): string => script.replace(/<\/(script)/gi, '<\\/$1').replaceAll('<!--', '<\\!--')

async function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([Uint8Array.from(bytes)]).stream().pipeThrough(new CompressionStream('gzip'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}
