/** Sheets: grids of labelled pictures in one image, to be looked at side by side. */
import type { Image } from './imageCodec.ts'
import { isInked, LETTER_ADVANCE, LETTER_HEIGHT } from './pixelFont.ts'

/** A picture as renders and captures have it. */
export interface Picture {
  readonly width: number
  readonly height: number
  /** sRGB 0..1, [H · W · 3]. */
  readonly rgb: ArrayLike<number>
}

/** A picture of a sheet, and what is written above it. */
export interface SheetCell extends Picture {
  readonly label?: string
}

export interface SheetOptions {
  /** Every pixel becomes scale × scale (whole number): small renders are looked at enlarged, not blurred. Default 1. */
  readonly scale?: number
  /** px around pictures and labels. Default 6. */
  readonly gap?: number
}

const PAPER = 255
const INK = 32
/** Letters are drawn at twice the font's size from this picture width (px) on: 5 × 8 is hard to read in a large sheet. */
const LARGE_LETTERS_FROM = 480

/** One picture as 8-bit RGB, values clamped to 0..1. Throws when the numbers do not fill the size. */
export function toImage({ width, height, rgb }: Picture): Image {
  if (rgb.length !== width * height * 3)
    throw new Error(`toImage: ${width}x${height} needs ${width * height * 3} values, got ${rgb.length}; pass a whole picture`)
  return { width, height, channels: 3, data: Uint8Array.from(rgb, toByte) }
}

/** A picture with every pixel repeated `factor` times each way. Throws for a factor that is not a whole number from 1. */
export function enlarge({ width, height, rgb }: Picture, factor: number): Picture {
  if (!Number.isInteger(factor) || factor < 1) throw new Error(`enlarge: factor is ${factor}; give a whole number from 1`)
  const wide = width * factor
  const out = new Float32Array(wide * height * factor * 3)
  for (let i = 0; i < out.length; i += 3) {
    const x = Math.floor(((i / 3) % wide) / factor)
    const y = Math.floor(i / 3 / wide / factor)
    for (let c = 0; c < 3; c++) out[i + c] = rgb[(y * width + x) * 3 + c]
  }
  return { width: wide, height: height * factor, rgb: out }
}

/** Values [H · W] as a grey picture: `low` is black, `high` white. */
export function greyPicture(
  width: number,
  height: number,
  values: ArrayLike<number>,
  { low = 0, high = 1 }: { low?: number; high?: number } = {},
): Picture {
  const span = high > low ? high - low : 1
  return { width, height, rgb: Float32Array.from({ length: width * height * 3 }, (_, i) => (values[Math.floor(i / 3)] - low) / span) }
}

/**
 * Rows of pictures as one opaque RGBA image; columns are as wide as their widest picture, labels wrap to it. Rows may differ in length.
 * Throws when there is no picture, or a picture's numbers do not fill its size.
 */
export function sheet(rows: readonly (readonly SheetCell[])[], { scale = 1, gap = 6 }: SheetOptions = {}): Image {
  if (!rows.some(row => row.length > 0)) throw new Error('sheet: no pictures; pass at least one')
  const large = rows.map(row => row.map(cell => ({ image: toImage(enlarge(cell, scale)), label: cell.label ?? '' })))
  const widths = Array.from({ length: Math.max(...large.map(row => row.length)) }, (_, column) =>
    Math.max(...large.map(row => row[column]?.image.width ?? 0)),
  )
  const letter = Math.max(...widths) >= LARGE_LETTERS_FROM ? 2 : 1
  const lineHeight = (LETTER_HEIGHT + 2) * letter
  const laidOut = large.map(row => {
    const cells = row.map(({ image, label }, column) => ({ image, lines: wrap(label, Math.floor(widths[column] / (LETTER_ADVANCE * letter))) }))
    return {
      cells,
      labelHeight: lineHeight * Math.max(0, ...cells.map(({ lines }) => lines.length)),
      height: Math.max(0, ...row.map(({ image }) => image.height)),
    }
  })
  const width = gap + widths.reduce((sum, w) => sum + w + gap, 0)
  const height = gap + laidOut.reduce((sum, row) => sum + row.labelHeight + row.height + gap, 0)
  const canvas: Image = { width, height, channels: 4, data: new Uint8Array(width * height * 4).fill(PAPER) }
  let y = gap
  for (const { cells, labelHeight, height: rowHeight } of laidOut) {
    let x = gap
    for (const [column, { image, lines }] of cells.entries()) {
      for (const [n, line] of lines.entries()) drawText(canvas, line, { x, y: y + n * lineHeight, size: letter })
      drawImage(canvas, image, x, y + labelHeight)
      x += widths[column] + gap
    }
    y += labelHeight + rowHeight + gap
  }
  return canvas
}

/** Breaks a label into lines of at most `columns` letters, at spaces where there are some. */
function wrap(label: string, columns: number): string[] {
  const room = Math.max(1, columns)
  const lines: string[] = []
  for (const word of label.split(/\s+/).filter(part => part.length > 0)) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= room) lines[lines.length - 1] = `${last} ${word}`
    else for (let at = 0; at < word.length; at += room) lines.push(word.slice(at, at + room))
  }
  return lines
}

function drawText(canvas: Image, text: string, { x, y, size }: { x: number; y: number; size: number }): void {
  for (const [n, letter] of [...text].entries()) {
    for (let v = 0; v < LETTER_HEIGHT * size; v++) {
      for (let u = 0; u < (LETTER_ADVANCE - 1) * size; u++) {
        if (!isInked(letter, Math.floor(u / size), Math.floor(v / size))) continue
        const at = ((y + v) * canvas.width + x + n * LETTER_ADVANCE * size + u) * 4
        canvas.data.fill(INK, at, at + 3)
      }
    }
  }
}

function drawImage(canvas: Image, { width, height, data }: Image, x: number, y: number): void {
  for (let v = 0; v < height; v++) {
    for (let u = 0; u < width; u++) canvas.data.set(data.subarray((v * width + u) * 3, (v * width + u) * 3 + 3), ((y + v) * canvas.width + x + u) * 4)
  }
}

function toByte(value: number): number {
  return Math.round(255 * Math.min(1, Math.max(0, value)))
}
