/** A benchmark's folder: settings.json, scenes/, rows/SCENE/METHOD/SENTENCE-seed.json with pictures. A row is finished when its .json is there, which is written last. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type BenchmarkRow, decodeImage, encodePng, type RowKey, type RowStore, toImage, writeAtomic } from 'faceclipnerf'
import { readBytes, readJson, writeJson } from './work.ts'

/** What all rows of a folder share. */
export type BenchmarkSettings = Readonly<Record<string, string | number | undefined>>

const BROKEN = 'delete it, and run the benchmark again'

/** Rows as files. */
export function rowFiles(output: string): RowStore {
  const base = ({ scene, method, prompt, seed }: RowKey): string => join(output, 'rows', fileName(scene), method, `${fileName(prompt)}-${seed}`)
  return {
    async read(key) {
      const path = `${base(key)}.json`
      if (!existsSync(path)) return undefined
      const row = (await readJson(path, BROKEN)) as BenchmarkRow
      if (row.prompt !== key.prompt || row.measures === undefined) throw new Error(`${path}: not the row "${key.prompt}"; ${BROKEN}`)
      return row
    },
    async write(row, pictures) {
      for (const [v, picture] of pictures.entries()) await writeAtomic(`${base(row)}.${v}.png`, await encodePng(toImage(picture)))
      await writeJson(`${base(row)}.json`, row)
    },
    async pictures(key) {
      const found = []
      for (let v = 0; existsSync(`${base(key)}.${v}.png`); v++) {
        const path = `${base(key)}.${v}.png`
        const { width, height, data, channels } = await decodeImage(await readBytes(path, BROKEN), path)
        const rgb = Float32Array.from({ length: width * height * 3 }, (_, i) => data[Math.floor(i / 3) * channels + (i % 3)] / 255)
        found.push({ width, height, rgb })
      }
      return found
    },
  }
}

/** Notes the settings in a new folder. Throws, naming the first that differs, in one that was begun with others. */
export async function keepSettings(output: string, settings: BenchmarkSettings): Promise<void> {
  const path = join(output, 'settings.json')
  if (!existsSync(path)) return await writeJson(path, settings)
  const known = (await readJson(path, BROKEN)) as BenchmarkSettings
  for (const [name, value] of Object.entries(settings)) {
    const before = known[name]
    if (before !== value)
      throw new Error(
        `${output}: begun with ${name} ${before ?? 'unset'}, not ${value ?? 'unset'}; go on with the same, or choose another folder with -o`,
      )
  }
}

/** 'a “wide-eyed” smile' -> 'a-wide-eyed-smile', and a number where that would not tell sentences apart. */
export function fileName(words: string): string {
  const plain = words
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 60)
  if (plain === words) return plain
  let hash = 0
  for (const letter of words) hash = (Math.imul(hash, 31) + (letter.codePointAt(0) ?? 0)) >>> 0
  return `${plain}-${hash.toString(36)}`
}
