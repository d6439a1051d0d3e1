/** What can be taken out of the studio. A further format is one more row of EXPORTS. */
import type { NamedBytes } from '../protocol/messages.ts'
import type { Studio, StudioState } from '../viewer/studio.ts'
import { download } from './files.ts'

export interface Export {
  readonly id: string
  readonly label: string
  readonly hint: string
  /** Why it cannot be had now; undefined when it can. */
  missing(state: StudioState): string | undefined
  make(studio: Studio): Promise<NamedBytes | undefined>
}

/** px along the longer edge of a saved picture: what each device draws in about a second. */
const PICTURE_SIDE = { gpu: 1024, cpu: 192 }

const pictureOf = (studio: Studio): Promise<NamedBytes | undefined> => studio.picture(PICTURE_SIDE[studio.state().device?.kind ?? 'cpu'])

export const EXPORTS: readonly Export[] = [
  { id: 'png', label: 'Picture', hint: 'the view as PNG', missing: () => undefined, make: pictureOf },
  {
    id: 'edit',
    label: 'Edit file',
    hint: '.edit, opens with its scene',
    missing: ({ document: { shown } }) => (shown === undefined ? 'choose an edit first' : undefined),
    async make(studio) {
      const { shown } = studio.state().document
      return shown === undefined ? undefined : await studio.editFile(shown)
    },
  },
  {
    id: 'page',
    label: 'Web page',
    hint: 'the scene, its edits and a viewer in one .html, for anybody, without a network',
    missing: () => undefined,
    make: studio => studio.pageFile(),
  },
  {
    id: 'glb',
    label: 'Mesh, GLB',
    hint: 'the face that is shown, with its colours',
    missing: () => undefined,
    make: studio => studio.meshFile('glb'),
  },
  { id: 'ply', label: 'Mesh, PLY', hint: 'the same for mesh programs', missing: () => undefined, make: studio => studio.meshFile('ply') },
  { id: 'scene', label: 'Scene file', hint: '.scene, the whole face', missing: () => undefined, make: studio => studio.sceneFile() },
]

/** Makes a file and hands it to the person. */
export async function save(studio: Studio, { make }: Export): Promise<void> {
  const file = await make(studio)
  if (!file) return
  download(file)
  studio.tell(`saved ${file.name}`)
}

export const savePicture = (studio: Studio): Promise<void> => save(studio, EXPORTS[0])
