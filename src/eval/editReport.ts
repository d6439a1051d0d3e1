/** The report on edits as one HTML file that needs nothing else: what was measured by what, a table of all edits, then each with its pictures. */

import type { Picture } from '../io/sheet.ts'
import { escapeXml } from '../io/syntheticMedia.ts'
import type { RegionChange } from '../metrics/change.ts'
import type { EditResult } from './evaluateEdits.ts'
import { type TrueEdit, trueEditOf } from './groundTruth.ts'
import { pictureAddress, section, table } from './html.ts'
import { meanOfKnown } from './means.ts'
import type { Report } from './report.ts'
import { figure, gain, percent, perMille, ratio } from './reportCells.ts'
import { bars, changeMap, channelMap, lossCurve, RAMP_GRADIENT } from './reportFigures.ts'
import { reportPage } from './reportStyle.ts'
import type { Retrieval } from './retrieval.ts'
import { FACE_REGIONS } from './truthMeasures.ts'

const RAMP = `<span class="ramp" style="background:${RAMP_GRADIENT}"></span>`

/** The page. @param truth the capture's true edits, whose pictures stand beside the edits'. */
export async function editReport(report: Report, truth: readonly TrueEdit[] = [], names: readonly string[] = []): Promise<string> {
  const { scene, edits, missing, retrieval, heldOut } = report
  const parts = [
    `<h1>Edits of ${escapeXml(scene.name)}</h1>`,
    `<p class="quiet">${edits.length} ${edits.length === 1 ? 'edit' : 'edits'} of a scene of preset ${scene.preset}, ${scene.step} steps, ${scene.size.join(' × ')} px · ${escapeXml(report.device)}</p>`,
    section('All edits', overview(report)),
    ...(missing.length > 0 ? [section('Not measured', missingList(report))] : []),
    ...(retrieval ? [section('R-precision', retrievalTable(retrieval))] : []),
  ]
  for (const [i, result] of edits.entries()) parts.push(section(`“${result.prompt}”`, await editBody(result, truth, names, i)))
  if (heldOut) parts.push(section('The scene itself', sceneTable(heldOut)))
  parts.push(section('What the numbers mean', definitions(report)))
  return reportPage(escapeXml(`Edits of ${scene.name}`), parts.join('\n'))
}

function overview({ edits, networks, faces }: Report): string {
  const has = (of: (result: EditResult) => unknown): boolean => edits.some(result => of(result) !== undefined)
  const truth = has(({ measures }) => measures.truth)
  const coefficients = has(({ measures }) => measures.truth?.coefficients)
  const identity = has(({ measures }) => measures.judge?.faceSimilarity)
  const lpips = networks.lpips !== undefined
  const headings: [string, string][] = [['edit', '']]
  if (truth) headings.push(['PSNR in the face, dB<br>(over no edit)', 'against the true pictures'], ['SSIM in the face', 'against the true pictures'])
  if (coefficients) headings.push(['expression error<br>÷ no edit', 'coefficients read by the head against the true ones: below 1 is nearer'])
  headings.push(['CLIP<br>directional', 'cosine of the change of pictures and of words'])
  if (identity) headings.push(['identity<br>(CFS)', 'cosine to the unedited face: 1 is the same person'])
  if (lpips) headings.push(['LPIPS<br>to no edit', 'least for not editing at all'])
  headings.push(['inconsistency<br>between views, ‰', 'root mean square difference over 4°'])
  const control = [
    '<span class="none">no edit</span>',
    ...(truth
      ? [
          figure(meanOfKnown(edits.map(({ measures }) => measures.truth?.psnr.face.unedited)), 2),
          figure(meanOfKnown(edits.map(({ measures }) => measures.truth?.ssim.unedited)), 4),
        ]
      : []),
    ...(coefficients ? ['1.00'] : []),
    '0.000',
    ...(identity ? ['1.000'] : []),
    ...(lpips ? ['0.0000'] : []),
    figure(meanOfKnown(edits.map(({ measures }) => perMille(measures.consistency?.unedited))), 1),
  ]
  const rows = edits.map(({ prompt, measures }, i) => [
    `<a href="#edit-${i}">${escapeXml(prompt)}</a>`,
    ...(truth ? [gain(measures.truth?.psnr.face, 2), gain(measures.truth?.ssim, 4)] : []),
    ...(coefficients ? [figure(ratio(measures.truth?.coefficients), 2)] : []),
    figure(measures.clip?.directional, 3),
    ...(identity ? [figure(measures.judge?.faceSimilarity, 3)] : []),
    ...(lpips ? [figure(measures.lpips, 4)] : []),
    figure(perMille(measures.consistency?.edited), 1),
  ])
  const found = faces ? ` The judge found a face in ${faces.found} of ${faces.views} novel views.` : ''
  return `${table(headings, [control, ...rows])}<p class="quiet">Encoder: ${escapeXml(networks.encoder)}. Judge of faces: ${escapeXml(networks.judge ?? 'none')}. ${escapeXml(networks.lpips ?? 'No LPIPS')}.${found}</p>`
}

