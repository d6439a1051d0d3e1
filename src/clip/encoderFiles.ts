/** Where an encoder's files come from, and reading them with errors a person can act on. */
import { baseUrl, type FileSource, openSource } from '../io/files.ts'
import { cacheFolder, findSnapshot } from './modelCache.ts'
import { isModelName, modelName } from './modelNames.ts'

/** The path of the embedded encoder inside the package. */
const EMBEDDED = 'assets/encoder'

/** A source itself, a folder or web address, a model's name in the Hugging Face cache, or the encoder that comes with the package. Throws when there is none. */
export async function encoderSource(source: FileSource | string | undefined): Promise<FileSource> {
  if (source === undefined) return embeddedEncoder()
  if (typeof source !== 'string') return source
  return (await cachedEncoder(source)) ?? openSource(source)
}

/** A model's name, where there is no folder of that name: its snapshot in the Hugging Face cache (Node only). Throws for what is neither. */
async function cachedEncoder(name: string): Promise<FileSource | undefined> {
  if (typeof location !== 'undefined' || /^https?:\/\//.test(name)) return undefined
  const { stat } = await import('node:fs/promises')
  if (await stat(name).catch(() => undefined)) return undefined
  if (!isModelName(name)) throw new Error(`${name}: no such folder; give the folder of an encoder, or a name such as openai/clip-vit-base-patch32`)
  const cache = await cacheFolder(process.env)
  const model = modelName(name)
  const snapshot = await findSnapshot(cache, model)
  if (!snapshot) {
    throw new Error(`${name}: neither a folder nor a model in the cache ${cache}; download it with: faceclipnerf models pull ${name}`)
  }
  return { ...(await openSource(snapshot)), name: model.repository }
}

/** `assets/encoder` lies at the package root: two folders above src/clip, one above a bundle in dist. */
async function embeddedEncoder(): Promise<FileSource> {
  // a variable, because bundlers rewrite the literal pair of URL and import.meta.url into a search for assets
  const here = import.meta.url
  const places = [new URL(`../${EMBEDDED}`, here), new URL(`../../${EMBEDDED}`, here)]
  for (const place of places) {
    const source = place.protocol === 'file:' ? await localFolder(place) : baseUrl(place.href)
    if (source && (await source.exists('config.json'))) return { ...source, name: 'embedded face encoder' }
  }
  throw new Error(
    `loadEncoder: no embedded encoder at ${places.map(place => place.href).join(' or ')}; install the package again, or pass the folder or address of an encoder`,
  )
}

async function localFolder(place: URL): Promise<FileSource | undefined> {
  const { fileURLToPath } = await import('node:url')
  return openSource(fileURLToPath(place)).catch(() => undefined)
}

/** A file's bytes. Throws "NAME: an encoder folder without a FILE" with what to do. */
export async function encoderFile(source: FileSource, path: string, remedy: string): Promise<Uint8Array> {
  if (!(await source.exists(path))) throw new Error(`${source.describe(path)}: an encoder folder without a ${path}; ${remedy}`)
  return source.read(path)
}

/** As `encoderFile`, as text. */
export async function encoderText(source: FileSource, path: string, remedy: string): Promise<string> {
  return new TextDecoder().decode(await encoderFile(source, path, remedy))
}
