/** What the page and its worker say to each other. Everything is plain data; bytes are transferred. */
import type { FilmProgress, FilmRequests } from './film.ts'
import type { Stroke } from './stroke.ts'
import type { CaptureInfo, TrainProgress, TrainRequest } from './training.ts'

export type { CaptureInfo, FrameChoice, TrainProgress, TrainRequest } from './training.ts'

export type Vector = [number, number, number]

/** Where the viewport is looked from, in space units; its lens is the scene's. */
export interface Pose {
  readonly position: Vector
  /** Rows: right, down, forward. */
  readonly orientation: [Vector, Vector, Vector]
  /** 1 is the lens of the capture, more brings nearer. */
  readonly zoom: number
}

export type ViewMode = 'color' | 'depth' | 'acr'

/** A face to show: the unedited one (nothing given), an edit with a strength per anchor, or a frame's as it was recorded. */
export interface Face {
  /** Id of a frame whose picture was asked for. */
  readonly frame?: string
  readonly edit?: number
  /** One per anchor, or one for an edit of one code. Absent: everything at full strength. */
  readonly strengths?: readonly number[]
  /** It passes into another edit's face, which is there by `share` (0..1). */
  readonly toward?: { readonly face: Omit<Face, 'toward'>; readonly share: number }
}

/** All that the viewport depends on; the worker draws the last one it was told. */
export interface View {
  readonly pose: Pose
  readonly moving: boolean
  readonly mode: ViewMode
  /** Which anchor's ratios 'acr' shows; all of them in colours when absent. */
  readonly anchor?: number
  readonly face: Face
  /** Shown left of `split` (0..1 of the width). */
  readonly compare?: { readonly face: Face; readonly split: number }
  /** Several faces in rows instead of the one. */
  readonly grid?: { readonly faces: readonly Face[]; readonly columns: number } | undefined
  /** Pixels along the longer edge of a face that the screen can show. */
  readonly pixels: number
}

/** A camera of the capture, in space units. */
export interface FrameInfo {
  readonly id: string
  readonly split: 'train' | 'val'
  readonly pose: Pose
}

export interface EditInfo {
  readonly prompt: string
  readonly strength: number
  /** Frame ids of the anchors that have strengths of their own, neutral first; empty where the edit has one strength. */
  readonly anchors: readonly string[]
  /** How far each of these is taken, where its file says so. */
  readonly gains?: readonly number[] | undefined
  /** What each share of its mix is of, for the view of anchors; empty for an edit of one code. */
  readonly shares: readonly string[]
  /** Where, and on what it builds, for a person. */
  readonly note?: string | undefined
  readonly steps: number
}

export interface SceneInfo {
  readonly name: string
  readonly preset: string
  readonly step: number
  readonly frames: readonly FrameInfo[]
  /** Width over height of a picture. */
  readonly aspect: number
  /** Space units from a camera to where pictures begin: what is nearer is not drawn. */
  readonly near: number
  /** Half of a picture's width and height over the focal length. */
  readonly halfView: readonly [number, number]
  /** Where the lens looks, in shares of a picture's width and height. */
  readonly center: readonly [number, number]
  /** Mean upward axis of the cameras. */
  readonly up: Vector
  readonly edits: readonly (EditInfo & { readonly id: number })[]
  /** Whether the capture's own pictures are open. */
  readonly hasTruth: boolean
  /** Names of the parts of a face that an edit can keep to. */
  readonly regions: readonly string[]
}

export interface DeviceInfo {
  readonly kind: 'gpu' | 'cpu'
  readonly description: string
}

