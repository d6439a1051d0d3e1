/** A scene on its device with the edits made of it: everything that lives and goes with one device. */
import {
  type AdjustableCodes,
  type AnchorCodes,
  AnchorCompositor,
  adjustableCodes,
  anchorsFromCodes,
  type CodeField,
  type Device,
  expressionEncoder,
  FreeCode,
  loadEdit,
  loadEncoder,
  loadScene,
  type SceneManipulator,
  saveEdit,
  selectAnchors,
  type TextImageEncoder,
} from 'faceclipnerf'
import type { EditInfo, NamedBytes } from '../protocol/messages.ts'
import type { AnchorsFile, SortedFiles } from './sortFiles.ts'

type Field = AnchorCompositor | FreeCode

/** An edit that can be shown at any strength. */
export interface Edit {
  readonly id: number
  readonly field: Field
  readonly adjustable: AdjustableCodes
  readonly codes: CodeField
  /** The anchors' ratios, where it mixes anchors. */
  readonly compositor: AnchorCompositor | undefined
  readonly info: EditInfo & { readonly seed: number }
  /** The file, kept so that the edit outlives its device. */
  bytes: Uint8Array | undefined
}

export class Session {
  readonly edits = new Map<number, Edit>()
  private encoder: TextImageEncoder | undefined
  private anchors: AnchorCodes | undefined

  private constructor(
    readonly device: Device,
    readonly scene: SceneManipulator,
    readonly file: NamedBytes,
    readonly anchorsFile: AnchorsFile | undefined,
  ) {}

  /** Throws, naming the file, for a scene that cannot be read. */
  static async open(device: Device, scene: NamedBytes, anchors?: AnchorsFile): Promise<Session> {
    return new Session(device, await loadScene(device, scene.bytes, scene.name), scene, anchors)
  }

  /** Adds the edits of files under these numbers. Throws, naming the file, for one of another scene. */
  async load({ edits }: Pick<SortedFiles, 'edits'>, numberOf: () => number): Promise<void> {
    for (const { name, bytes } of edits) {
      const { field, description } = await loadEdit(this.scene, bytes, name)
      await this.keep(numberOf(), field, description, bytes)
    }
  }

  /** Makes a code field one of the session's edits. */
  async keep(
    id: number,
    field: Field,
    { prompt, strength, steps, seed }: Omit<EditInfo, 'anchors'> & { seed: number },
    bytes?: Uint8Array,
  ): Promise<Edit> {
    const compositor = field instanceof AnchorCompositor ? field : undefined
    const adjustable = await adjustableCodes(this.scene, field instanceof FreeCode ? await field.read() : field.anchors.codes, compositor?.ratios)
    const info = { prompt, strength, steps, seed, anchors: compositor?.anchors.frames ?? [] }
    const edit: Edit = { id, field, adjustable, codes: adjustable.codes, compositor, info, bytes }
    this.edits.set(id, edit)
    return edit
  }

  drop(id: number): void {
    const edit = this.edits.get(id)
    if (!edit) return
    this.edits.delete(id)
    edit.adjustable[Symbol.dispose]()
    edit.field.release()
  }

  /** Throws when there is no such edit. */
  edit(id: number): Edit {
    const edit = this.edits.get(id)
    if (!edit) throw new Error(`no edit ${id} in this scene; make it again`)
    return edit
  }

  async editFile(id: number, strength?: number): Promise<Uint8Array> {
    const { field, info } = this.edit(id)
    return await saveEdit(field, { ...info, strength: strength ?? info.strength })
  }

  /** The encoder beside the page, loaded once. */
  async encoderAt(address: string, say: (text: string) => void): Promise<TextImageEncoder> {
    if (!this.encoder) say('loading the encoder')
    this.encoder ??= await loadEncoder(this.device, address)
    return this.encoder
  }

  /** The anchors: of the file, of an edit that has some, or found now. */
  async anchorCodes(encoder: TextImageEncoder, say: (text: string) => void, signal: AbortSignal): Promise<AnchorCodes> {
    const { scene, anchorsFile } = this
    if (this.anchors) return this.anchors
    const loaded = [...this.edits.values()].find(edit => edit.compositor)?.compositor?.anchors
    const known = anchorsFile && anchorsFile.scene === scene.description.name && anchorsFile.sceneStep === scene.step ? anchorsFile : undefined
    if (!loaded && !known) say('finding the expressions of the capture')
    this.anchors =
      loaded ??
      (known ? await anchorsFromCodes(scene, known.indices, known.report) : await selectAnchors(scene, expressionEncoder(encoder), { signal }))
    return this.anchors
  }
}
