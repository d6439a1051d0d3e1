import { type RefObject, useEffect } from 'react'
import { gridColumns } from '../viewer/grid.ts'
import type { Studio } from '../viewer/studio.ts'

/** px beside the picture: header, tools and gaps (layout.css: --room). */
const AROUND = 148
const PHONE = { query: '(max-width: 860px)', share: 0.62 }

/** Keeps as many columns as make faces largest in the stage. @param count faces; nothing is done for none */
export function useGridColumns(studio: Studio, stage: RefObject<HTMLElement | null>, count: number, aspect: number): void {
  useEffect(() => {
    const element = stage.current
    if (!element || count === 0) return
    const choose = (): void => {
      const { paddingLeft, paddingRight } = getComputedStyle(element)
      const width = element.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight)
      const height = matchMedia(PHONE.query).matches ? PHONE.share * innerHeight : innerHeight - AROUND
      const columns = gridColumns(count, aspect, [width, height])
      if (columns !== studio.state().grid.columns) studio.look({ grid: { columns } })
    }
    const measure = new ResizeObserver(choose)
    measure.observe(element)
    addEventListener('resize', choose)
    return () => {
      measure.disconnect()
      removeEventListener('resize', choose)
    }
  }, [studio, stage, count, aspect])
}
