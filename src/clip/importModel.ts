/** Putting a folder with an encoder into the Hugging Face cache, for machines without internet (Node only). */
import { folder as openFolder, writeAtomic } from '../io/files.ts'
import type { Environment } from '../io/httpClient.ts'
import { openWeightFiles } from '../io/weightFiles.ts'
import { parseClipConfig } from './clipConfig.ts'
import { encoderText } from './encoderFiles.ts'
import { cacheFolder, linkBlob, makeBlobFolder, modelFolder } from './modelCache.ts'
import { modelName } from './modelNames.ts'
import type { PulledModel } from './pullModel.ts'
import { tokenizerText } from './tokenizerFiles.ts'

const FILES =
  /^(config|preprocessor_config|processor_config|tokenizer|tokenizer_config|special_tokens_map|vocab|model\.safetensors\.index)\.json$|^merges\.txt$|^spiece\.model$|^model(-\d+-of-\d+)?\.safetensors$|^pytorch_model\.bin$|^expression_head\.safetensors$/

/**
 * Copies the encoder in a folder into the cache under a name, checked as far as can be without a device: configuration, tokeniser, and the directory of its
 * weights. Throws, naming the file, when it is none.
 */
export async function importModel(
  path: string,
  name: string,
  { environment = process.env }: { environment?: Environment } = {},
): Promise<PulledModel> {
  const { createHash } = await import('node:crypto')
  const { createReadStream } = await import('node:fs')
  const { copyFile, rename, stat } = await import('node:fs/promises')
  const { join } = await import('node:path')
  const { repository, revision } = modelName(name)
  const source = await openFolder(path)
  parseClipConfig(
    await encoderText(source, 'config.json', 'pass the folder of a CLIP or SigLIP in Hugging Face layout'),
    source.describe('config.json'),
  )
  await tokenizerText(source)
  await openWeightFiles(source)
  const folder = join(await cacheFolder(environment), modelFolder(repository))
  await makeBlobFolder(folder)
  const files = (await source.list('')).filter(file => FILES.test(file))
  const hashes = new Map<string, string>()
  let bytes = 0
  for (const file of files) {
    const hash = createHash('sha256')
    for await (const chunk of createReadStream(join(path, file), { highWaterMark: 2 ** 20 })) hash.update(chunk)
    const digest = hash.digest('hex')
    const temporary = join(folder, 'blobs', `${digest}.${crypto.randomUUID()}.tmp`)
    await copyFile(join(path, file), temporary)
    await rename(temporary, join(folder, 'blobs', digest))
    hashes.set(file, digest)
    bytes += (await stat(join(path, file))).size
  }
  // no commit is known: the files' hashes make one up, so the same files are the same snapshot
  const commit = createHash('sha1')
    .update(JSON.stringify([...hashes]))
    .digest('hex')
  for (const [file, hash] of hashes) await linkBlob(folder, commit, file, hash)
  await writeAtomic(join(folder, 'refs', ...revision.split('/')), new TextEncoder().encode(commit))
  return { repository, commit, path: join(folder, 'snapshots', commit), bytes }
}
