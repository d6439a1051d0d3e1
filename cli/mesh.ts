import { extname, resolve } from 'node:path'
import { Command } from 'commander'
import { encodeGlb, encodePly, extractSurface, type Mesh, writeAtomic } from 'faceclipnerf'
import { checkFace, chosenFace, type FaceChoice, withFace } from './face.ts'
import { count, type DeviceChoice, finiteNumber, wholeNumber, withDevice } from './options.ts'
import { createReporter, type Reporter } from './progress.ts'
import { Interrupted, type Terminal } from './terminal.ts'
import { openChosen, readScene, requireFile } from './work.ts'

interface MeshVerbOptions extends DeviceChoice, FaceChoice {
  readonly output: string
  readonly grid?: number
  readonly density?: number
  readonly smoothing?: number
}

export function meshCommand(terminal: Terminal): Command {
  const command = new Command('mesh')
    .description('the surface of a face as a mesh with vertex colours: unedited, edited, or of a frame')
    .argument('<scene>', 'a .scene file')
    .requiredOption('-o, --output <file>', 'the mesh to write: .glb (glTF 2.0, upright) or .ply (binary)')
  withFace(command)
    .option('--grid <n>', 'cells along the longest side of the person (default: 160)', count)
    .option('--density <d>', 'density that counts as surface: less closes holes, more takes haze away (default: 4)', finiteNumber)
    .option('--smoothing <n>', 'times that the densities are averaged with their neighbours (default: 1)', wholeNumber)
  return withDevice(command).action((path: string, options: MeshVerbOptions) => meshVerb(path, options, terminal))
}

async function meshVerb(path: string, options: MeshVerbOptions, terminal: Terminal): Promise<void> {
  const { output } = options
  checkFace('mesh', options)
  await requireFile(output, ['.glb', '.ply'])
  const reporter = createReporter(terminal, options)
  using device = await openChosen(options, reporter)
  const scene = await readScene(device, path)
  const { codes, warp, prompt } = await chosenFace(scene, options)
  const mesh = await extracted(extractSurface(scene, codes, { ...surfaceOptions(options), warp, signal: terminal.signal }), reporter, terminal)
  const about = { scene: scene.description.name, prompt }
  const bytes = extname(output).toLowerCase() === '.ply' ? encodePly(mesh, about) : encodeGlb(mesh, about)
  await writeAtomic(output, bytes)
  const [vertices, triangles] = [mesh.positions.length / 3, mesh.indices.length / 3]
  reporter.result(
    'mesh',
    { path: resolve(output), vertices, triangles, bytes: bytes.length },
    `wrote ${output} (${vertices} vertices, ${triangles} triangles, ${(bytes.length / 1e6).toFixed(1)} MB)`,
  )
}

const surfaceOptions = ({ grid, density, smoothing }: MeshVerbOptions): object => ({
  ...(grid !== undefined && { resolution: grid }),
  ...(density !== undefined && { density }),
  ...(smoothing !== undefined && { smoothing }),
})

/** Runs the extraction to its end, with a line of progress per stage. */
async function extracted(steps: ReturnType<typeof extractSurface>, reporter: Reporter, { signal }: Terminal): Promise<Mesh> {
  let start = performance.now()
  let stage = ''
  try {
    let next = await steps.next()
    for (; !next.done; next = await steps.next()) {
      if (next.value.stage !== stage) start = performance.now()
      stage = next.value.stage
      const { step, steps: all } = next.value
      reporter.step(stage, { step, steps: all, eta: ((performance.now() - start) / 1000 / step) * (all - step) }, [])
    }
    return next.value
  } catch (error) {
    if (signal.aborted) throw new Interrupted('no mesh was written')
    throw error
  }
}
