/** Charts of a capture's report as SVG text: each one idea, no scripts, readable without colour. */
import type { CaptureChecks, RecordedFrame } from '../capture/checks/checkCapture.ts'
import type { Viewpoint } from '../capture/checks/viewpoints.ts'
import { escapeXml } from '../io/syntheticMedia.ts'

const WIDTH = 720
const [INK, PALE, KEPT, DROPPED, BAD] = ['#222', '#bbb', '#1668a8', '#c9c9c9', '#c0392b']

function svg(width: number, height: number, label: string, body: readonly string[]): string {
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeXml(label)}" style="max-width:${width}px">${body.join('')}</svg>`
}

function text(x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end' = 'start'): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" font-size="11" fill="#444">${escapeXml(words)}</text>`
}

function line(x1: number, y1: number, x2: number, y2: number, color = PALE, more = ''): string {
  return `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="${color}" ${more}/>`
}

function dot(x: number, y: number, radius: number, color: string, title: string): string {
  return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${radius}" fill="${color}"><title>${escapeXml(title)}</title></circle>`
}

/** Sharpness of every frame of the video over time; kept ones are blue, blurred or lost ones red. */
export function sharpnessChart(records: readonly RecordedFrame[]): string {
  const height = 170
  const [from, to] = [records[0].time, records[records.length - 1].time]
  const most = Math.max(...records.map(record => record.sharpness))
  const x = (time: number): number => 40 + ((WIDTH - 50) * (time - from)) / Math.max(1e-9, to - from)
  const y = (value: number): number => height - 24 - ((height - 40) * Math.log1p(value)) / Math.log1p(most)
  const color = ({ dropped }: RecordedFrame): string => (dropped === undefined ? KEPT : dropped === 'a sharper one beside it' ? DROPPED : BAD)
  const order = [...records].sort((a, b) => Number(b.dropped !== undefined) - Number(a.dropped !== undefined))
  return svg(WIDTH, height, 'sharpness over time', [
    line(40, height - 24, WIDTH - 10, height - 24),
    ...order.map(record => dot(x(record.time), y(record.sharpness), 2.2, color(record), `${record.time.toFixed(2)} s: ${record.dropped ?? 'kept'}`)),
    text(40, height - 8, `${from.toFixed(1)} s`),
    text(WIDTH - 10, height - 8, `${to.toFixed(1)} s`, 'end'),
    text(4, 14, 'sharp'),
    text(4, height - 28, 'blurred'),
  ])
}

/** Mean brightness of the pictures in order of time; jumps are red. */
export function brightnessChart(brightness: readonly number[], jump = 0.05): string {
  const height = 120
  const x = (i: number): number => 40 + ((WIDTH - 50) * i) / Math.max(1, brightness.length - 1)
  const y = (value: number): number => height - 14 - (height - 28) * value
  const steps = brightness.slice(1).map((value, i) => {
    const jumped = Math.abs(value - brightness[i]) > jump
    return line(x(i), y(brightness[i]), x(i + 1), y(value), jumped ? BAD : KEPT, `stroke-width="${jumped ? 2.5 : 1.5}"`)
  })
  return svg(WIDTH, height, 'brightness over time', [
    line(40, y(0), WIDTH - 10, y(0)),
    line(40, y(1), WIDTH - 10, y(1)),
    ...steps,
    text(4, y(0) + 4, 'black'),
    text(4, y(1) + 4, 'white'),
  ])
}

/** Viewpoints by yaw and pitch, coloured from the first (dark) to the last (light), over the ±30° by ±10° that are wanted. */
export function viewpointMap(views: readonly Viewpoint[], wrong: ReadonlySet<string>): string {
  const [width, height] = [480, 300]
  const [reachX, reachY] = [Math.max(45, ...views.map(view => Math.abs(view.yaw))), Math.max(25, ...views.map(view => Math.abs(view.pitch)))]
  const x = (yaw: number): number => width / 2 + ((width / 2 - 34) * yaw) / reachX
  const y = (pitch: number): number => height / 2 - ((height / 2 - 24) * pitch) / reachY
  const color = (i: number): string => `hsl(${(215 + (120 * i) / views.length).toFixed(0)} 70% ${(30 + (35 * i) / views.length).toFixed(0)}%)`
  return svg(width, height, 'viewpoints', [
    `<rect x="${x(-30)}" y="${y(10)}" width="${x(30) - x(-30)}" height="${y(-10) - y(10)}" fill="#eef5ea" stroke="#9cbf8a" stroke-dasharray="4 3"/>`,
    line(x(-reachX), y(0), x(reachX), y(0)),
    line(x(0), y(-reachY), x(0), y(reachY)),
    ...views.map((view, i) =>
      dot(x(view.yaw), y(view.pitch), 3, wrong.has(view.id) ? BAD : color(i), `${view.id}: ${view.yaw.toFixed(0)}°, ${view.pitch.toFixed(0)}°`),
    ),
    ...[-30, 30].map(yaw => text(x(yaw), height - 6, `${yaw}°`, 'middle')),
    text(x(-30) + 3, y(10) - 4, 'wanted: 30° to each side, 10° up and down'),
  ])
}

