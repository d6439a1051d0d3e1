/** The report on edits: every number with the networks that made it, and what is missing by name and reason. */
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import type { SceneReport } from './evaluate.ts'
import { type EditResult, retrievalOf } from './evaluateEdits.ts'
import type { FaceJudge } from './faceJudge.ts'
import type { Retrieval } from './retrieval.ts'

/** A metric that could not be computed; it is left out, never 0. */
export interface MissingMetric {
  readonly metric: string
  readonly why: string
}

/** What measured. */
export interface Networks {
  readonly encoder: string
  readonly judge?: string | undefined
  readonly lpips?: string | undefined
}

/** All numbers about edits of a scene; what was not measured is missing by name. */
export interface Report {
  readonly scene: { readonly name: string; readonly preset: string; readonly step: number; readonly size: readonly [number, number] }
  readonly device: string
  readonly networks: Networks
  readonly missing: readonly MissingMetric[]
  readonly edits: readonly EditResult[]
  readonly retrieval?: Retrieval | undefined
  /** In how many of the novel views of all edits a face was found. */
  readonly faces?: { readonly found: number; readonly views: number } | undefined
  readonly heldOut?: SceneReport | undefined
}

export interface ReportParts {
  readonly scene: SceneManipulator
  readonly edits: readonly EditResult[]
  readonly networks: Networks
  readonly judge?: FaceJudge | undefined
  /** What to do about a judge that is not there. */
  readonly judgeRemedy: string
  /** Whether the capture was given, and had true edits. */
  readonly hasTruth: boolean
  readonly heldOut?: SceneReport | undefined
}

/** Puts a report together. */
export function makeReport({ scene, edits, networks, judge, judgeRemedy, hasTruth, heldOut }: ReportParts): Report {
  const retrieval = retrievalOf(edits, judge)
  const { name, preset } = scene.description
  const looks = edits.flatMap(({ measures }) => measures.judge ?? [])
  return {
    scene: { name, preset, step: scene.step, size: scene.trainingCameras[0].imageSize },
    device: scene.device.description,
    networks,
    missing: missingMetrics({ networks, hasTruth, retrieval, judge, judgeRemedy, edits }),
    edits,
    retrieval,
    faces: judge && { found: looks.reduce((sum, { found }) => sum + found.edited, 0), views: looks.reduce((sum, { views }) => sum + views, 0) },
    heldOut,
  }
}

type Known = Pick<ReportParts, 'networks' | 'hasTruth' | 'judge' | 'judgeRemedy' | 'edits'> & Pick<Report, 'retrieval'>

function missingMetrics({ networks, hasTruth, retrieval, judge, judgeRemedy, edits }: Known): MissingMetric[] {
  const missing: MissingMetric[] = []
  const add = (metric: string, why: string): unknown => missing.push({ metric, why })
  if (!judge) add('expression scores, R-precision, identity (CFS)', `no judge of faces; ${judgeRemedy}`)
  else if (!retrieval) add('R-precision', `it needs edits of at least two expressions, each named by its sentence: ${judge.expressions.join(', ')}`)
  if (judge && edits.every(({ measures }) => measures.judge?.faceSimilarity === undefined))
    add('identity (CFS)', 'the judge found no face in any pair of an edited and an unedited view; larger pictures help')
  if (!networks.lpips) add('LPIPS', 'no weights; give them with --lpips (safetensors)')
  if (!hasTruth)
    add('PSNR, SSIM and expression against true pictures, change by region', 'no capture with true edits (edits/edits.json); give one with --capture')
  else if (edits.every(({ measures }) => !measures.truth))
    add('PSNR, SSIM and expression against true pictures', "none of the edits has a sentence of the capture's true edits")
  if (hasTruth && edits.some(({ measures }) => measures.truth && !measures.truth.coefficients))
    add('expression coefficients', `the encoder ${networks.encoder} has no expression head; measure with the embedded one`)
  const wordless = edits.filter(({ measures }) => !measures.clip).map(({ name }) => name)
  if (wordless.length > 0) add('CLIP', `${wordless.join(', ')}: guided by pictures or coefficients, no sentence to compare with`)
  return missing
}

/** The report without its pictures, for JSON. */
export function reportJson({ edits, heldOut, ...report }: Report): object {
  return {
    ...report,
    heldOut: heldOut && { psnr: heldOut.psnr, psnrPerson: heldOut.psnrPerson, ssim: heldOut.ssim, ssimPerson: heldOut.ssimPerson },
    edits: edits.map(({ pictures: _, unedited: __, ...numbers }) => numbers),
  }
}
