/** Encoders in the Hugging Face cache: fetch, list, check, bring in by hand. */
import { Command } from 'commander'
import { type CachedModel, cacheFolder, importModel, listModels, modelFit, modelName, pullModel, verifySnapshot } from 'faceclipnerf'
import { createReporter, type Reporter } from './progress.ts'
import { Interrupted, type Terminal } from './terminal.ts'

interface Options {
  readonly json?: boolean
}

export function modelsCommand(terminal: Terminal): Command {
  const command = new Command('models').description('text-image encoders for photographs: pull, list, verify, import').helpCommand(false)
  const verb = (name: string, description: string): Command =>
    command.command(name).description(description).option('--json', 'print one JSON object per line instead of text')
  verb('pull', 'download a CLIP or SigLIP from the Hugging Face hub, going on where it stopped, and check it')
    .argument('<name>', 'openai/clip-vit-base-patch32, ViT-B-16, ViT-B-32:laion2b_s34b_b79k, ViT-B-16-SigLIP, google/siglip2-base-patch16-224, …')
    .option('--revision <name>', 'branch, tag or commit; a commit pins the very bytes (default: main)')
    .action((name: string, options: Options & { revision?: string }) => pull(name, options, terminal))
  verb('list', 'what the cache holds, and whether it can be used here').action((options: Options) => list(options, terminal))
  verb('verify', 'compare every file with its hash')
    .argument('[name]', 'one model (default: all)')
    .action((name: string | undefined, options: Options) => verify(name, options, terminal))
  verb('import', 'put the folder of a model into the cache, for machines without internet')
    .argument('<folder>', 'a CLIP or SigLIP in Hugging Face layout')
    .requiredOption('--name <org/name>', 'the name under which --encoder finds it')
    .action((path: string, options: Options & { name: string }) => bring(path, options, terminal))
  return command
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

async function pull(name: string, { revision, json }: Options & { revision?: string }, terminal: Terminal): Promise<void> {
  const reporter = createReporter(terminal, { json })
  const start = performance.now()
  const work = pullModel(name, { revision, signal: terminal.signal })
  try {
    let first: number | undefined
    for (;;) {
      const { done, value } = await work.next()
      if (done) {
        const { repository, commit, path, bytes } = value
        return reporter.result(
          'model',
          { ...value },
          `${repository} at ${commit.slice(0, 12)} (${megabytes(bytes)}) in ${path}; use it with --encoder ${repository}`,
        )
      }
      const { file, stage, received, total } = value
      first ??= received
      const rate = (received - first) / ((performance.now() - start) / 1000)
      reporter.step(
        `${stage} ${file}`,
        { step: Math.floor((100 * received) / total), steps: 100, eta: rate > 0 ? (total - received) / rate : Number.POSITIVE_INFINITY },
        [`${megabytes(received)} of ${megabytes(total)}`],
      )
    }
  } catch (error) {
    if (terminal.signal.aborted) throw new Interrupted(`what came is kept; go on with: faceclipnerf models pull ${name}`)
    throw error
  }
}

async function list({ json }: Options, terminal: Terminal): Promise<void> {
  const reporter = createReporter(terminal, { json })
  const cache = await cacheFolder(process.env)
  const models = await listModels(cache)
  if (models.length === 0) reporter.note(`no models in ${cache}; download one with: faceclipnerf models pull openai/clip-vit-base-patch32`)
  for (const model of models) {
    const reason = await modelFit(model.path)
    const { repository, commit, revisions, bytes } = model
    const text = `${repository}  ${revisions.join(', ') || '-'}  ${commit.slice(0, 12)}  ${megabytes(bytes)}  ${reason === undefined ? 'can be used' : `cannot be used: ${reason}`}`
    reporter.result('model', { ...model, usable: reason === undefined, ...(reason !== undefined && { reason }) }, text)
  }
}

async function verify(name: string | undefined, { json }: Options, terminal: Terminal): Promise<void> {
  const reporter = createReporter(terminal, { json })
  const cache = await cacheFolder(process.env)
  const wanted = name === undefined ? undefined : modelName(name).repository
  const models = (await listModels(cache)).filter(model => wanted === undefined || model.repository === wanted)
  if (wanted !== undefined && models.length === 0)
    throw new Error(`${wanted}: not in the cache ${cache}; download it with: faceclipnerf models pull ${wanted}`)
  if (models.length === 0) reporter.note(`no models in ${cache}; download one with: faceclipnerf models pull openai/clip-vit-base-patch32`)
  const bad: string[] = []
  for (const model of models) bad.push(...(await verifyModel(model, reporter, terminal)))
  if (bad.length > 0)
    throw new Error(`${bad.length} files are damaged or missing (${bad.slice(0, 3).join(', ')}); repair with: faceclipnerf models pull`)
}

async function verifyModel({ repository, commit, path }: CachedModel, reporter: Reporter, terminal: Terminal): Promise<string[]> {
  const bad: string[] = []
  for await (const { file, state } of verifySnapshot(path)) {
    if (terminal.signal.aborted) throw new Interrupted('nothing was changed')
    if (state === 'damaged' || state === 'missing') bad.push(`${repository}/${file}`)
    reporter.result('file', { repository, commit, file, state }, `${repository}  ${file}  ${state}`)
  }
  return bad
}

async function bring(path: string, { name, json }: Options & { name: string }, terminal: Terminal): Promise<void> {
  const reporter = createReporter(terminal, { json })
  const model = await importModel(path, name)
  reporter.result(
    'model',
    { ...model },
    `${model.repository} (${megabytes(model.bytes)}) in ${model.path}; use it with --encoder ${model.repository}`,
  )
}
