/** Camera poses of a video whose camera moves: structure from motion on the room, by the user's COLMAP. */
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { adjust, type ColmapModel, type ColmapOptions, drain, extract, map, match, matchPairs } from './colmapCommands.ts'
import { explain } from './colmapExplain.ts'
import { lensStarts, setStartingFocal } from './colmapLens.ts'
import { polish } from './colmapPolish.ts'
import { ColmapFailure, type ColmapProgram } from './colmapProgram.ts'
import { modelQuality } from './colmapQuality.ts'

/** Progress of a run. */
export interface PoseStep {
  readonly stage: 'features' | 'matches' | 'lens' | 'poses'
  readonly step: number
  readonly steps: number
  /** Seconds to the end of the stage. */
  readonly eta: number
}

/** Pictures in a row on which starting focal lengths are tried. */
const TRIED_ON = 40
/** Share of the mapper's time that the trials may take. */
const TRIAL_SHARE = 0.5
/** Fewer pictures with a pose than this share and the run has failed. */
const LEAST_REGISTERED = 0.5

/**
 * Extracts features, matches neighbours and reconstructs. Yields progress; returns the largest model.
 * Throws Error with the reason in plain words and what to do, naming the log.
 */
export async function* colmapPoses(colmap: ColmapProgram, options: ColmapOptions): AsyncGenerator<PoseStep, ColmapModel> {
  const { names, work } = options
  const features: number[] = []
  let registered = 0
  const countRegistered = (line: string): number | undefined => {
    const found = /Registering image #\d+ \((?:num_reg_frames=)?(\d+)\)/.exec(line) ?? /num_reg_frames=(\d+)/.exec(line)
    if (found) registered = Number(found[1])
    return found ? registered : undefined
  }
  try {
    yield* progress('features', names.length, extract(colmap, options), line => {
      const found = /Features:\s+(\d+)/.exec(line)
      if (found) features.push(Number(found[1]))
      return count(/Processed file \[(\d+)\//.exec(line))
    })
    yield* progress('matches', names.length, match(colmap, options), line => count(/(?:Matching|Processing) image \[(\d+)\//.exec(line)))
    if (options.pairs && options.pairs.length > 0) await drain(matchPairs(colmap, options, options.pairs))
    const began = performance.now()
    const start = options.focalLength ?? (yield* findLens(colmap, options))
    const isFixed = start !== undefined && (await setStartingFocal(join(work, 'database.db'), options.size, start))
    const limit = Math.max(1, options.limit - (performance.now() - began) / 1000)
    yield* progress('poses', names.length, map(colmap, { ...options, limit }, join(work, 'models'), { isFixed }), countRegistered)
  } catch (error) {
    if (error instanceof ColmapFailure) throw new Error(explain(error, features, registered, options))
    throw error
  }
  const model = await bestModel(join(work, 'models'))
  if (!model || model.quality.registered < Math.max(3, LEAST_REGISTERED * names.length)) {
    throw new Error(explain(undefined, features, model?.quality.registered ?? 0, options))
  }
  return await polish(colmap, options, model)
}

/**
 * The focal length (px) to map with, or undefined to leave it to COLMAP. A room filmed from one side is nearly flat: while few pictures are placed, the focal
 * length is open, and a mapper that may change it runs away or bends the room to fit. So a stretch of the video is mapped with each of several, held fixed,
 * then adjusted with the focal length free; the one that explains most observations best wins.
 */
async function* findLens(colmap: ColmapProgram, options: ColmapOptions): AsyncGenerator<PoseStep, number | undefined> {
  const { names, work, size, limit, signal, log } = options
  const from = Math.max(0, Math.floor((names.length - TRIED_ON) / 2))
  const list = join(work, 'trial.txt')
  await writeFile(list, `${names.slice(from, from + TRIED_ON).join('\n')}\n`)
  const starts = lensStarts(size)
  const began = performance.now()
  let best: { focal: number; score: number } | undefined
  for (const [i, focal] of starts.entries()) {
    signal?.throwIfAborted()
    if (!(await setStartingFocal(join(work, 'database.db'), size, focal))) return undefined
    const folder = join(work, `lens${i}`)
    const trial = { ...options, limit: (TRIAL_SHARE * limit) / starts.length }
    await drain(map(colmap, trial, folder, { list, isFixed: true })).catch((error: unknown) => {
      if (!(error instanceof ColmapFailure)) throw error // a start far off may fail; the others decide
    })
    const rough = await bestModel(folder)
    const model = rough && ((await adjust(colmap, options, rough.folder, `${folder}-adjusted`)) ?? rough)
    if (model) {
      const { observations, error, focalLength, registered } = model.quality
      const score = observations / Math.max(0.05, error) ** 2 // a wrong focal length bends the room: many points stay, all a little off
      log.write(
        `\nlens: from ${focal.toFixed(0)} px to ${focalLength.toFixed(1)} px, ${registered} pictures, ${observations} observations, ${error.toFixed(3)} px\n`,
      )
      if (!best || score > best.score) best = { focal: focalLength, score }
    }
    const done = i + 1
    yield { stage: 'lens', step: done, steps: starts.length, eta: ((performance.now() - began) / 1000 / done) * (starts.length - done) }
  }
  return best?.focal
}

/** Turns lines into steps; `read` says how far the stage is, where a line does. */
async function* progress(
  stage: PoseStep['stage'],
  steps: number,
  lines: AsyncIterable<string>,
  read: (line: string) => number | undefined,
): AsyncGenerator<PoseStep> {
  const began = performance.now()
  let last = 0
  for await (const line of lines) {
    const step = Math.min(steps, read(line) ?? last)
    if (step <= last) continue
    last = step
    yield { stage, step, steps, eta: ((performance.now() - began) / 1000 / step) * (steps - step) }
  }
  if (last < steps) yield { stage, step: steps, steps, eta: 0 }
}

function count(found: RegExpExecArray | null): number | undefined {
  return found ? Number(found[1]) : undefined
}

/** The model with the most pictures. */
async function bestModel(folder: string): Promise<ColmapModel | undefined> {
  const models: ColmapModel[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    const quality = await modelQuality(join(folder, name))
    if (quality && quality.registered > 0) models.push({ folder: join(folder, name), quality })
  }
  return models.sort((a, b) => b.quality.registered - a.quality.registered)[0]
}
