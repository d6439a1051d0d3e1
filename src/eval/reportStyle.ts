/** How reports on edits look: one column, light or dark as the reader's system is, tables that scroll sideways on their own. */
export const REPORT_STYLE = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1d2127;--quiet:#5c6570;--line:#dfe3e8;--shade:#f4f6f8;--accent:#1668a8;--good:#2c7a3f;--bad:#b23a2e}
@media (prefers-color-scheme:dark){:root{--paper:#14171b;--ink:#e6e9ed;--quiet:#98a2ad;--line:#2c333b;--shade:#1d2228;--accent:#6bb3ec;--good:#7cc98d;--bad:#ef8b7f}}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,sans-serif;max-width:1080px;margin:2rem auto 4rem;padding:0 1.2rem;color:var(--ink);background:var(--paper)}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .3rem}h2{font-size:1.2rem;margin:2.6rem 0 .7rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}
h3{font-size:.95rem;margin:1.5rem 0 .4rem}p{margin:.4rem 0;max-width:75ch}a{color:var(--accent)}.quiet,figcaption,caption{color:var(--quiet);font-size:13px}
.wide{overflow-x:auto;margin:.5rem 0}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:14px}
th,td{padding:.32rem .7rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
thead th{color:var(--quiet);font-weight:500;font-size:12.5px;vertical-align:bottom;line-height:1.25;white-space:normal}
thead th[title]{cursor:help;text-decoration:underline dotted var(--line);text-underline-offset:3px}
th[scope=row],thead th:first-child{text-align:left;font-weight:500;padding-left:0;white-space:normal;min-width:10rem}tbody tr:hover{background:var(--shade)}
tr.control{color:var(--quiet)}.up{color:var(--good)}.down{color:var(--bad)}.none{color:var(--quiet)}
.grid{display:grid;gap:6px;grid-template-columns:repeat(var(--columns),minmax(0,200px))}figure{margin:0}img{width:100%;display:block;border-radius:3px}
.grid>.head{font-size:13px;color:var(--quiet);align-self:end}figcaption{margin-top:2px}
.note{border-left:4px solid #d08a1d;background:var(--shade);padding:.4rem .8rem;margin:.5rem 0;max-width:80ch}
.missing{padding-left:1.1rem}.missing li{margin:.2rem 0}.bars{display:grid;grid-template-columns:7rem 12rem 4rem;gap:2px 10px;font-size:13px;align-items:center}
.bars i{display:block;height:9px;border-radius:2px;background:var(--accent)}.bars b{font-weight:400;text-align:right;font-variant-numeric:tabular-nums}
svg{display:block;max-width:100%;height:auto}svg text{fill:var(--quiet);font-size:11px}details{margin:.6rem 0}summary{cursor:pointer;color:var(--quiet)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;font-size:14px}dt{font-weight:500}dd{margin:0;color:var(--quiet);max-width:75ch}
.two{display:flex;flex-wrap:wrap;gap:0 2.5rem;align-items:flex-start}.ramp{display:inline-block;width:7rem;height:9px;border-radius:2px;vertical-align:middle;margin:0 .4rem}
@media (max-width:640px){th[scope=row]{min-width:7rem}dl{grid-template-columns:1fr}dd{margin-bottom:.5rem}}
`

/** The page as text. */
export function reportPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${title}</title><style>${REPORT_STYLE}</style></head><body>
${body}
</body></html>
`
}
