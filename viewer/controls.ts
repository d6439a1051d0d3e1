/** The elements of the page, and what they show: no drawing and no state but the comparison's split. */
import type { Drawn, Ready } from './messages.ts'
import type { View } from './view.ts'

export interface Actions {
  readonly ready: Ready
  /** Width over height of the pictures. */
  readonly aspect: number
  change(part: Partial<View>): void
  compare(on: boolean): void
  reset(): void
  save(): Promise<void>
}

/** Strengths of the slider. */
const MOST_STRENGTH = 1.5
/** Pictures finer than the screen are wasted. */
const MOST_RATIO = 2

const HTML = `
<main class="app">
  <div class="stage">
    <div class="frame" tabindex="0" role="img" aria-label="the face; arrow keys turn it, plus and minus zoom" aria-describedby="keys">
      <canvas class="after"></canvas><canvas class="before" hidden></canvas><div class="line" hidden></div>
      <div class="names" hidden><span>neutral</span><span class="name"></span></div>
      <div class="wait"><span>unpacking the face …</span></div>
    </div>
  </div>
  <section class="panel" aria-label="controls">
    <h1></h1>
    <div><label for="expression">Expression</label><select id="expression" disabled></select></div>
    <div><div class="row"><label for="strength">Strength</label><output for="strength">1.00</output></div>
      <input id="strength" type="range" min="0" max="${MOST_STRENGTH}" step="0.05" value="1" disabled></div>
    <div class="comparison"><button id="compare" type="button" aria-pressed="false" disabled>Before / after</button>
      <input id="split" type="range" min="0" max="100" value="50" aria-label="where before ends and after begins" hidden></div>
    <div class="pair"><button id="reset" type="button" disabled>Reset view</button><button id="save" type="button" disabled>Save picture</button></div>
    <div><label for="theme">Colours</label><select id="theme"><option value="">as the system</option><option value="light">light</option><option value="dark">dark</option></select></div>
    <details><summary>Keys and gestures</summary><dl id="keys">
      <dt>drag, <kbd>←</kbd> <kbd>→</kbd> <kbd>↑</kbd> <kbd>↓</kbd></dt><dd>turn</dd>
      <dt>wheel, pinch, <kbd>+</kbd> <kbd>-</kbd></dt><dd>nearer, farther</dd>
      <dt><kbd>0</kbd></dt><dd>back to the front</dd>
      <dt><kbd>b</kbd></dt><dd>before / after</dd></dl></details>
    <p class="status" role="status" aria-live="polite">opening</p>
  </section>
</main>`

export function createControls(document: Document, title: string) {
  const host = document.createElement('div')
  host.innerHTML = HTML
  document.body.prepend(...host.children)
  const find = <T extends Element>(selector: string, kind: new () => T): T => {
    const element = document.querySelector(selector)
    if (!(element instanceof kind)) throw new Error(`viewer: the page has no ${selector}`)
    return element
  }
  const frame = find('.frame', HTMLDivElement)
  const after = find('.after', HTMLCanvasElement)
  const before = find('.before', HTMLCanvasElement)
  const select = find('#expression', HTMLSelectElement)
  const slider = find('#strength', HTMLInputElement)
  const compare = find('#compare', HTMLButtonElement)
  const split = find('#split', HTMLInputElement)
  const status = find('.status', HTMLParagraphElement)
  const [reset, save] = [find('#reset', HTMLButtonElement), find('#save', HTMLButtonElement)]
  find('h1', HTMLHeadingElement).textContent = title
  const wait = find('.wait', HTMLDivElement)
  let device = ''
  let comparing = false

  const theme = find('#theme', HTMLSelectElement)
  theme.addEventListener('change', () => {
    document.documentElement.dataset.theme = theme.value
  })
  split.addEventListener('input', () => frame.style.setProperty('--split', `${split.value}%`))

  const showComparison = (on: boolean): void => {
    comparing = on
    compare.setAttribute('aria-pressed', String(on))
    for (const part of [before, split, ...frame.querySelectorAll<HTMLElement>('.line, .names')]) part.hidden = !on
  }

  return {
    frame,
    /** px of the screen under the picture. */
    pixelWidth: (): number => Math.round(frame.clientWidth * Math.min(MOST_RATIO, devicePixelRatio)),
    open({ ready, aspect, change, compare: setComparing, reset: back, save: store }: Actions): void {
      document.documentElement.style.setProperty('--aspect', String(aspect))
      device = ready.device
      select.replaceChildren(...ready.expressions.map(({ label }, i) => new Option(label, String(i))))
      select.addEventListener('change', () =>
        change({ expression: Number(select.value), strength: ready.expressions[Number(select.value)].strength }),
      )
      slider.addEventListener('input', () => change({ strength: Number(slider.value) }))
      const toggle = (): void => {
        if (compare.disabled) return
        showComparison(!comparing)
        setComparing(comparing)
      }
      compare.addEventListener('click', toggle)
      document.addEventListener('keydown', event => {
        if (event.key === 'b' && !event.ctrlKey && !event.metaKey && !(event.target instanceof HTMLSelectElement)) toggle()
      })
      reset.addEventListener('click', back)
      save.addEventListener('click', () => void store())
      for (const control of [select, reset, save]) control.disabled = false
    },
    show({ expression, strength }: View): void {
      select.value = String(expression)
      slider.value = String(strength)
      find('output', HTMLOutputElement).textContent = strength.toFixed(2)
      find('.names .name', HTMLSpanElement).textContent = select.selectedOptions[0]?.textContent ?? ''
      slider.disabled = compare.disabled = expression === 0
      if (expression === 0 && comparing) showComparison(false)
    },
    paint({ width, height, pixels, before: isBefore }: Drawn): void {
      wait.hidden = true
      wait.style.display = 'none'
      const canvas = isBefore ? before : after
      canvas.width = width
      canvas.height = height
      canvas.getContext('2d')?.putImageData(new ImageData(pixels, width, height), 0, 0)
      frame.dataset.width = String(width)
      delete frame.dataset.settled
    },
    settled(width: number): void {
      if (width === 0) return
      frame.dataset.settled = 'true'
      status.textContent = `${width} px, ${device.replace(/ \(openDevice: (.*); running on the CPU\)/, ' ($1)')}`
    },
    fail(message: string): void {
      wait.style.display = ''
      wait.innerHTML = '<p class="error" role="alert"></p>'
      find('.error', HTMLParagraphElement).textContent = message
      status.textContent = 'stopped'
    },
    download(bytes: Uint8Array, name: string): void {
      const link = document.createElement('a')
      link.href = URL.createObjectURL(new Blob([Uint8Array.from(bytes)], { type: 'image/png' }))
      link.download = name
      link.click()
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
    },
  }
}
