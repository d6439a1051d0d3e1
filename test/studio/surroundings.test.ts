import { afterEach, expect, test, vi } from 'vitest'
import { hasConsent, keepConsent } from '../../studio/src/ui/consent.ts'
import { applyTheme, readTheme } from '../../studio/src/ui/theme.ts'
import { watchOtherTabs } from '../../studio/src/viewer/otherTabs.ts'
import { readPrompts, withPrompt } from '../../studio/src/viewer/prompts.ts'
import { onStorageTrouble, readStored, store } from '../../studio/src/viewer/storage.ts'
import { awayNote } from '../../studio/src/viewer/surroundings.ts'

afterEach(() => vi.unstubAllGlobals())

/** A browser's storage that is full, or works. */
function stubStorage(full: boolean): Map<string, string> {
  const values = new Map<string, string>()
  const setItem = (key: string, value: string): void => {
    if (full) throw new DOMException('full', 'QuotaExceededError')
    values.set(key, value)
  }
  vi.stubGlobal('localStorage', { getItem: (key: string) => values.get(key) ?? null, setItem })
  vi.stubGlobal('document', { documentElement: { style: {} } })
  return values
}

test('a full storage throws nowhere, says so once, and everything lasts as long as the page', () => {
  stubStorage(true)
  const heard = vi.fn()
  onStorageTrouble(heard)
  expect(hasConsent()).toBe(false)
  keepConsent()
  applyTheme('dark')
  withPrompt([], 'a smile')
  expect([hasConsent(), readTheme(), readPrompts()]).toEqual([true, 'dark', ['a smile']])
  expect(heard).toHaveBeenCalledTimes(1)
})

test('once there is room again, things are stored; a forbidden storage reads as empty', () => {
  const values = stubStorage(false)
  store('faceclipnerf.consent', '1')
  expect([values.get('faceclipnerf.consent'), hasConsent()]).toEqual(['1', true])
  vi.stubGlobal('localStorage', {
    getItem: () => {
      throw new DOMException('blocked', 'SecurityError')
    },
  })
  expect(readStored('other')).toBeUndefined()
})

test('two tabs with the same work both hear of it; others do not', async () => {
  const heard: string[] = []
  const [a, b, c] = ['a', 'b', 'c'].map(tab => watchOtherTabs(name => heard.push(`${tab} ${name}`)))
  a.opened('ada')
  c.opened('eve')
  await new Promise(resolve => setTimeout(resolve, 50))
  expect(heard).toEqual([])
  b.opened('ada')
  await expect.poll(() => [...heard].sort()).toEqual(['a ada', 'b ada'])
  for (const tab of [a, b, c]) tab.close()
})

test('a hidden tab: what is said when one comes back', () => {
  expect(awayNote(120, false)).toContain('went on for 120 steps')
  expect(awayNote(0, false)).toContain('held the training back')
  expect(awayNote(0, true)).toBeUndefined()
})
