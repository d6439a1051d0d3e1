/** Options that several verbs share, and the parsers of their values. */
import { type Command, InvalidArgumentError, Option } from 'commander'

export interface DeviceChoice {
  readonly device: 'auto' | 'cpu' | 'gpu'
  readonly precision: 'f32' | 'half'
  readonly threads?: number
  readonly json?: boolean
}

/** --device, --precision, --threads and --json. */
export function withDevice(command: Command): Command {
  return command
    .addOption(new Option('--device <kind>', 'where to compute; auto takes a GPU when there is one').choices(['auto', 'cpu', 'gpu']).default('auto'))
    .addOption(
      new Option('--precision <kind>', 'of wide layers on a GPU: half computes them on its f16 matrix units, if it has such')
        .choices(['f32', 'half'])
        .default('f32'),
    )
    .option('--threads <n>', 'threads of the CPU device (default: one per processor)', count)
    .option('--json', 'print one JSON object per line instead of text')
}

export function seedOption(): Option {
  return new Option('--seed <n>', 'seed of every random number; same seed and device, same result').argParser(wholeNumber).default(0)
}

export function encoderOption(): Option {
  return new Option(
    '--encoder <folder or name>',
    'a CLIP or SigLIP in Hugging Face layout, or the name of one that models pull fetched (default: the embedded face encoder)',
  )
}

/** A whole number from 1. */
export function count(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('Give a whole number from 1.')
  return value
}

/** A whole number from 2. */
export function several(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 2) throw new InvalidArgumentError('Give a whole number from 2.')
  return value
}

/** A whole number from 0. */
export function wholeNumber(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('Give a whole number from 0.')
  return value
}

export function finiteNumber(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Give a number such as 0.5.')
  return value
}

/** A weight: a number from 0. */
export function weight(text: string): number {
  const value = finiteNumber(text)
  if (value < 0) throw new InvalidArgumentError('Give a number from 0.')
  return value
}

/** '640x480' -> [640, 480] */
export function size(text: string): [number, number] {
  const match = /^(\d+)x(\d+)$/.exec(text)
  const [width, height] = [Number(match?.[1]), Number(match?.[2])]
  if (!(width >= 1 && height >= 1 && width * height <= 2 ** 26)) throw new InvalidArgumentError('Give width x height in pixels, such as 256x256.')
  return [width, height]
}
