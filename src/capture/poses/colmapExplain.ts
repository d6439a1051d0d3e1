import type { ColmapOptions } from './colmapCommands.ts'
import type { ColmapFailure } from './colmapProgram.ts'

/** Median number of features below which a wall is called plain. */
const FEW_FEATURES = 120

/** What went wrong in words for a person with a phone, and what to do. */
export function explain(
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
