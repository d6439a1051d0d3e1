/** Pictures of the anchors' faces, by frame id, as addresses that an <img> takes. */
import type { Client } from './client.ts'
import type { StudioState } from './state.ts'
import { pictureAddress } from './thumbnail.ts'

/** Those known and those of the first edit that lacks some, once per set of anchors. Undefined where none is missing. */
export async function anchorFaces(client: Client, { document, faces }: StudioState): Promise<StudioState['faces'] | undefined> {
  const entry = document.edits.find(({ anchors }) => anchors.length > 0 && anchors.some(id => !(id in faces)))
  if (!entry) return undefined
  const thumbnails = await client.request('anchors', { edit: entry.id }).answer.catch(() => [])
  return { ...faces, ...Object.fromEntries(thumbnails.map((thumbnail, k) => [entry.anchors[k], pictureAddress(thumbnail)])) }
}
