/** The report on a capture as one HTML file that needs nothing else: advice first, then pictures and charts. */

import type { CaptureFrame } from '../capture/capture.ts'
import type { CaptureChecks, Finding } from '../capture/checks/checkCapture.ts'
import { escapeXml } from '../io/syntheticMedia.ts'
import { brightnessChart, depthChart, expressionChart, frustaFromAbove, sharpnessChart, viewpointMap } from './captureCharts.ts'
import { pictureAddress, section } from './html.ts'

/** Movements of the face in a capture, read off its pictures by an encoder's expression head. */
export interface ExpressionCoverage {
  readonly names: readonly string[]
  /** One row per frame of `CaptureChecks.frames`: 0 at rest, 1 at full deflection. */
  readonly coefficients: readonly Float32Array[]
}

/** Pictures in the strip. */
const SHOWN = 24
/** Movements listed, those that go farthest. */
const LISTED = 12
/** A movement that goes this far was shown. */
const SHOWN_MOVEMENT = 0.35

/** Findings about expressions, to stand among the others. */
export function expressionFindings({ names, coefficients }: ExpressionCoverage): Finding[] {
  const moved = movements({ names, coefficients }).filter(({ least, most }) => most - least > SHOWN_MOVEMENT)
  const topic = 'expressions'
  if (moved.length === 0)
    return [
      {
        level: 'warning',
        topic,
        text: 'The face hardly moves. Edits mix what was shown: smile, open the mouth, close the eyes, raise the brows, and hold each for a second or two.',
      },
    ]
  return [
    {
      level: 'good',
      topic,
      text: `The face moves: ${moved
        .slice(0, 6)
        .map(({ name }) => name)
        .join(', ')}.`,
    },
  ]
}

/** The HTML text of the report. */
export async function captureReport(checks: CaptureChecks, expressions?: ExpressionCoverage): Promise<string> {
  const findings = [...checks.findings, ...(expressions ? expressionFindings(expressions) : [])]
  const wrong = new Set(checks.suspects.map(({ id }) => id))
  const { views } = checks.viewpoints
  const sections = [
    section('What to do', adviceList(findings)),
    section(`Pictures (${checks.frames.length})`, await strip(checks.frames, wrong)),
    section(
      'Viewpoints',
      `<div class="pair">${viewpointMap(views, wrong)}${frustaFromAbove(views, wrong)}</div><p>Each dot is a picture: from which side, and from how high, it shows the head; dark dots are early, light ones late, red ones are probably wrong.</p>${suspectList(checks)}`,
    ),
    ...(checks.records.length > 0 ? [section('Frames of the video', `${sharpnessChart(checks.records)}<p>${keptSentence(checks)}</p>`)] : []),
    section('Light', `${brightnessChart(checks.brightness)}<p>A red step is a jump of the exposure.</p>`),
    section(
      'Near and far',
      `${depthChart(checks.depths)}<p>Grey: what is known of the room. The head has to lie between near and far (scene units, along the view).</p>`,
    ),
    ...(expressions
      ? [
          section(
            'Expressions',
            `${expressionChart(movements(expressions).slice(0, LISTED))}<p>How far each movement of the face goes in these pictures, as the embedded encoder reads it. Edits mix what is shown here.</p>`,
          ),
        ]
      : []),
  ]
  return page(`Capture ${checks.name}`, sections.join('\n'))
}

function movements({ names, coefficients }: ExpressionCoverage): { name: string; least: number; most: number }[] {
  const all = names.map((coefficient, k) => {
    // 'eyeBlink_R' -> 'eye blink right'
    const words = coefficient.replace(/_L$/, ' left').replace(/_R$/, ' right')
    const name = words.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase()
    const values = coefficients.map(row => row[k]).sort((a, b) => a - b)
    const at = (share: number): number => values[Math.round(share * (values.length - 1))] ?? 0
    return { name, least: at(0.03), most: at(0.97) }
  })
  return all.sort((a, b) => b.most - b.least - (a.most - a.least))
}

const MARK = { good: '✓', warning: '!', problem: '✗' } as const

function adviceList(findings: readonly Finding[]): string {
  const order = { problem: 0, warning: 1, good: 2 } as const
  const sorted = [...findings].sort((a, b) => order[a.level] - order[b.level])
  const items = sorted.map(({ level, topic, text }) => `<li class="${level}"><b>${MARK[level]} ${escapeXml(topic)}</b> ${escapeXml(text)}</li>`)
  return `<ul class="advice">${items.join('')}</ul>`
}

async function strip(frames: readonly CaptureFrame[], wrong: ReadonlySet<string>): Promise<string> {
  const count = Math.min(SHOWN, frames.length)
  const shown = Array.from({ length: count }, (_, i) => frames[Math.round((i * (frames.length - 1)) / Math.max(1, count - 1))])
  const figures: string[] = []
  for (const { id, image, camera } of shown) {
    const [width, height] = camera.imageSize
    const address = await pictureAddress({ width, height, rgb: image }, 80)
    const mark = wrong.has(id) ? ' class="bad"' : ''
    figures.push(`<figure${mark}><img alt="frame ${escapeXml(id)}" src="${address}"><figcaption>${escapeXml(id)}</figcaption></figure>`)
  }
  return `<div class="strip">${figures.join('')}</div>`
}

function suspectList({ suspects }: CaptureChecks): string {
  if (suspects.length === 0) return ''
  return `<p>Probably wrong: ${suspects.map(({ id, why }) => `<b>${escapeXml(id)}</b> (${escapeXml(why)})`).join(', ')}.</p>`
}

function keptSentence({ records }: CaptureChecks): string {
  const counts = new Map<string, number>()
  for (const { dropped } of records) if (dropped !== undefined) counts.set(dropped, (counts.get(dropped) ?? 0) + 1)
  const kept = records.filter(({ dropped }) => dropped === undefined).length
  const why = [...counts].map(([reason, count]) => `${count}: ${reason}`)
  return escapeXml(`${kept} of ${records.length} frames were kept (blue).${why.length > 0 ? ` Left out: ${why.join('; ')}.` : ''}`)
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeXml(title)}</title><style>
body{font:15px/1.5 system-ui,sans-serif;max-width:900px;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:2rem 0 .5rem;border-bottom:1px solid #ddd}
svg{width:100%;height:auto;display:block}.pair{display:flex;flex-wrap:wrap;gap:1rem}.pair svg{flex:1 1 300px}
.advice{list-style:none;padding:0}.advice li{padding:.45rem .7rem;margin:.35rem 0;border-left:4px solid}
.good{border-color:#4a8f3c!important;background:#f2f8f0}.warning{border-color:#d08a1d!important;background:#fdf6e9}.problem{border-color:#c0392b!important;background:#fbeceb}
.strip{display:grid;grid-template-columns:repeat(auto-fill,minmax(100px,1fr));gap:6px}figure{margin:0}img{width:100%;display:block}
figcaption{font-size:11px;color:#555;text-align:center}.bad img{outline:3px solid #c0392b}p{color:#444;font-size:14px}
</style></head><body><h1>${escapeXml(title)}</h1>
${body}
</body></html>
`
}
