/** What the page and its engine say to each other: the engine runs in a worker where there are such, else beside the page. */
import type { Camera } from 'faceclipnerf'

/** A file inside the page. */
export interface PageFile {
  readonly name: string
  readonly bytes: Uint8Array
}

/** A recorded expression to show in the menu. */
export interface NamedFrame {
  readonly label: string
  readonly frame: string
}

export interface Expression {
  readonly label: string
  /** Strength it is shown at first. */
  readonly strength: number
}

/** What to draw. Cameras are in space units. */
export interface DrawRequest {
  readonly id: number
  /** Whether it is the unedited face of a comparison. */
  readonly before: boolean
  readonly camera: Camera
  /** Index of the expression; 0 is neutral. */
  readonly expression: number
  readonly strength: number
}

export type ToEngine =
  | { readonly type: 'open'; readonly scene: PageFile; readonly edits: readonly PageFile[]; readonly frames: readonly NamedFrame[] }
  | ({ readonly type: 'draw' } & DrawRequest)

export interface Ready {
  readonly type: 'ready'
  readonly device: string
  readonly kind: 'gpu' | 'cpu'
  readonly expressions: readonly Expression[]
  readonly cameras: readonly { readonly id: string; readonly camera: Camera }[]
}

export interface Drawn {
  readonly type: 'drawn'
  readonly id: number
  readonly before: boolean
  readonly width: number
  readonly height: number
  /** RGBA, [H · W · 4]. */
  readonly pixels: Uint8ClampedArray<ArrayBuffer>
  readonly milliseconds: number
}

export type FromEngine =
  | Ready
  | Drawn
  /** A newer request came before this one was done. */
  | { readonly type: 'dropped'; readonly id: number }
  | { readonly type: 'failed'; readonly message: string }
