/** Camera poses of a video whose camera moves: structure from motion on the room, by the user's COLMAP. */
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { lensStarts, setStartingFocal } from './colmapLens.ts'
import { ColmapFailure, type ColmapProgram, option } from './colmapProgram.ts'
import { type ModelQuality, modelQuality } from './colmapQuality.ts'

export interface ColmapOptions {
  /** Folder of pictures, named so that their order is the order of time. */
  images: string
  /** Their names, in that order. */
  names: readonly string[]
  /** Width and height of all of them, px. */
  size: readonly [number, number]
  /** Pairs of pictures (places in `names`) that show the room from one side although other pictures lie between them. */
  pairs?: readonly (readonly [number, number])[]
  /** px, where known; otherwise found by trials. */
  focalLength?: number
  /** Folder of masks, `<picture>.png`, black where no feature may lie; absent: features everywhere. */
  masks?: string
  /** Folder for the database and the models. */
  work: string
  log: Writable
  /** Where the log is, for errors. */
  logPath: string
  /** Seconds that the mapper may take. */
  limit: number
  threads: number
  signal?: AbortSignal
}

/** Progress of a run. */
export interface PoseStep {
  readonly stage: 'features' | 'matches' | 'lens' | 'poses'
  readonly step: number
  readonly steps: number
  /** Seconds to the end of the stage. */
  readonly eta: number
}

/** The best model of a run. */
export interface ColmapModel {
  /** Folder with cameras.bin, images.bin and points3D.bin. */
  folder: string
  quality: ModelQuality
}

/** As the house of this project asks of SIFT on a processor: enough for a room, few enough to match in minutes. */
const FEATURES = 2048
/** Each picture is matched with this many before it, and with those 8, 16 and 32 before it. */
const OVERLAP = 6
/** RANSAC trials per pair: neighbours in a video agree in most of their matches, and pairs that do not need not cost seconds. */
const TRIALS = 1000
/** Pictures in a row on which starting focal lengths are tried. */
const TRIED_ON = 40
/** Share of the mapper's time that the trials may take. */
const TRIAL_SHARE = 0.5
/** Degrees between two rays from which the first pair of pictures is taken: half of COLMAP's, because a head filmed at arm's length leaves little room in view. */
const FIRST_ANGLE = 6
/** Points seen worse than this many times the mean error (and this many px) are taken out at the end. */
const FILTER_OF_MEAN = 2.5
const LEAST_FILTER = 0.8
/** Unless fewer than this share of the sightings would be left. */
const LEAST_LEFT = 0.6
/** Fewer pictures with a pose than this share and the run has failed. */
const LEAST_REGISTERED = 0.5
/** Median number of features below which a wall is called plain. */
const FEW_FEATURES = 120

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

/** The model with everything adjusted at once, the focal length too; undefined where that fails. */
async function adjust(colmap: ColmapProgram, { log, signal }: ColmapOptions, from: string, to: string): Promise<ColmapModel | undefined> {
  await mkdir(to, { recursive: true })
  const known = await colmap.options('bundle_adjuster')
  const args = [
    '--input_path',
    from,
    '--output_path',
    to,
    ...option(known, ['BundleAdjustment.function_tolerance', 'BundleAdjustmentCeres.function_tolerance'], 1e-6),
  ]
  try {
    await drain(colmap.run('bundle_adjuster', args, { log, signal }))
  } catch (error) {
    if (error instanceof ColmapFailure) return undefined
    throw error
  }
  const quality = await modelQuality(to)
  return quality && { folder: to, quality }
}

/**
 * Adjusts the whole with the focal length free, makes the points anew from all matches, takes out sightings that lie far off, and adjusts again. Mapping judged
 * matches by poses of that moment; on a video of known cameras this halves the errors. A step that fails is left out.
 */
async function polish(colmap: ColmapProgram, options: ColmapOptions, model: ColmapModel): Promise<ColmapModel> {
  const { images, work, log, signal } = options
  const at = (name: string): string => join(work, name)
  let best = (await adjust(colmap, options, model.folder, at('adjusted'))) ?? model
  const step = async (command: string, args: readonly string[], to: string): Promise<void> => {
    await mkdir(to, { recursive: true })
    try {
      await drain(colmap.run(command, args, { log, signal }))
    } catch (error) {
      if (error instanceof ColmapFailure) return
      throw error
    }
    const next = await adjust(colmap, options, to, `${to}-adjusted`)
    if (next && next.quality.registered === best.quality.registered && next.quality.observations > LEAST_LEFT * best.quality.observations) best = next
  }
  const again = await colmap.options('point_triangulator')
  const triangulated = [
    ...['--database_path', at('database.db'), '--image_path', images],
    ...['--input_path', best.folder, '--output_path', at('again')],
  ]
  await step('point_triangulator', [...triangulated, ...option(again, ['clear_points'], 1)], at('again'))
  const filter = await colmap.options('point_filtering')
  const limit = Math.max(LEAST_FILTER, FILTER_OF_MEAN * best.quality.error).toFixed(2)
  const filtered = ['--input_path', best.folder, '--output_path', at('filtered')]
  await step(
    'point_filtering',
    [...filtered, ...option(filter, ['max_reproj_error'], limit), ...option(filter, ['min_track_len'], 3)],
    at('filtered'),
  )
  return best
}

async function drain(lines: AsyncIterable<string>): Promise<void> {
  for await (const _ of lines);
}

