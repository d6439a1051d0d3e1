/** Keys, as nerfstudio's and instant-ngp's viewers have taught them. One table: what a key does, and what the help sheet says. */

export type Action =
  | 'undo'
  | 'redo'
  | 'help'
  | 'prompt'
  | 'compare'
  | 'grid'
  | 'truth'
  | 'frusta'
  | 'film'
  | 'color'
  | 'depth'
  | 'acr'
  | 'previousCamera'
  | 'nextCamera'
  | 'firstCamera'
  | 'lastCamera'
  | 'reset'
  | 'nearer'
  | 'farther'
  | 'picture'
  | 'open'

/** Held keys move the camera: right, down, forward per second, in distances; turns in radians per second. */
export interface Motion {
  readonly fly?: readonly [number, number, number]
  readonly turn?: readonly [number, number]
}

export interface Shortcut {
  /** `KeyboardEvent.key`, letters in lower case. */
  readonly keys: readonly string[]
  readonly ctrl?: boolean
  readonly shift?: boolean
  readonly does: Action | Motion
  /** What the sheet shows; keys that go together are one row, told by the first. */
  readonly label?: { readonly keys: string; readonly text: string; readonly group: 'Camera' | 'View' | 'Edit' }
}

const SPEED = 0.5
const TURN = 1.2

export const SHORTCUTS: readonly Shortcut[] = [
  { keys: ['w'], does: { fly: [0, 0, SPEED] }, label: { keys: 'W A S D', text: 'fly forward, left, back, right', group: 'Camera' } },
  { keys: ['s'], does: { fly: [0, 0, -SPEED] } },
  { keys: ['a'], does: { fly: [-SPEED, 0, 0] } },
  { keys: ['d'], does: { fly: [SPEED, 0, 0] } },
  { keys: ['e', ' '], does: { fly: [0, -SPEED, 0] }, label: { keys: 'E or Space, Q or C', text: 'fly up, down', group: 'Camera' } },
  { keys: ['q', 'c'], does: { fly: [0, SPEED, 0] } },
  { keys: ['ArrowLeft'], does: { turn: [-TURN, 0] }, label: { keys: '← → ↑ ↓', text: 'turn about the face', group: 'Camera' } },
  { keys: ['ArrowRight'], does: { turn: [TURN, 0] } },
  { keys: ['ArrowUp'], does: { turn: [0, TURN] } },
  { keys: ['ArrowDown'], does: { turn: [0, -TURN] } },
  { keys: ['=', '+'], does: 'nearer', label: { keys: '+ −', text: 'nearer, farther', group: 'Camera' } },
  { keys: ['-', '_'], does: 'farther' },
  { keys: ['['], does: 'previousCamera', label: { keys: '[ ]', text: 'previous, next camera of the capture', group: 'Camera' } },
  { keys: [']'], does: 'nextCamera' },
  { keys: ['{'], does: 'firstCamera', label: { keys: '{ }', text: 'first, last camera', group: 'Camera' } },
  { keys: ['}'], does: 'lastCamera' },
  { keys: ['r', 'Home'], does: 'reset', label: { keys: 'R or Home', text: 'back to the start', group: 'Camera' } },
  { keys: ['1'], does: 'color', label: { keys: '1 2 3', text: 'colour, depth, anchors', group: 'View' } },
  { keys: ['2'], does: 'depth' },
  { keys: ['3'], does: 'acr' },
  { keys: ['b'], does: 'compare', label: { keys: 'B', text: 'before and after', group: 'View' } },
  { keys: ['g'], does: 'grid', label: { keys: 'G', text: 'faces side by side', group: 'View' } },
  { keys: ['h'], does: 'truth', label: { keys: 'H, hold V', text: 'recorded picture, flip', group: 'View' } },
  { keys: ['f'], does: 'frusta', label: { keys: 'F', text: 'cameras of the capture', group: 'View' } },
  { keys: ['t'], does: 'film', label: { keys: 'T', text: 'film: keyframes and a timeline', group: 'View' } },
  { keys: ['/'], does: 'prompt', label: { keys: '/', text: 'write a sentence', group: 'Edit' } },
  { keys: ['z'], ctrl: true, does: 'undo', label: { keys: 'Ctrl Z', text: 'undo', group: 'Edit' } },
  { keys: ['z'], ctrl: true, shift: true, does: 'redo', label: { keys: 'Ctrl Shift Z', text: 'redo', group: 'Edit' } },
  { keys: ['y'], ctrl: true, does: 'redo' },
  { keys: ['s'], ctrl: true, does: 'picture', label: { keys: 'Ctrl S', text: 'save the picture', group: 'Edit' } },
  { keys: ['o'], ctrl: true, does: 'open', label: { keys: 'Ctrl O', text: 'open a file', group: 'Edit' } },
  { keys: ['?'], does: 'help', label: { keys: '?', text: 'this sheet', group: 'View' } },
]

interface Press {
  readonly key: string
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly shiftKey: boolean
  readonly altKey: boolean
}

/** What a key press means; undefined for keys that are the browser's. Ctrl and the command key count alike. */
export function shortcutOf({ key, ctrlKey, metaKey, shiftKey, altKey }: Press): Shortcut | undefined {
  if (altKey) return undefined
  const pressed = key.length === 1 ? key.toLowerCase() : key
  const ctrl = ctrlKey || metaKey
  return SHORTCUTS.find(
    ({ keys, ctrl: wants = false, shift }) => keys.includes(pressed) && wants === ctrl && (!wants || (shift ?? false) === shiftKey),
  )
}

/** Whether a key press is somebody's typing, or works a control that has the focus. */
export function isTyping(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target.isContentEditable || target.matches('textarea, select, input:not([type=range], [type=checkbox], [type=radio], [type=button])'))
    return true
  if (target.matches('button, summary, a, [type=checkbox]') && (key === ' ' || key === 'Enter')) return true
  return target.matches('[type=range], [type=radio], [role=radio]') && (key.startsWith('Arrow') || key === ' ' || key === 'Home')
}
