import { useEffect, useState } from 'react'
import type { SceneInfo } from '../protocol/messages.ts'
import { frusta } from '../viewer/frusta.ts'
import type { Studio } from '../viewer/studio.ts'

/** The capture's cameras over the picture; a click on one goes there. The list in the View panel is the way by keyboard. */
export function Cameras({ studio, scene }: { studio: Studio; scene: SceneInfo }) {
  const [pose, setPose] = useState(() => studio.mover.pose)
  useEffect(() => studio.mover.follow(() => setPose(studio.mover.pose)), [studio])
  const seen = frusta(scene, pose)
  return (
    <>
      <svg className="cameras" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
        {seen.map(({ id, split, path, at }) => (
          // biome-ignore lint/a11y/noStaticElementInteractions: a short cut with the mouse for what the list of cameras does
          <g key={id} className={`camera camera-${split}`} onPointerDown={event => event.stopPropagation()} onClick={() => studio.jump(id)}>
            <path d={path} />
            <ellipse cx={100 * at[0]} cy={100 * at[1]} rx={0.8} ry={0.8} />
            <title>{`${id} (${split === 'train' ? 'training' : 'held out'})`}</title>
          </g>
        ))}
      </svg>
      {seen.length === 0 && <p className="cameras-note">The cameras stand around or behind you: go farther away (−) or turn to see them.</p>}
    </>
  )
}
