/** The look of a shared page: a picture, one panel, calm in light and dark. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #f6f5f2; --ink: #22211f; --quiet: #6a6761; --line: #d9d6cf; --panel: #fffefb; --accent: #2f5d8a; --accent-ink: #fff; --stage: #e6e3dc; }
@media (prefers-color-scheme: dark) { :root:not([data-theme=light]) { --paper: #161719; --ink: #e9e7e2; --quiet: #a09d96; --line: #34363a; --panel: #1f2124; --accent: #8ab4dd; --accent-ink: #10161c; --stage: #0d0e0f; } }
:root[data-theme=dark] { color-scheme: dark; --paper: #161719; --ink: #e9e7e2; --quiet: #a09d96; --line: #34363a; --panel: #1f2124; --accent: #8ab4dd; --accent-ink: #10161c; --stage: #0d0e0f; }
:root[data-theme=light] { color-scheme: light; }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; min-height: 100dvh; display: grid; grid-template-rows: 1fr auto; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
.app { display: grid; grid-template-columns: minmax(0, 1fr) 19rem; min-height: 0; }
.stage { position: relative; display: grid; place-items: center; background: var(--stage); min-height: 0; min-width: 0; padding: 1rem; }
.frame { position: relative; width: min(100%, calc((100dvh - 7rem) * var(--aspect, 1))); max-width: 60rem; aspect-ratio: var(--aspect, 1); touch-action: none; cursor: grab; border-radius: 6px; overflow: hidden; background: color-mix(in srgb, var(--ink) 8%, transparent); }
.frame:active { cursor: grabbing; }
.frame:focus-visible, button:focus-visible, select:focus-visible, input:focus-visible, summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.frame canvas { position: absolute; inset: 0; width: 100%; height: 100%; display: block; }
.frame .before { clip-path: inset(0 calc(100% - var(--split, 50%)) 0 0); }
.frame .line { position: absolute; inset: 0 auto 0 var(--split, 50%); width: 2px; margin-left: -1px; background: #fff; box-shadow: 0 0 3px #0008; }
.frame .names { position: absolute; inset: auto 0 .5rem 0; display: flex; justify-content: space-between; align-items: end; padding: 0 .6rem; pointer-events: none; }
.frame .names span { background: #000a; color: #fff; border-radius: 3px; padding: 0 .45rem; font-size: .8rem; max-width: 45%; }
.wait { position: absolute; inset: 0; display: grid; place-items: center; color: var(--quiet); text-align: center; padding: 1rem; }
.panel { background: var(--panel); border-left: 1px solid var(--line); padding: 1.1rem 1.2rem; display: flex; flex-direction: column; gap: 1.1rem; overflow: auto; }
h1 { font-size: 1.1rem; margin: 0; overflow-wrap: anywhere; }
label, .label { display: block; font-size: .85rem; color: var(--quiet); margin-bottom: .3rem; }
select, button, input[type=range] { font: inherit; width: 100%; }
select, button { color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 5px; padding: .4rem .6rem; min-height: 2.4rem; }
button { cursor: pointer; }
button[aria-pressed=true] { background: var(--accent); color: var(--accent-ink); border-color: var(--accent); }
button:disabled, input:disabled { opacity: .5; cursor: default; }
input[type=range] { accent-color: var(--accent); height: 1.6rem; margin: 0; }
.row { display: flex; justify-content: space-between; align-items: baseline; gap: .5rem; }
.row output { font-variant-numeric: tabular-nums; }
.comparison { min-height: 4.4rem; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .6rem; }
.status { font-size: .8rem; color: var(--quiet); margin: auto 0 0; min-height: 3.6em; overflow-wrap: anywhere; }
details { font-size: .85rem; } summary { cursor: pointer; color: var(--quiet); }
kbd { border: 1px solid var(--line); border-radius: 3px; padding: 0 .3em; font: inherit; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .2rem .8rem; margin: .5rem 0 0; } dd { margin: 0; }
.note { position: sticky; bottom: 0; margin: 0; padding: .5rem 1.2rem; border-top: 1px solid var(--line); background: var(--panel); font-size: .85rem; }
.error { color: #b3261e; background: #fff; padding: .6rem .8rem; border-radius: 5px; max-width: 34rem; }
@media (max-width: 46rem) {
  .app { grid-template-columns: minmax(0, 1fr); grid-template-rows: auto 1fr; }
  .frame { width: min(100%, calc(62dvh * var(--aspect, 1))); }
  .stage { padding: .5rem; }
  .panel { border-left: 0; border-top: 1px solid var(--line); }
}
@media (prefers-reduced-motion: no-preference) { button, select { transition: background-color .15s; } }
`
