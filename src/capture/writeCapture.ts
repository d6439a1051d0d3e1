/** A `.capture` folder on disk, whole or not at all (Node only). */
import { type FolderStep, occupied, writeFolder } from '../io/writeFolder.ts'
import { type CaptureFileOptions, captureFiles } from './captureFiles.ts'
import type { ImportedCapture } from './importedCapture.ts'

/** How a capture is written, and whether over an old one. */
export interface WriteCaptureOptions extends CaptureFileOptions {
  /** Replace a capture that is there already. Only a capture is ever replaced, never another folder. */
  readonly overwrite?: boolean
}

/** The file that a capture is known by; it is written last. */
const MARK = 'dataset.json'

/**
 * Writes an import as a `.capture` folder, streaming one frame at a time; `step` counts frames. Nothing is left of it after an error, an abort or a `return`.
 * Throws CaptureError for what the import holds, Error where a file or the disk refuses, each naming value and remedy.
 */
export function writeCapture(
  imported: ImportedCapture,
  outFolder: string,
  { overwrite, ...options }: WriteCaptureOptions = {},
): AsyncGenerator<FolderStep> {
  return writeFolder(outFolder, captureFiles(imported, options), { mark: MARK, overwrite, signal: options.signal })
}

/** Throws what `writeCapture` would throw where the output stands in its way: for work that takes long before there is something to write. */
export async function checkOutput(outFolder: string, overwrite = false): Promise<void> {
  const { resolve } = await import('node:path')
  await occupied(resolve(outFolder), MARK, overwrite)
}
