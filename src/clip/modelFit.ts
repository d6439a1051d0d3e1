/** Whether a folder holds an encoder that can be used here, without loading it. */
import { openSource } from '../io/files.ts'
import { openWeightFiles } from '../io/weightFiles.ts'
import { parseClipConfig } from './clipConfig.ts'
import { encoderText } from './encoderFiles.ts'
import { tokenizerText } from './tokenizerFiles.ts'

/** Undefined when it can be used, else why not. Reads configuration, tokeniser and the directory of the weights. */
export async function modelFit(path: string): Promise<string | undefined> {
  try {
    const source = await openSource(path)
    parseClipConfig(await encoderText(source, 'config.json', 'download every file of the model'), source.describe('config.json'))
    await tokenizerText(source)
    await openWeightFiles(source)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
