/** What page and worker say to each other about films. */
import type { ExpressionKeyframe } from 'faceclipnerf'
import type { Face, NamedBytes, Pose } from './messages.ts'

/** One picture of a film. */
export interface FilmFrame {
  readonly pose: Pose
  readonly face: Face
}

/** What a film is kept as: 'png' is a zip of pictures. */
export type FilmFormat = 'mp4' | 'webm' | 'png'

export interface FilmOptions {
  readonly format: FilmFormat
  readonly fps: number
  /** px along the longer edge. */
  readonly side: number
}

export interface FilmRequest extends FilmOptions {
  readonly frames: readonly FilmFrame[]
}

export interface FilmProgress {
  readonly frame: number
  readonly frames: number
  /** Seconds. */
  readonly eta: number
}

/** What this browser can encode besides pictures: the codec of each format, for a person. */
export type FilmFormats = Readonly<Partial<Record<'mp4' | 'webm', string>>>

/** A camera path as its file has it, but with poses in space units. */
export interface PathContent {
  /** The first at 0. */
  readonly cameras: readonly { readonly time: number; readonly pose: Pose }[]
  readonly expressions: readonly ExpressionKeyframe[]
  readonly seconds: number
  readonly fps: number
  /** Whether it leads back to its first camera. */
  readonly closed: boolean
  readonly tension: number
  /** px along the longer edge. */
  readonly side: number
}

export interface FilmRequests {
  film: { request: FilmRequest; answer: NamedBytes }
  filmFormats: { request: { readonly side: number }; answer: FilmFormats }
  /** `note` says what a person should know of it. */
  openPath: { request: { readonly file: NamedBytes }; answer: { readonly path: PathContent; readonly note?: string | undefined } }
  savePath: { request: { readonly path: PathContent }; answer: NamedBytes }
}
