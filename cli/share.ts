import { basename, resolve } from 'node:path'
import { Command } from 'commander'
import { AnchorCompositor, loadEdit, type PageFile, saveScene, viewerPage, viewerScript, writeAtomic } from 'faceclipnerf'
import { readAnchors } from './anchorsFile.ts'
import { type DeviceChoice, withDevice } from './options.ts'
import { createReporter } from './progress.ts'
import { Interrupted, type Terminal } from './terminal.ts'
import { openChosen, readBytes, readScene, requireFile } from './work.ts'

interface ShareOptions extends DeviceChoice {
  readonly output: string
  readonly edit?: readonly string[]
  readonly title?: string
}

export function shareCommand(terminal: Terminal): Command {
  const command = new Command('share')
    .description('one .html with a scene, its edits and a viewer: opens in any browser from a disk, without a network')
    .argument('<scene>', 'a .scene file')
    .requiredOption('-o, --output <file>', 'the .html to write')
    .option('--edit <file>', 'an .edit for the menu; may be repeated', (file: string, files: string[] = []) => [...files, file])
    .option('--title <text>', "the page's title (default: the scene's name)")
  return withDevice(command).action((path: string, options: ShareOptions) => shareVerb(path, options, terminal))
}

async function shareVerb(path: string, options: ShareOptions, terminal: Terminal): Promise<void> {
  const { output, edit = [], title } = options
  await requireFile(output, ['.html', '.htm'])
  const viewer = await viewerScript()
  const reporter = createReporter(terminal, options)
  using device = await openChosen(options, reporter)
  const scene = await readScene(device, path)
  let anchors = (await readAnchors(path, scene))?.frames
  const files: PageFile[] = []
  const prompts: string[] = []
  for (const name of edit) {
    const bytes = await readBytes(name, 'make an edit with faceclipnerf edit')
    // here, and not in front of whoever opens the page, is an edit of another scene found out
    const { field, description } = await loadEdit(scene, bytes, name)
    if (field instanceof AnchorCompositor) anchors ??= field.anchors.frames
    files.push({ kind: 'edit', name: basename(name), bytes })
    prompts.push(description.prompt)
  }
  files.unshift({ kind: 'scene', name: basename(path), bytes: await saveScene(scene, { precision: 'half' }) })
  if (terminal.signal.aborted) throw new Interrupted('no page was written')
  const frames = (anchors ?? []).slice(1).map((frame, k) => ({ label: `recorded expression ${k + 1} (frame ${frame})`, frame }))
  const about = { scene: scene.description.name, ...(prompts.length > 0 && { prompt: prompts.join('; ') }) }
  const html = new TextEncoder().encode(await viewerPage({ viewer, files, frames, title, about }))
  await writeAtomic(output, html)
  const expressions = files.length + frames.length // the scene stands for neutral
  reporter.result(
    'share',
    { path: resolve(output), bytes: html.length, expressions },
    `wrote ${output} (${(html.length / 1e6).toFixed(1)} MB, ${expressions} expressions)`,
  )
}
