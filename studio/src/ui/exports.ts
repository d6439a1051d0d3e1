/** What can be taken out of the studio. A further format is one more row of EXPORTS. */
import type { NamedBytes } from '../protocol/messages.ts'
import type { Studio, StudioState } from '../viewer/studio.ts'
import { underWay } from '../viewer/underWay.ts'
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

async function sceneOf(studio: Studio): Promise<NamedBytes | undefined> {
  const file = await studio.sceneFile()
  // of a training under way it is what was learnt so far
  if (file && !studio.state().job?.training) studio.unsaved.savedScene()
  return file
}

export const EXPORTS: readonly Export[] = [
  { id: 'png', label: 'Picture', hint: 'the view as PNG', missing: () => undefined, make: pictureOf },
  {
    id: 'edit',
    label: 'Edit file',
    hint: '.edit, opens with its scene',
    missing: ({ document: { shown } }) => (shown === undefined ? 'choose an edit first' : undefined),
    async make(studio) {
      const { shown } = studio.state().document
      const file = shown === undefined ? undefined : await studio.editFile(shown)
      if (file && shown !== undefined) studio.unsaved.savedEdit(shown)
      return file
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
  { id: 'scene', label: 'Scene file', hint: '.scene, the whole face', missing: () => undefined, make: sceneOf },
]

/** Makes a file and hands it to the person. */
export async function save(studio: Studio, { make }: Export): Promise<void> {
  const file = await make(studio)
  if (!file) return
  download(file)
  studio.tell(`saved ${file.name}`)
}

/** Whether files can be made now: a training makes them between two of its steps, other work first ends. */
export const canSave = ({ job }: StudioState): boolean => job === undefined || job.training !== undefined

/** The picture by its key. */
export async function savePicture(studio: Studio): Promise<void> {
  const state = studio.state()
  const busy = underWay(state.job)
  if (canSave(state)) await save(studio, EXPORTS[0])
  else if (busy) studio.say(`${busy}, then save the picture.`, true)
}
