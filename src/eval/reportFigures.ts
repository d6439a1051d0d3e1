/** Pictures of reports that are made of numbers: heat maps, bars, curves. */
import type { LossPoint } from '../edit/editFile.ts'
import type { Picture } from '../io/sheet.ts'
import { escapeXml } from '../io/syntheticMedia.ts'
import type { RenderedImage } from '../nerf/render.ts'

/** From nothing to all: dark blue, teal, yellow, nearly white; brightness rises all the way, so that it reads without colour. */
const RAMP = [
  [0.05, 0.06, 0.16],
  [0.08, 0.3, 0.46],
  [0.16, 0.58, 0.52],
  [0.86, 0.76, 0.3],
  [1, 0.98, 0.88],
] as const

/** The ramp's colour at 0..1. */
export function heatColor(value: number): [number, number, number] {
  const at = Math.min(1, Math.max(0, value)) * (RAMP.length - 1)
  const from = Math.min(RAMP.length - 2, Math.floor(at))
  return [0, 1, 2].map(c => RAMP[from][c] + (at - from) * (RAMP[from + 1][c] - RAMP[from][c])) as [number, number, number]
}

/** The ramp as a CSS gradient. */
export const RAMP_GRADIENT = `linear-gradient(90deg,${RAMP.map(color => `rgb(${color.map(v => Math.round(255 * v)).join(' ')})`).join(',')})`

/** Values [H · W] of 0..1 as colours. */
export function heatMap(width: number, height: number, values: (i: number) => number): Picture {
  const rgb = new Float32Array(width * height * 3)
  for (let i = 0; i < width * height; i++) rgb.set(heatColor(values(i)), 3 * i)
  return { width, height, rgb }
}

/** A channel of a rendering, e.g. an anchor's composition ratio (Eq. 15). */
export function channelMap({ width, height, channels, channelCount }: RenderedImage, k: number): Picture {
  return heatMap(width, height, i => channels[i * channelCount + k])
}

/** How much an edit changed each pixel: root mean square over the channels, `full` and more is the ramp's end. */
export function changeMap(before: Picture, after: Picture, full = 0.25): Picture {
  const { width, height } = after
  const square = (i: number): number => (after.rgb[i] - before.rgb[i]) ** 2
  return heatMap(width, height, i => Math.sqrt((square(3 * i) + square(3 * i + 1) + square(3 * i + 2)) / 3) / full)
}

/** Shares as bars, the largest first. */
export function bars(values: Readonly<Record<string, number>>): string {
  const rows = Object.entries(values)
    .sort(([, a], [, b]) => b - a)
    .map(
      ([name, value]) => `<span>${escapeXml(name)}</span><span><i style="width:${(100 * value).toFixed(1)}%"></i></span><b>${value.toFixed(2)}</b>`,
    )
  return `<div class="bars">${rows.join('')}</div>`
}

/** Loss over steps as a line; undefined for fewer than two points. */
export function lossCurve(points: readonly LossPoint[]): string | undefined {
  if (points.length < 2) return undefined
  const [width, height] = [420, 150]
  const losses = points.map(point => point.loss)
  const [least, most] = [Math.min(...losses), Math.max(...losses)]
  const [first, last] = [points[0].step, points[points.length - 1].step]
  const x = (step: number): number => 46 + ((width - 56) * (step - first)) / Math.max(1, last - first)
  const y = (loss: number): number => 12 + ((height - 38) * (most - loss)) / Math.max(1e-9, most - least)
  const path = points.map(({ step, loss }) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`).join(' ')
  const text = (at: readonly [number, number], words: string, anchor: string): string =>
    `<text x="${at[0]}" y="${at[1]}" text-anchor="${anchor}">${words}</text>`
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="loss over steps">
<polyline points="${path}" fill="none" stroke="var(--accent)" stroke-width="2"/>
<line x1="46" y1="${height - 22}" x2="${width - 10}" y2="${height - 22}" stroke="var(--line)"/>
${text([40, 16], most.toFixed(3), 'end')}${text([40, height - 24], least.toFixed(3), 'end')}${text([46, height - 6], `step ${first}`, 'start')}${text([width - 10, height - 6], `${last}`, 'end')}</svg>`
}