async function* extract(colmap: ColmapProgram, { images, masks, work, threads, ...run }: ColmapOptions): AsyncGenerator<string> {
  const known = await colmap.options('feature_extractor')
  yield* colmap.run(
    'feature_extractor',
    [
      ...['--database_path', join(work, 'database.db'), '--image_path', images],
      ...option(known, ['ImageReader.single_camera'], 1),
      ...option(known, ['ImageReader.camera_model'], 'SIMPLE_PINHOLE'), // with distortion free as well, a nearly flat room leaves the focal length open
      ...(masks ? option(known, ['ImageReader.mask_path'], masks) : []),
      ...option(known, ['FeatureExtraction.use_gpu', 'SiftExtraction.use_gpu'], 0),
      ...option(known, ['FeatureExtraction.num_threads', 'SiftExtraction.num_threads'], threads),
      ...option(known, ['SiftExtraction.max_num_features'], FEATURES),
    ],
    { log: run.log, signal: run.signal },
  )
}

async function* match(colmap: ColmapProgram, { work, threads, log, signal }: ColmapOptions): AsyncGenerator<string> {
  const known = await colmap.options('sequential_matcher')
  yield* colmap.run(
    'sequential_matcher',
    [
      ...['--database_path', join(work, 'database.db')],
      ...matchOptions(known, threads),
      ...option(known, ['SequentialMatching.overlap'], OVERLAP),
      ...option(known, ['SequentialMatching.quadratic_overlap'], 1),
      ...option(known, ['SequentialMatching.loop_detection'], 0), // needs a file that would have to be downloaded
    ],
    { log, signal },
  )
}

/** Matches the given pairs, in addition to what is matched already. */
async function* matchPairs(
  colmap: ColmapProgram,
  { names, work, threads, log, signal }: ColmapOptions,
  pairs: readonly (readonly [number, number])[],
): AsyncGenerator<string> {
  const known = await colmap.options('matches_importer')
  const list = join(work, 'pairs.txt')
  await writeFile(list, `${pairs.map(([a, b]) => `${names[a]} ${names[b]}`).join('\n')}\n`)
  yield* colmap.run(
    'matches_importer',
    [...['--database_path', join(work, 'database.db'), '--match_list_path', list, '--match_type', 'pairs'], ...matchOptions(known, threads)],
    { log, signal },
  )
}

function matchOptions(known: ReadonlySet<string>, threads: number): string[] {
  return [
    ...option(known, ['FeatureMatching.use_gpu', 'SiftMatching.use_gpu'], 0),
    ...option(known, ['FeatureMatching.num_threads', 'SiftMatching.num_threads'], threads),
    ...option(known, ['TwoViewGeometry.max_num_trials', 'SiftMatching.max_num_trials'], TRIALS),
  ]
}

/** Reconstructs into the folder `models`: all pictures or those of a list, with the focal length free or held. */
async function* map(
  colmap: ColmapProgram,
  { images, work, threads, limit, log, signal }: ColmapOptions,
  models: string,
  { list, isFixed }: { list?: string; isFixed: boolean },
): AsyncGenerator<string> {
  await mkdir(models, { recursive: true })
  const known = await colmap.options('mapper')
  yield* colmap.run(
    'mapper',
    [
      ...['--database_path', join(work, 'database.db'), '--image_path', images, '--output_path', models],
      ...option(known, ['Mapper.num_threads'], threads),
      ...option(known, ['Mapper.max_num_models'], 3), // a bad first pair makes a small model; the next begins elsewhere
      ...option(known, ['Mapper.ba_refine_focal_length'], isFixed ? 0 : 1),
      ...option(known, ['Mapper.init_min_tri_angle'], FIRST_ANGLE),
      ...option(known, ['Mapper.extract_colors'], 0),
      // A video adds pictures that lie between or beside those it has: the whole need not be adjusted for every tenth more of them.
      ...option(known, ['Mapper.ba_global_images_ratio', 'Mapper.ba_global_frames_ratio'], 1.3),
      ...option(known, ['Mapper.ba_global_points_ratio'], 1.3),
      ...option(known, ['Mapper.ba_global_max_refinements'], 2),
      ...(list ? ['--image_list_path', list] : []),
    ],
    { log, limit, signal },
  )
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

/** What went wrong in words for a person with a phone, and what to do. */
function explain(
  failure: ColmapFailure | undefined,
  features: readonly number[],
  registered: number,
  { names, limit, logPath }: ColmapOptions,
): string {
  const total = names.length
  const sorted = [...features].sort((a, b) => a - b)
  const median = sorted[sorted.length >> 1] ?? 0
  const log = `COLMAP's log is ${logPath}`
  if (failure?.reason === 'limit') {
    return `camera poses: COLMAP had placed ${registered} of ${total} pictures when its ${limit} s were over; allow more with --pose-limit, or take fewer pictures with --frames (150 often do); ${log}`
  }
  if (features.length > 0 && median < FEW_FEATURES) {
    return `camera poses: the room shows too little to hold on to (${median} features in a typical picture): a plain wall, blur or darkness; film in front of shelves, pictures or plants, or use --poses face; ${log}`
  }
  if (failure && !/mapper/.test(failure.message)) return `camera poses: ${failure.message}; ${log}`
  if (registered === 0) {
    return `camera poses: COLMAP found no two pictures that show the room from different places: the camera hardly moved, or only turned on the spot; walk it from side to side, or use --poses face if the head turned instead; ${log}`
  }
  return `camera poses: only ${registered} of ${total} pictures could be placed (${failure?.message ?? 'the others do not fit together'}): the camera moved too fast, or the room is plain in parts; film slower, or use --poses face; ${log}`
}
