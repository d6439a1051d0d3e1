/** cameras.txt, images.txt and points3D.txt of COLMAP. */
import { finitePoints } from './colmapBinary.ts'
import type { ColmapCamera, ColmapImage } from './colmapModel.ts'

interface Line {
  readonly text: string
  readonly number: number
}

/** Lines without comments, the empty ones included: in images.txt an empty line is an image without observations. */
function linesOf(bytes: Uint8Array): Line[] {
  const lines = new TextDecoder().decode(bytes).split(/\r?\n/)
  return lines.map((text, i) => ({ text: text.trim(), number: i + 1 })).filter(({ text }) => !text.startsWith('#'))
}

const filled = (lines: Line[]): Line[] => lines.filter(({ text }) => text !== '')

function numbers(parts: string[], { number }: Line, what: string, name: string): number[] {
  return parts.map(part => {
    const value = Number(part)
    if (part === '' || !Number.isFinite(value))
      throw new Error(`${name}: line ${number}: ${what} has the value "${part}", not a finite number; export the model again`)
    return value
  })
}

export function parseCamerasText(bytes: Uint8Array, name: string): Map<number, ColmapCamera> {
  const cameras = new Map<number, ColmapCamera>()
  for (const line of filled(linesOf(bytes))) {
    const [id, model, ...rest] = line.text.split(/\s+/)
    const [cameraId, width, height, ...params] = numbers([id, ...rest], line, 'the camera', name)
    if (height === undefined) throw new Error(`${name}: line ${line.number} "${line.text}" is no camera; export the model again`)
    cameras.set(cameraId, { id: cameraId, model, width, height, params })
  }
  return cameras
}

export function parseImagesText(bytes: Uint8Array, name: string): ColmapImage[] {
  const lines = linesOf(bytes)
  // the observations of an image follow it, in a line that may be empty; empty lines before an image are strays
  const images: ColmapImage[] = []
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]
    if (line.text === '') continue
    const match = /^((?:\S+\s+){9})(.+)$/.exec(line.text)
    if (!match)
      throw new Error(
        `${name}: line ${line.number} "${line.text.slice(0, 60)}" is no image (id, rotation, position, camera, name); export the model again`,
      )
    const [id, w, x, y, z, tx, ty, tz, cameraId] = numbers(match[1].trim().split(/\s+/), line, 'the image', name)
    images.push({ id, rotation: [w, x, y, z], translation: [tx, ty, tz], cameraId, name: match[2] })
    if (!isImage(lines[i + 1]?.text ?? '')) i++
  }
  return images
}

/** Observations are numbers to the last; an image ends in its name. Editors that strip empty lines put one image right after another. */
function isImage(text: string): boolean {
  const last = /\S+$/.exec(text)
  return last !== null && Number.isNaN(Number(last[0])) && /^(\S+\s+){9}/.test(text)
}

export function parsePointsText(bytes: Uint8Array, name: string): Float32Array {
  const points: number[] = []
  for (const line of filled(linesOf(bytes))) {
    const parts = line.text.split(/\s+/).slice(1, 4)
    if (parts.length < 3) throw new Error(`${name}: line ${line.number} "${line.text.slice(0, 60)}" is no point; export the model again`)
    points.push(...parts.map(Number))
  }
  return finitePoints(Float32Array.from(points))
}
