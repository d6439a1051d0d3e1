/** What a person has made of a scene: edits and how strongly they are shown. Plain values, never changed in place. */
import type { EditInfo, Face, ShownEdit } from '../protocol/messages.ts'
import type { Film } from './film.ts'

export interface EditEntry {
  readonly id: number
  readonly prompt: string
  /** 0 is the unedited face, 1 the edit as found. */
  readonly strength: number
  /** One per anchor, of the strength; one for an edit of one code. */
  readonly gains: readonly number[]
  /** Frame ids of the anchors with strengths of their own, neutral first; empty where there is one strength. */
  readonly anchors: readonly string[]
  /** What each share of the mix is of. */
  readonly shares: readonly string[]
  readonly note?: string | undefined
  readonly losses: readonly number[]
}

export interface FaceDocument {
  readonly edits: readonly EditEntry[]
  /** Number of the edit that is shown; none is the unedited face. */
  readonly shown?: number | undefined
  readonly film?: Film | undefined
}

export const EMPTY: FaceDocument = { edits: [] }

export function entryOf(id: number, { prompt, strength, anchors, shares, note, gains }: EditInfo, losses: readonly number[] = []): EditEntry {
  return { id, prompt, strength, anchors, shares, note, losses, gains: gains ?? new Array(Math.max(1, anchors.length)).fill(1) }
}

export const withEntry = (document: FaceDocument, entry: EditEntry): FaceDocument => ({
  ...document,
  edits: [...document.edits, entry],
  shown: entry.id,
})

export function withoutEntry(document: FaceDocument, id: number): FaceDocument {
  const { edits, shown } = document
  const left = edits.filter(entry => entry.id !== id)
  return { ...document, edits: left, shown: shown === id ? left.at(-1)?.id : shown }
}

export const withChange = (document: FaceDocument, id: number, change: Partial<Pick<EditEntry, 'strength' | 'gains'>>): FaceDocument => ({
  ...document,
  edits: document.edits.map(entry => (entry.id === id ? { ...entry, ...change } : entry)),
})

export const entryIn = ({ edits }: FaceDocument, id: number | undefined): EditEntry | undefined => edits.find(entry => entry.id === id)

/** An edit as strong as it is shown, for what is made of it. */
export const shownEdit = ({ id, strength, gains }: EditEntry): ShownEdit => ({ edit: id, strength, gains })

/** The face of an edit of the document, or the unedited one. */
export function faceOf(document: FaceDocument, id: number | undefined): Face {
  const entry = entryIn(document, id)
  return entry ? { edit: entry.id, strengths: entry.gains.map(gain => gain * entry.strength) } : {}
}
