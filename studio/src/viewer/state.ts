/** What the page shows, as one value that is replaced whole. */

import type { FilmProgress } from '../protocol/film.ts'
import type { CaptureInfo, DeviceInfo, EditProgress, Face, FrameStats, FromWorker, SceneInfo, TrainProgress, ViewMode } from '../protocol/messages.ts'
import { EMPTY, type FaceDocument } from './document.ts'
import type { TrainPreset } from './trainer.ts'
import { NO_TRUTH, type Truth } from './truth.ts'

export interface Job {
  readonly id: number
  /** What it is, for a person. */
  readonly name: string
  readonly text: string
  /** Of a film that is rendered. */
  readonly film?: FilmProgress
  /** Of a training under way. */
  readonly training?: { readonly progress?: TrainProgress; readonly psnrs: readonly number[]; readonly paused: boolean }
  /** Of an edit under way. */
  readonly edit?: { readonly id: number; readonly prompt: string; readonly progress?: EditProgress; readonly losses: readonly number[] }
}

export interface Compare {
  readonly on: boolean
  /** 0..1 of the width, what is left of it shows `withEdit`. */
  readonly split: number
  /** The unedited face when absent. */
  readonly withEdit?: number | undefined
}

export interface Preview {
  readonly face: Face
  /** Seconds. */
  readonly time: number
  /** Whether it plays. */
  readonly moving: boolean
}

export interface StudioState {
  readonly device?: DeviceInfo
  readonly scene?: SceneInfo | undefined
  /** A capture that was opened and waits to be trained. */
  readonly capture?: CaptureInfo | undefined
  /** Ids of its frames that are not to be learnt. */
  readonly leftOut: ReadonlySet<string>
  /** Seconds of a training step of each preset on this device, as far as known, and which is being measured. */
  readonly stepSeconds: Readonly<Partial<Record<TrainPreset, number>>>
  readonly measuring?: TrainPreset | undefined
  /** Whether what is open is the demo's made-up person. */
  readonly isDemo: boolean
  readonly document: FaceDocument
  readonly canUndo: boolean
  readonly canRedo: boolean
  readonly job?: Job | undefined
  /** Something to know that is nothing wrong, until it is put away. */
  readonly note?: string | undefined
  /** `waits`: it goes by itself when the work under way ends. */
  readonly problem?: { readonly message: string; readonly lost: boolean; readonly waits?: boolean } | undefined
  /** A short word on what has just happened, also for screen readers. */
  readonly news: string
  readonly mode: ViewMode
  readonly anchor?: number | undefined
  readonly compare: Compare
  /** Faces side by side. */
  readonly grid: { readonly on: boolean; readonly columns: number }
  readonly showsCameras: boolean
  readonly showsFilm: boolean
  /** The moment of the film that is looked at. */
  readonly preview?: Preview | undefined
  readonly truth: Truth
  /** The camera that was jumped to last. */
  readonly frame?: string | undefined
  readonly stats?: FrameStats
  readonly prompts: readonly string[]
  /** Pictures of the anchors' faces, by frame id. */
  readonly faces: Readonly<Record<string, string>>
}

export const START: StudioState = {
  isDemo: false,
  leftOut: new Set(),
  stepSeconds: {},
  document: EMPTY,
  canUndo: false,
  canRedo: false,
  news: '',
  mode: 'color',
  compare: { on: false, split: 0.5 },
  grid: { on: false, columns: 3 },
  showsCameras: false,
  showsFilm: false,
  truth: NO_TRUTH,
  prompts: [],
  faces: {},
}

/** A job as far as a report says it has come; reports of other work leave it. */
export function jobAfter(job: Job, notice: FromWorker): Job {
  const { edit, film } = job
  if (notice.kind === 'doing' && job.id === notice.id) return { ...job, text: notice.text }
  if (notice.kind === 'filming' && film) return { ...job, film: notice.progress }
  if (notice.kind !== 'editing' || edit?.id !== notice.progress.id) return job
  const { progress } = notice
  return { ...job, edit: { ...edit, progress, losses: progress.stage === 'descent' ? [...edit.losses, progress.loss] : edit.losses } }
}

/** What is as at the start whenever something else is opened. */
const { mode, compare, grid, truth, faces } = START
export const NEWLY_OPENED = {
  mode,
  compare,
  grid,
  truth,
  faces,
  capture: undefined,
  anchor: undefined,
  frame: undefined,
  preview: undefined,
} as const
