/** What leaves the studio beside pictures: meshes, and one page with everything in it. All of it says that it is synthetic. */
import { encodeGlb, encodePly, extractSurface, type PageFile, type SyntheticMedia, saveScene, viewerPage } from 'faceclipnerf'
import type { Face, ShownEdit } from '../protocol/messages.ts'
import { adjust } from './adjust.ts'
import type { Session } from './session.ts'

/** What a file says of the face it shows. */
export function about({ scene, edits }: Session, { edit }: Face): SyntheticMedia {
  const prompt = edit === undefined ? undefined : edits.get(edit)?.info.prompt
  return { scene: scene.description.name, ...(prompt !== undefined && { prompt }) }
}

/** A face's surface with its colours. Throws when aborted, and where the scene has no surface. */
export async function meshFile(
  session: Session,
  face: Face,
  format: 'glb' | 'ply',
  { signal, say }: { signal: AbortSignal; say(text: string): void },
): Promise<Uint8Array> {
  const { scene } = session
  const edit = face.edit === undefined ? undefined : session.edit(face.edit)
  // Strengths of its own: the viewport's may change meanwhile.
  using adjustable = edit && (await adjust(scene, edit.field))
  if (adjustable && face.strengths) adjustable.setStrengths(face.strengths)
  const steps = extractSurface(scene, adjustable?.codes, { signal })
  let next = await steps.next()
  for (; !next.done; next = await steps.next()) {
    const { stage, step, steps: all } = next.value
    say(`${stage === 'densities' ? 'looking for the surface' : 'colouring it'}, ${Math.round((100 * step) / all)} %`)
    await new Promise(resolve => setTimeout(resolve))
  }
  return (format === 'glb' ? encodeGlb : encodePly)(next.value, about(session, face))
}

/** One page with the scene, these edits at their strengths and a viewer. @param viewer text of the viewer's script */
export async function pageFile(session: Session, edits: readonly ShownEdit[], viewer: string): Promise<Uint8Array> {
  const { scene } = session
  const files: PageFile[] = [{ kind: 'scene', name: `${scene.description.name}.scene`, bytes: await saveScene(scene, { precision: 'half' }) }]
  for (const shown of edits) files.push({ kind: 'edit', name: session.edit(shown.edit).info.prompt, bytes: await session.editFile(shown) })
  const compositor = edits.map(({ edit }) => session.edit(edit).compositor).find(found => found !== undefined)
  const frames = (compositor?.anchors.frames ?? []).slice(1).map((frame, k) => ({ label: `recorded expression ${k + 1} (frame ${frame})`, frame }))
  const prompt = edits.map(({ edit }) => session.edit(edit).info.prompt).join('; ')
  return new TextEncoder().encode(await viewerPage({ viewer, files, frames, about: { scene: scene.description.name, ...(prompt && { prompt }) } }))
}
