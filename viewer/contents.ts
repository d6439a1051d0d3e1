/** What the page carries: files as gzip in base64, and a description of them, each in an element of its own. */
import type { NamedFrame, PageFile } from './messages.ts'

interface Description {
  readonly title: string
  readonly scene: string
  readonly files: readonly { readonly kind: 'scene' | 'edit'; readonly name: string }[]
  readonly frames: readonly NamedFrame[]
}

export interface Contents {
  readonly title: string
  readonly about: { readonly scene: string }
  /** Unpacks the files. Throws when the page was cut or altered. */
  files(): Promise<{ scene: PageFile; edits: PageFile[]; frames: readonly NamedFrame[] }>
}

const DAMAGED = 'this page is damaged (it was cut or altered on its way); ask for it again'

export function readContents(document: Document): Contents {
  const text = (id: string): string => document.getElementById(id)?.textContent ?? ''
  const description = JSON.parse(text('faceclipnerf') || '{}') as Description
  return {
    title: description.title ?? 'A face',
    about: { scene: description.scene ?? 'face' },
    async files() {
      const { files = [], frames = [] } = description
      const unpacked = await Promise.all(files.map(async ({ kind, name }, i) => ({ kind, name, bytes: await unpack(text(`file-${i}`)) }))).catch(
        () => {
          throw new Error(DAMAGED)
        },
      )
      const scene = unpacked.find(({ kind }) => kind === 'scene')
      if (!scene) throw new Error(DAMAGED)
      return { scene, edits: unpacked.filter(({ kind }) => kind === 'edit'), frames }
    },
  }
}

async function unpack(base64: string): Promise<Uint8Array> {
  const packed = Uint8Array.from(atob(base64.trim()), letter => letter.charCodeAt(0))
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}