function missingList({ missing }: Report): string {
  return `<ul class="missing">${missing.map(({ metric, why }) => `<li><b>${escapeXml(metric)}</b>: ${escapeXml(why)}</li>`).join('')}</ul>`
}

function retrievalTable({ expressions, each, mean, chance, pictures, found }: Retrieval): string {
  const cells = table(
    ['', ...expressions.map(escapeXml), 'mean', 'by chance'],
    [['precision', ...each.map(value => percent(value)), `<b>${percent(mean)}</b>`, percent(chance)]],
  )
  return `${cells}<p class="quiet">${pictures} pictures, a face found in ${found}; pictures without one are retrieved last.</p>`
}

async function editBody(result: EditResult, truth: readonly TrueEdit[], names: readonly string[], index: number): Promise<string> {
  const { measures, notes, shares, prompt, reference, strength, steps, name } = result
  const goal = trueEditOf(truth, prompt)
  const parts = [
    `<p class="quiet" id="edit-${index}">${escapeXml(name)} · ${steps} steps, strength ${strength}, head pose of frame ${escapeXml(reference)}</p>`,
    ...notes.map(note => `<p class="note">${escapeXml(note)}</p>`),
    await pictureGrid(result, goal, names),
  ]
  if (shares.length > 0) parts.push(await ratioMaps(result))
  const tables: string[] = []
  if (measures.truth) tables.push(`<div><h3>Against the true pictures</h3>${truthTable(result)}</div>`)
  if (measures.change || measures.region) tables.push(`<div><h3>Where the picture changed</h3>${changeTable(result)}</div>`)
  if (measures.judge?.expressions) {
    const { found, views, expressions } = measures.judge
    tables.push(
      `<div><h3>What the judge sees</h3>${bars(expressions)}<p class="quiet">Mean over ${found.edited} of ${views} novel views in which it found a face.</p></div>`,
    )
  }
  const curve = lossCurve(result.curve)
  if (curve) tables.push(`<div><h3>Loss of the descent</h3>${curve}</div>`)
  if (tables.length > 0) parts.push(`<div class="two">${tables.join('')}</div>`)
  return parts.join('\n')
}

/** One row per view: before, after, truth where there is one, and where it changed. */
async function pictureGrid({ pictures, unedited }: EditResult, goal: TrueEdit | undefined, names: readonly string[]): Promise<string> {
  const columns = ['before', 'after', ...(goal ? ['truth'] : []), 'change']
  const cells = columns.map(name => `<div class="head">${name === 'change' ? `change ${RAMP}` : name}</div>`)
  const image = async (picture: Picture, what: string, view: string): Promise<string> =>
    `<figure><img loading="lazy" alt="${what}, ${escapeXml(view)}" src="${await pictureAddress(picture)}">${what === 'before' ? `<figcaption>${escapeXml(view)}</figcaption>` : ''}</figure>`
  for (const [v, after] of pictures.shown.entries()) {
    const before = unedited.shown[v]
    const view = names[v] ?? `view ${v + 1}`
    cells.push(await image(before, 'before', view), await image(after, 'after', view))
    if (goal) cells.push(await image({ width: after.width, height: after.height, rgb: goal.views[v].image }, 'truth', view))
    cells.push(await image(changeMap(before, after), 'change', view))
  }
  return `<div class="grid" style="--columns:${columns.length}">${cells.join('')}</div>`
}

