/** A scene on its device with the edits made of it: everything that lives and goes with one device. */
import {
  type AnchorCodes,
  AnchorCompositor,
  anchorsFromCodes,
  type Capture,
  type CodeField,
  type Device,
  type EditDescription,
  expressionEncoder,
  type FaceFrame,
  type FaceRegion,
  faceFrame,
  loadEdit,
  loadEncoder,
  loadScene,
  namedRegion,
  type SaveSceneOptions,
  type SceneConfig,
  SceneManipulator,
  saveEdit,
  saveScene,
  selectAnchors,
  type TextImageEncoder,
} from 'faceclipnerf'
import type { EditInfo, NamedBytes, ShownEdit, TrainRequest } from '../protocol/messages.ts'
import { type Adjustable, adjust, adjustedAnchors, type Field } from './adjust.ts'
import type { AnchorsFile, SortedFiles } from './sortFiles.ts'

/** An edit that can be shown at any strength. */
export interface Edit {
  readonly id: number
  readonly field: Field
  readonly adjustable: Adjustable
  /** The anchors' ratios, where it mixes anchors. */
  readonly compositor: AnchorCompositor | undefined
  readonly info: EditInfo & { readonly seed: number }
  /** Of the edits it builds on, in order. */
  readonly earlier: readonly EditDescription[]
  /** The file, kept so that the edit outlives its device. */
  bytes: Uint8Array | undefined
}

export class Session {
  readonly edits = new Map<number, Edit>()
  /** Codes of the frames whose faces can be shown. */
  readonly recorded = new Map<string, CodeField>()
  private encoder: TextImageEncoder | undefined
  private anchors: AnchorCodes | undefined
  private frame: FaceFrame | undefined

  private constructor(
    readonly device: Device,
    readonly scene: SceneManipulator,
    public file: NamedBytes,
    readonly anchorsFile: AnchorsFile | undefined,
  ) {}

  /** Throws, naming the file, for a scene that cannot be read. */
  static async open(device: Device, scene: NamedBytes, anchors?: AnchorsFile): Promise<Session> {
    return new Session(device, await loadScene(device, scene.bytes, scene.name), scene, anchors)
  }

  /** A scene that is to be trained. */
  static begin(device: Device, capture: Capture, { preset, seed, steps }: TrainRequest): Session {
    const config = (base: SceneConfig): SceneConfig => ({ ...base, training: { ...base.training, steps } })
    const scene = new SceneManipulator(device, capture, { preset, seed, config })
    return new Session(device, scene, { name: `${capture.name}.scene`, bytes: new Uint8Array() }, undefined)
  }

  /** Keeps the scene as it is now, so that it outlives its device; for training, so that this can go on as if never interrupted. */
  async checkpoint(options: SaveSceneOptions = {}): Promise<void> {
    this.file = { name: this.file.name, bytes: Uint8Array.from(await saveScene(this.scene, options)) }
  }

  /** Adds the edits of files under these numbers. Throws, naming the file, for one of another scene. */
  async load({ edits }: Pick<SortedFiles, 'edits'>, numberOf: () => number): Promise<void> {
    for (const { name, bytes } of edits) {
      const { field, description, history } = await loadEdit(this.scene, bytes, name)
      const earlier = history.slice(0, -1)
      const note = noteOf(field, earlier)
      await this.keep(numberOf(), field, description, { earlier, bytes, note })
    }
  }

  /** Makes a code field one of the session's edits. @param earlier descriptions of the edits that it builds on */
  async keep(
    id: number,
    field: Field,
    { prompt, strength, steps, seed }: EditDescription,
    { earlier = [], bytes, note }: { earlier?: readonly EditDescription[]; bytes?: Uint8Array; note?: string } = {},
  ): Promise<Edit> {
    const compositor = field instanceof AnchorCompositor ? field : undefined
    const adjustable = await adjust(this.scene, field)
    const info = {
      prompt,
      strength,
      steps,
      seed,
      note,
      anchors: adjustedAnchors(field),
      gains: compositor?.base ? undefined : compositor?.gains,
      shares: compositor?.shares ?? [],
    }
    const edit: Edit = { id, field, adjustable, compositor, info, earlier, bytes }
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

  async editFile({ edit: id, strength, gains }: ShownEdit): Promise<Uint8Array> {
    const { field, info, earlier } = this.edit(id)
    const { prompt, steps, seed } = info
    const shown = withGains(field, gains)
    try {
      return await saveEdit(shown, { prompt, steps, seed, strength }, earlier)
    } finally {
      if (shown !== field) shown.release()
    }
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

  /** A part of the face by its name. Throws, naming the anchors, where they do not show where the face is. */
  async region(name: string, anchors: AnchorCodes): Promise<FaceRegion> {
    this.frame ??= await faceFrame(this.scene, anchors)
    return namedRegion(this.frame, name)
  }
}

/** An edit's field with its anchors taken as far as they are shown: a copy where that is not as it is, else itself. */
export function withGains(field: Field, gains: readonly number[]): Field {
  if (!(field instanceof AnchorCompositor) || field.base || gains.length !== field.anchors.indices.length) return field
  if (gains.every((gain, k) => gain === (field.gains?.[k] ?? 1))) return field
  const { scene, anchors, neutral, region } = field
  const copy = new AnchorCompositor(scene, anchors, { neutral, region, gains })
  copy.startFrom(field)
  return copy
}

/** Where an edit is, what it builds on, and what of a long sentence it is made of, for a person. @param words that were read, where not all were */
export function noteOf(field: Field, earlier: readonly EditDescription[], words?: number): string | undefined {
  const region = field instanceof AnchorCompositor ? field.region?.name : undefined
  const base = earlier.at(-1)?.prompt
  return (
    [region && `${region} only`, base && `on “${base}”`, words && `the encoder reads its first ${words} words`].filter(Boolean).join(', ') ||
    undefined
  )
}
