/** Light, dark, or as the system has it. */
import { readStored, store } from '../viewer/storage.ts'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const KEY = 'faceclipnerf.theme'

export const readTheme = (): Theme => THEMES.find(theme => theme === readStored(KEY)) ?? 'system'

export function applyTheme(theme: Theme): void {
  document.documentElement.style.colorScheme = theme === 'system' ? 'light dark' : theme
  if (theme !== readTheme()) store(KEY, theme)
}
