import { useEffect, useState } from 'react'
import type { SceneInfo } from '../protocol/messages.ts'
import { NO_FILM } from '../viewer/film.ts'
import { filmPoses } from '../viewer/filmPath.ts'
import { frusta, projection } from '../viewer/frusta.ts'
import type { Studio, StudioState } from '../viewer/studio.ts'

/** Points along the whole path. */
const POINTS = 160

/** The camera's way through the film over the picture, with a pyramid at each keyframe. The timeline says the same by keyboard and in words. */
export default function FilmPath({ studio, state: { document, preview }, scene }: { studio: Studio; state: StudioState; scene: SceneInfo }) {
  const [pose, setPose] = useState(() => studio.mover.pose)
  useEffect(() => studio.mover.follow(() => setPose(studio.mover.pose)), [studio])
  const { film = NO_FILM } = document
  // From the path itself there is nothing to see of it.
  if (film.keyframes.length === 0 || preview?.moving) return null
  const project = projection(scene, pose)
  const times = Array.from({ length: POINTS + 1 }, (_, i) => (film.seconds * i) / POINTS)
  let pen = 'M'
  const line = filmPoses(film, times, scene).map(({ position }) => {
    const at = project(position)
    const command = at ? `${pen}${(100 * at[0]).toFixed(2)} ${(100 * at[1]).toFixed(2)}` : ''
    pen = at ? 'L' : 'M'
    return command
  })
  const frames = film.keyframes.flatMap(key => (key.pose ? [{ id: String(key.id), split: 'train' as const, pose: key.pose }] : []))
  return (
    <svg className="cameras film-path" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
      <path className="film-way" d={line.join('')} />
      {frusta({ ...scene, frames }, pose).map(({ id, path }) => (
        <path key={id} d={path} />
      ))}
    </svg>
  )
}
