/** A capture and its training, as the page and its worker speak of them. */
import type { Finding, FrameFlag } from 'faceclipnerf'

/** A picture of a capture that can be learnt from, or left out. */
export interface FrameChoice {
  readonly id: string
  /** 'val' is held out: never learnt from, but compared with. */
  readonly split: 'train' | 'val'
  /** What stands out about it. */
  readonly flags: readonly FrameFlag[]
}

/** A capture that was opened and can be trained. */
export interface CaptureInfo {
  readonly name: string
  readonly frames: readonly FrameChoice[]
  /** Width, height in px. */
  readonly size: readonly [number, number]
  /** What it is like and what to film better. */
  readonly findings: readonly Finding[]
}

export interface TrainRequest {
  readonly preset: 'tiny' | 'fast'
  readonly steps: number
  readonly seed: number
  /** Ids of frames that it does without. */
  readonly leftOut: readonly string[]
}

export interface TrainProgress {
  readonly step: number
  readonly steps: number
  readonly loss: number
  /** dB, of the rays of the step. */
  readonly psnr: number
  /** dB, of a few held-out views: the person where there are masks. Absent until the first look, and where nothing is held out. */
  readonly heldOut?: number
  /** Step of the copy that a lost device leaves behind. */
  readonly kept?: number
  readonly secondsPerStep: number
  readonly raysPerSecond: number
  /** Seconds. */
  readonly eta: number
  /** Bytes of the device in use. */
  readonly memory: number
}
