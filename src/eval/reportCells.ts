/** Cells of reports' tables: numbers with their digits, a dash where there is none, gains with their sign. */
import type { Pair } from './truthMeasures.ts'

const NONE = '<span class="none">–</span>'

/** A number, or a dash. */
export function figure(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? NONE : Number.isFinite(value) ? value.toFixed(digits) : '∞'
}

/** A share as per cent. */
export function percent(value: number | undefined, digits = 0): string {
  return value === undefined ? NONE : `${(100 * value).toFixed(digits)} %`
}

/** '27.31 (+2.10)': the edit's number and what it gained; a gain is good where `more` is better. */
export function gain(pair: Pair | undefined, digits: number, more = true): string {
  if (!pair) return NONE
  const change = pair.edited - pair.unedited
  const sign = change >= 0 ? '+' : '−'
  const tone = Math.abs(change) < 0.5 * 10 ** -digits ? 'none' : change > 0 === more ? 'up' : 'down'
  return `${pair.edited.toFixed(digits)} <span class="${tone}">(${sign}${Math.abs(change).toFixed(digits)})</span>`
}

/** The edit's number as a share of the unedited face's. */
export const ratio = (pair: Pair | undefined): number | undefined => (pair && pair.unedited > 0 ? pair.edited / pair.unedited : undefined)

export const perMille = (value: number | undefined): number | undefined => (value === undefined ? undefined : 1000 * value)