/** Anchor composition ratios in the first view. */
async function ratioMaps({ pictures, shares, reference }: EditResult): Promise<string> {
  const [view] = pictures.shown
  const maps: string[] = []
  for (const [k, share] of shares.entries()) {
    const label = share === reference ? `neutral, frame ${share}` : share.includes(' ') ? share : `frame ${share}`
    maps.push(
      `<figure><img loading="lazy" alt="composition ratio of ${escapeXml(label)}" src="${await pictureAddress(channelMap(view, k))}"><figcaption>${escapeXml(label)}</figcaption></figure>`,
    )
  }
  return `<h3>Which anchor where: composition ratios 0 ${RAMP} 1</h3><div class="grid" style="--columns:${Math.max(4, shares.length)}">${maps.join('')}</div>`
}

function truthTable({ measures: { truth } }: EditResult): string {
  if (!truth) return ''
  const rows = [
    ['face', gain(truth.psnr.face, 2)],
    ...FACE_REGIONS.map(name => [name, gain(truth.psnr[name], 2)]),
    ['SSIM, face', gain(truth.ssim, 4)],
    ...(truth.lpips ? [['LPIPS, picture', gain(truth.lpips, 4, false)]] : []),
    ...(truth.coefficients
      ? [
          ['expression error', `${gain(truth.coefficients, 3, false)}`],
          ['the same on the true pictures', figure(truth.coefficients.truth, 3)],
        ]
      : []),
  ]
  return `${table(['', 'PSNR, dB (over no edit)'], rows)}<p class="quiet">True edit ${escapeXml(truth.id)}, reach: ${escapeXml(truth.reach)}.</p>`
}

function changeTable({ measures: { change, region } }: EditResult): string {
  const row = (name: string, { inside, outside, ratio: share }: RegionChange): string[] => [
    name,
    figure(1e4 * inside, 2),
    figure(1e4 * outside, 2),
    percent(share, 1),
  ]
  const rows = change ? (['face', ...FACE_REGIONS] as const).map(name => row(name, change[name])) : []
  if (region) rows.unshift(row(`<b>${escapeXml(region.name)}</b>, the edit’s region${region.mask === 'rendered' ? ' (its own mask)' : ''}`, region))
  return table(['', 'inside, 10⁻⁴', 'outside, 10⁻⁴', 'outside ÷ inside'], rows)
}

function sceneTable({ psnr, psnrPerson, ssim, ssimPerson, views }: NonNullable<Report['heldOut']>): string {
  const rows = [[`mean of ${views.length} held-out views`, figure(psnr, 2), figure(psnrPerson, 2), figure(ssim, 4), figure(ssimPerson, 4)]]
  return `${table(['', 'PSNR, dB', 'person', 'SSIM', 'person'], rows)}<p class="quiet">Each view rendered with the code of its instant: what no edit of this scene can exceed by much.</p>`
}

function definitions({ networks }: Report): string {
  const list: [string, string][] = [
    [
      'PSNR, SSIM',
      'Against the true pictures of the edit, within the face: the hull of its landmarks and of neutral’s, 5 % wider, times the person’s coverage. In brackets what the edit gained over the unedited face.',
    ],
    [
      'expression error',
      `Root mean square of the differences between the coefficients that the expression head of ${networks.encoder} reads off the pictures and the true ones; as a share of the unedited face’s. The head errs on true pictures too: that is the least an edit can have.`,
    ],
    [
      'CLIP directional',
      `Cosine of the change of the embeddings (edited − unedited picture) and of the words. By ${networks.encoder}: where that also steered the edit it is no independent judge.`,
    ],
    [
      'identity (CFS)',
      'Cosine of the judge’s identity features of the edited and the unedited face, same view, mean over the views in which both were found (the paper’s CFS).',
    ],
    [
      'R-precision',
      'All novel views of all edits in one pool; for each expression those are retrieved that the judge gives its highest scores, as many as were edited by it; the share of them that were.',
    ],
    [
      'LPIPS',
      'Between the edited and the unedited picture, novel views. An edit that does nothing has 0: read it beside R-precision and the row of no edit.',
    ],
    [
      'inconsistency',
      'Pixels of a novel view are put into space by their depth and looked up in a view 4° to the side; root mean square difference of sRGB × 1000 over the head, where both see the same surface. Compare with no edit.',
    ],
    [
      'change',
      'Mean squared difference between edited and unedited picture inside a region and outside it; outside ÷ inside is near 0 for an edit that keeps to the region.',
    ],
  ]
  return `<dl>${list.map(([name, text]) => `<dt>${name}</dt><dd>${escapeXml(text)}</dd>`).join('')}</dl>`
}