/** An opened file. */
export interface NamedBytes {
  readonly name: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

export interface EditRequest {
  /** The page's number for it. */
  readonly id: number
  readonly prompt: string
  readonly steps: number
  readonly seed: number
  /** Fewer and smaller pictures: several times faster, and rougher. */
  readonly quick: boolean
  /** Name of the part of the face that alone may change; all of it when absent. */
  readonly region?: string | undefined
  /** Or what was painted. */
  readonly painted?: readonly PaintedPoints[] | undefined
  /** The edit to build on, at a strength. */
  readonly base?: ShownEdit | undefined
}

/** An edit as strong as it is shown. */
export interface ShownEdit {
  readonly edit: number
  readonly strength: number
  /** One per anchor, of the strength. */
  readonly gains: readonly number[]
}

/** What a stroke of the brush has marked on the face. */
export interface PaintedPoints {
  /** [P · 3], space units. */
  readonly points: Float32Array<ArrayBuffer>
  /** The view's direction. */
  readonly along: Vector
  /** Space units between neighbours, about. */
  readonly spacing: number
}

export interface EditProgress {
  readonly id: number
  readonly stage: 'search' | 'descent'
  readonly step: number
  readonly steps: number
  readonly loss: number
  /** Seconds. */
  readonly eta: number
}

export interface Thumbnail {
  readonly width: number
  readonly height: number
  readonly data: Uint8ClampedArray<ArrayBuffer>
}

/** What a camera of the capture saw. */
export interface TruthPicture {
  readonly picture: Thumbnail
  /** Where it is over the picture that the studio draws from there, in shares of its width and height. */
  readonly place: { readonly left: number; readonly top: number; readonly width: number; readonly height: number }
}

/** Longer work, done one after the other; each is answered once. */
export interface Requests extends FilmRequests {
  /** Opens the device; a scene that was open before comes back from memory with its edits, e.g. after the device was lost. */
  start: { request: StartRequest; answer: DeviceInfo }
  /** A capture is not trained yet: `train` does that. */
  open: { request: { readonly files: readonly NamedBytes[] }; answer: { readonly scene: SceneInfo } | { readonly capture: CaptureInfo } }
  /** Trains the opened capture, which is seen while it learns; ends early, and keeps what was learnt, at the message 'finish'. */
  train: { request: TrainRequest; answer: SceneInfo }
  /** Goes on with a training that the device was lost in. */
  resume: { request: Record<string, never>; answer: SceneInfo }
  /** Seconds of a training step here, from a few real ones on the opened capture. */
  estimate: { request: Pick<TrainRequest, 'preset'>; answer: number }
  /** Small pictures of frames of the opened capture, in the order of the ids. */
  thumbnails: { request: { readonly ids: readonly string[] }; answer: readonly Thumbnail[] }
  /** What the capture is like, as a page of its own. */
  captureReport: { request: Record<string, never>; answer: NamedBytes }
  demo: { request: Record<string, never>; answer: SceneInfo }
  edit: { request: EditRequest; answer: EditInfo }
  /** The points of a face under a stroke over its picture, while other work goes on. */
  paint: { request: { readonly pose: Pose; readonly face: Face; readonly stroke: Stroke }; answer: PaintedPoints }
  /** The capture's picture of a frame, while other work goes on; then the face of that frame can be shown. */
  truth: { request: { readonly frame: string }; answer: TruthPicture }
  /** Faces of the anchors of an edit. */
  anchors: { request: { readonly edit: number }; answer: readonly Thumbnail[] }
  picture: { request: { readonly view: View; readonly side: number }; answer: NamedBytes }
  saveEdit: { request: ShownEdit; answer: NamedBytes }
  mesh: { request: { readonly face: Face; readonly format: 'glb' | 'ply' }; answer: NamedBytes }
  /** One page with the scene, these edits and a viewer. */
  page: { request: { readonly edits: readonly ShownEdit[] }; answer: NamedBytes }
  saveScene: { request: Record<string, never>; answer: NamedBytes }
}

export interface StartRequest {
  readonly canvas: OffscreenCanvas
  /** 'software' takes a GPU that computes in software, for tests. */
  readonly device: 'auto' | 'cpu' | 'gpu' | 'software'
  /** Where the page lies, so that the worker finds what lies beside it. */
  readonly base: string
}

export type RequestName = keyof Requests

export type ToWorker =
  | { readonly kind: 'request'; readonly id: number; readonly name: RequestName; readonly body: unknown }
  | { readonly kind: 'view'; readonly view: View }
  | { readonly kind: 'cancel'; readonly id: number }
  /** Training ends after its step, and what it has learnt stays. */
  | { readonly kind: 'finish' }
  /** Training rests after its step, or goes on. */
  | { readonly kind: 'pause'; readonly paused: boolean }
  /** Whether the page can be seen: for a hidden one training draws nothing. */
  | { readonly kind: 'seen'; readonly seen: boolean }

export interface FrameStats {
  readonly width: number
  readonly height: number
  /** Until the picture was on the canvas. */
  readonly milliseconds: number
  readonly baked: boolean
  /** Bytes of the device in use. */
  readonly memory: number
}

export type FromWorker =
  | { readonly kind: 'answer'; readonly id: number; readonly body: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string; readonly cancelled: boolean }
  /** What the work under way does, for a person. */
  | { readonly kind: 'doing'; readonly id: number; readonly text: string }
  | { readonly kind: 'editing'; readonly progress: EditProgress }
  /** A training has begun: the scene can be looked at. */
  | { readonly kind: 'begun'; readonly scene: SceneInfo }
  | { readonly kind: 'training'; readonly progress: TrainProgress }
  | { readonly kind: 'filming'; readonly progress: FilmProgress }
  | { readonly kind: 'frame'; readonly stats: FrameStats }
  /** The viewport could not draw; `lost` when the device is gone. */
  | { readonly kind: 'trouble'; readonly message: string; readonly lost: boolean }
