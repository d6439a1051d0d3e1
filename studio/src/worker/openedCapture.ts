/** A capture that was opened: what stands out about it and its pictures, small ones to look at, and the capture without some. */
import { type Capture, captureReport, checkCapture, type FileSource, frameFlags, loadCapture, withoutFrames } from 'faceclipnerf'
import type { CaptureInfo, NamedBytes, Thumbnail } from '../protocol/messages.ts'
import { thumbnail } from './smallPicture.ts'

/** px along the longer edge of a thumbnail: twice its size on the page. */
const SIDE = 192

export interface OpenedCapture {
  readonly capture: Capture
  readonly info: CaptureInfo
  /** Throws for an id that is none of its frames. */
  thumbnails(ids: readonly string[]): readonly Thumbnail[]
  report(): Promise<NamedBytes>
  /** Throws when nothing would be left to learn from. */
  without(ids: readonly string[]): Capture
}

/** Throws, naming the file, for a capture that cannot be used. */
export async function openCapture(source: FileSource): Promise<OpenedCapture> {
  const capture = await loadCapture(source)
  const checks = await checkCapture(capture, source)
  const flags = frameFlags(checks)
  const { name, frames } = capture
  return {
    capture,
    info: {
      name,
      frames: frames.map(({ id, split }) => ({ id, split, flags: flags.get(id) ?? [] })),
      size: frames[0].camera.imageSize,
      findings: checks.findings,
    },
    thumbnails: ids =>
      ids.map(id => {
        const frame = frames.find(each => each.id === id)
        if (!frame) throw new Error(`${name}: no frame "${id}" in this capture; open it again`)
        return thumbnail(frame, SIDE)
      }),
    report: async () => ({ name: `${name}.report.html`, bytes: Uint8Array.from(new TextEncoder().encode(await captureReport(checks))) }),
    without: ids => (ids.length === 0 ? capture : withoutFrames(capture, ids)),
  }
}
