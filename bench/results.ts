/** bench/results.md: a section per device, in it a part per benchmark. A run replaces the parts it measured, on its own device. */

const TITLE = `# Measured

Written by \`npm run bench\`; do not edit. Milliseconds are medians, the fastest in brackets.
`

type Sections = Map<string, Map<string, string>>

/** [heading, body] pairs of the text's headings that begin with `mark`. */
function split(text: string, mark: '## ' | '### '): [string, string][] {
  const pieces = `\n${text}`.split(`\n${mark}`).slice(1)
  return pieces.map(piece => {
    const end = piece.indexOf('\n')
    return end < 0 ? [piece.trim(), ''] : [piece.slice(0, end).trim(), piece.slice(end).trim()]
  })
}

/** The file with `parts` (benchmark -> Markdown without headings) in the device's section; everything else stays. */
export function merge(file: string, device: string, parts: ReadonlyMap<string, string>): string {
  const sections: Sections = new Map(split(file, '## ').map(([name, body]) => [name, new Map(split(body, '### '))]))
  const own = sections.get(device) ?? new Map<string, string>()
  for (const [bench, text] of parts) own.set(bench, text)
  sections.set(device, own)
  const texts = [...sections].map(
    ([name, benches]) => `## ${name}\n\n${[...benches].map(([bench, text]) => `### ${bench}\n\n${text.trim()}\n`).join('\n')}`,
  )
  return `${[TITLE, ...texts].join('\n')}`
}