/** Cameras from above, the head in the middle, the face towards the bottom; suspects are red. */
export function frustaFromAbove(views: readonly Viewpoint[], wrong: ReadonlySet<string>): string {
  const [width, height] = [360, 300]
  const scale = Math.min(width, height) / 2.9
  const [cx, cy] = [width / 2, height * 0.3]
  const every = Math.max(1, Math.floor(views.length / 90))
  const shown = views.filter((view, i) => i % every === 0 || wrong.has(view.id))
  const frusta = shown.map(({ id, plan, looks }) => {
    const [px, py] = [cx + scale * plan[0], cy + scale * plan[1]]
    const side = (turn: number): string => {
      const [c, s] = [Math.cos(turn), Math.sin(turn)]
      return `${(px + 16 * (c * looks[0] - s * looks[1])).toFixed(1)},${(py + 16 * (s * looks[0] + c * looks[1])).toFixed(1)}`
    }
    const color = wrong.has(id) ? BAD : KEPT
    return `<polygon points="${px.toFixed(1)},${py.toFixed(1)} ${side(0.35)} ${side(-0.35)}" fill="none" stroke="${color}" stroke-width="${wrong.has(id) ? 2 : 0.8}"><title>${escapeXml(id)}</title></polygon>`
  })
  return svg(width, height, 'cameras from above', [
    `<ellipse cx="${cx}" cy="${cy}" rx="${(0.14 * scale).toFixed(1)}" ry="${(0.18 * scale).toFixed(1)}" fill="#f1d9c6" stroke="${INK}"/>`,
    `<path d="M ${cx - 4} ${cy + 0.18 * scale} l 4 8 l 4 -8" fill="#f1d9c6" stroke="${INK}"/>`,
    ...frusta,
    text(6, height - 6, 'from above; the nose points to the cameras'),
  ])
}

/** Histogram of the room's depths with near, far and the head's range. */
export function depthChart({ room, focus, near, far }: CaptureChecks['depths']): string {
  const height = 130
  const most = 1.15 * Math.max(far, ...focus, room[Math.floor(0.99 * room.length)] ?? 0)
  const bins = new Array<number>(72).fill(0)
  for (const z of room) if (z < most) bins[Math.floor((z / most) * bins.length)]++
  const tallest = Math.max(1, ...bins)
  const x = (z: number): number => 10 + ((WIDTH - 20) * z) / most
  const bars = bins.map((count, i) => {
    const h = ((height - 50) * count) / tallest
    return `<rect x="${x((i * most) / bins.length).toFixed(1)}" y="${(height - 24 - h).toFixed(1)}" width="${((WIDTH - 20) / bins.length - 1).toFixed(1)}" height="${h.toFixed(1)}" fill="${PALE}"/>`
  })
  const [first, last] = [Math.min(...focus), Math.max(...focus)]
  return svg(WIDTH, height, 'near and far', [
    ...bars,
    `<rect x="${x(first).toFixed(1)}" y="22" width="${Math.max(2, x(last) - x(first)).toFixed(1)}" height="${height - 46}" fill="#f1d9c6" opacity="0.7"/>`,
    text((x(first) + x(last)) / 2, 16, 'head', 'middle'),
    ...(
      [
        ['near', near],
        ['far', far],
      ] as const
    ).flatMap(([word, z]) => [
      line(x(z), 22, x(z), height - 24, BAD, 'stroke-width="2"'),
      text(x(z), height - 8, `${word} ${z.toPrecision(3)}`, 'middle'),
    ]),
    line(10, height - 24, WIDTH - 10, height - 24),
  ])
}

/** How far each movement of the face goes, from its least to its greatest in the capture. */
export function expressionChart(movements: readonly { name: string; least: number; most: number }[]): string {
  const row = 20
  const height = movements.length * row + 22
  const x = (value: number): number => 150 + (WIDTH - 190) * Math.max(0, Math.min(1, value))
  return svg(WIDTH, height, 'expressions', [
    ...[0, 0.5, 1].flatMap(value => [line(x(value), 0, x(value), height - 20), text(x(value), height - 6, `${100 * value} %`, 'middle')]),
    ...movements.flatMap(({ name, least, most }, i) => [
      text(142, i * row + 14, name, 'end'),
      `<rect x="${x(least).toFixed(1)}" y="${i * row + 4}" width="${Math.max(2, x(most) - x(least)).toFixed(1)}" height="12" rx="3" fill="${KEPT}"/>`,
    ]),
  ])
}
