/** A brush's stroke over the picture, and what it covers. */

/** A place in the picture: shares of its width and height, from its top left corner. */
export type Place = readonly [number, number]

export interface Stroke {
  /** Where the brush went, at least one place. */
  readonly path: readonly Place[]
  /** Share of the picture's longer edge. */
  readonly radius: number
}

/** Whether places are under a stroke on a picture of this shape (width over height). */
export function strokeTest({ path, radius }: Stroke, aspect: number): (place: Place) => boolean {
  const long = Math.max(aspect, 1)
  const scaled = ([x, y]: Place): Place => [(x * aspect) / long, y / long]
  const corners = path.map(scaled)
  return place => {
    const [px, py] = scaled(place)
    return corners.some(([x, y], i) => {
      const [fromX, fromY] = corners[Math.max(0, i - 1)]
      const [dx, dy] = [x - fromX, y - fromY]
      const along = Math.min(1, Math.max(0, ((px - fromX) * dx + (py - fromY) * dy) / (dx * dx + dy * dy || 1)))
      return Math.hypot(px - fromX - along * dx, py - fromY - along * dy) <= radius
    })
  }
}

/** The pixels under a stroke, 1 or 0, [H · W]. */
export function strokeMask(stroke: Stroke, width: number, height: number): Uint8Array {
  const covers = strokeTest(stroke, width / height)
  const mask = new Uint8Array(width * height)
  for (let i = 0; i < mask.length; i++) mask[i] = covers([((i % width) + 0.5) / width, (Math.floor(i / width) + 0.5) / height]) ? 1 : 0
  return mask
}
