/** The last steps of a reconstruction. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { adjust, type ColmapModel, type ColmapOptions, drain } from './colmapCommands.ts'
import { ColmapFailure, type ColmapProgram, option } from './colmapProgram.ts'

/** Points seen worse than this many times the mean error (and this many px) are taken out at the end. */
const FILTER_OF_MEAN = 2.5
const LEAST_FILTER = 0.8
/** Unless fewer than this share of the sightings would be left. */
const LEAST_LEFT = 0.6

/**
 * Adjusts the whole with the focal length free, makes the points anew from all matches, takes out sightings that lie far off, and adjusts again. Mapping judged
 * matches by poses of that moment; on a video of known cameras this halves the errors. A step that fails is left out.
 */
export async function polish(colmap: ColmapProgram, options: ColmapOptions, model: ColmapModel): Promise<ColmapModel> {
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
