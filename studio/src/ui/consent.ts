/** The notice that the command line shows before the first face, in the page's words; the answer stays in this browser. */
import { readStored, store } from '../viewer/storage.ts'

export const NOTICE = [
  'Import and edit only yourself, or people who agreed to it; delete what you make when they ask you to.',
  'Everything stays on this computer: nothing is uploaded, there is no telemetry.',
  'Edited pictures are synthetic: say so where you show them.',
] as const

const KEY = 'faceclipnerf.consent'
/** Raised when the notice changes in what it asks. */
const VERSION = '1'

export const hasConsent = (): boolean => readStored(KEY) === VERSION

export const keepConsent = (): void => store(KEY, VERSION)
