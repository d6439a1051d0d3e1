import { existsSync } from 'node:fs'
import { cp, stat } from 'node:fs/promises'
import { extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError } from 'commander'
import { anchorsPath } from './anchorsFile.ts'
import { wholeNumber } from './options.ts'
import { type StudioFolders, serveStudio } from './studioServer.ts'
import type { Terminal } from './terminal.ts'

interface StudioVerbOptions {
  readonly port?: number
  readonly static?: string
  readonly json?: boolean
}

const PORT = 8760
const OPENS = ['.scene', '.edit', '.zip']

export function studioCommand(terminal: Terminal): Command {
  return new Command('studio')
    .description('look at a scene and edit it in the browser: serves the studio to this machine alone, until Ctrl-C')
    .argument('[files...]', 'a .scene, its .edit files, or a .zip of them, to open at once')
    .option('--port <n>', `port to serve on (default: ${PORT}, or the next that is free)`, portNumber)
    .option('--static <folder>', 'serve nothing; write the studio as files for a web server of your own')
    .option('--json', 'print one JSON object instead of text')
    .action((files: string[], options: StudioVerbOptions) => studioVerb(files, options, terminal))
}

/** 0 lets the system choose. */
function portNumber(text: string): number {
  const port = wholeNumber(text)
  if (port > 65535) throw new InvalidArgumentError('Give a port from 0 to 65535.')
  return port
}

async function studioVerb(given: readonly string[], { port, static: target, json }: StudioVerbOptions, terminal: Terminal): Promise<void> {
  if (target !== undefined) {
    if (given.length > 0) throw new Error(`studio: ${given[0]} with --static; the written studio opens what is dropped on it, leave the file out`)
    await writeStatic(studioFolders(), target)
    terminal.out(json ? `${JSON.stringify({ path: resolve(target) })}\n` : `wrote ${target}\n`)
    return
  }
  const files = await withAnchorFiles(given)
  const server = await serveStudio(studioFolders(), files, port === undefined ? { port: PORT } : { port, tries: 0 })
  terminal.out(json ? `${JSON.stringify({ url: server.url })}\n` : `${server.url}\n`)
  if (!json) terminal.err('open this address in a browser on this machine; Ctrl-C ends the studio\n')
  await new Promise<void>(end => {
    if (terminal.signal.aborted) end()
    else terminal.signal.addEventListener('abort', () => end(), { once: true })
  })
  await server.close()
}

/** Where the built studio and the package's assets lie: this file is in cli/ or bundled in dist/. Throws when the studio was not built. */
function studioFolders(): StudioFolders {
  const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
  const page = [at('studio'), at('../dist/studio')].find(folder => existsSync(join(folder, 'index.html')))
  if (!page) throw new Error(`studio: no built studio at ${at('../dist/studio')}; run npm run build, or install the package again`)
  return { page, assets: at('../assets'), viewer: join(page, '../viewer.js') }
}

/** The files with the anchors found beside a scene. Throws for one that is missing or of another kind. */
async function withAnchorFiles(given: readonly string[]): Promise<string[]> {
  const files: string[] = []
  for (const file of given) {
    const found = await stat(file).catch(() => undefined)
    if (!found) throw new Error(`${file}: no such file; make a scene with faceclipnerf train`)
    if (found.isDirectory())
      throw new Error(`${file}: a folder, perhaps a capture; make a scene of it first: faceclipnerf train ${file} -o face.scene`)
    if (!OPENS.includes(extname(file).toLowerCase()))
      throw new Error(`${file}: the studio opens ${OPENS.join(', ')}; make a scene with faceclipnerf train`)
    files.push(file)
    const anchors = anchorsPath(file)
    if (extname(file).toLowerCase() === '.scene' && existsSync(anchors)) files.push(anchors)
  }
  return files.map(file => resolve(file))
}

async function writeStatic({ page, assets, viewer }: StudioFolders, target: string): Promise<void> {
  await cp(page, target, { recursive: true })
  for (const name of ['encoder', 'demo']) await cp(join(assets, name), join(target, 'assets', name), { recursive: true })
  await cp(viewer, join(target, 'assets/viewer.js'))
}
