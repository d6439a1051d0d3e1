/** COLMAP's commands, with the options that this project gives them. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
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

/** A reconstruction. */
export interface ColmapModel {
  /** Folder with cameras.bin, images.bin and points3D.bin. */
  folder: string
  quality: ModelQuality
}

/** As the house of this project asks of SIFT on a processor: enough for a room, few enough to match in minutes. */
const FEATURES = 2048
/** px: features are also looked for at twice the size of pictures up to this; of larger ones that takes 0.6 GB and three times as long. */
const ENLARGED_BELOW = 1000
/** Each picture is matched with this many before it, and with those 8, 16 and 32 before it. */
const OVERLAP = 6
/** RANSAC trials per pair: neighbours in a video agree in most of their matches, and pairs that do not need not cost seconds. */
const TRIALS = 1000
/** Degrees between two rays from which the first pair of pictures is taken: half of COLMAP's, because a head filmed at arm's length leaves little room in view. */
const FIRST_ANGLE = 6

/** Features of all pictures, outside the masks. */
export async function* extract(colmap: ColmapProgram, { images, masks, size, work, threads, ...run }: ColmapOptions): AsyncGenerator<string> {
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
      ...option(known, ['SiftExtraction.first_octave'], Math.max(...size) > ENLARGED_BELOW ? 0 : -1),
    ],
    { log: run.log, signal: run.signal },
  )
}

/** Matches each picture with those before it. */
export async function* match(colmap: ColmapProgram, { work, threads, log, signal }: ColmapOptions): AsyncGenerator<string> {
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
export async function* matchPairs(
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
export async function* map(
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

/** The model with everything adjusted at once, the focal length too; undefined where that fails. */
export async function adjust(colmap: ColmapProgram, { log, signal }: ColmapOptions, from: string, to: string): Promise<ColmapModel | undefined> {
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

/** Runs to the end. */
export async function drain(lines: AsyncIterable<string>): Promise<void> {
  for await (const _ of lines);
}
