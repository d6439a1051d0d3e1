/** Sentences around a prompt, and what they mean together: one embedding, or the direction from one prompt to another. */
import { readLeaf, tensor } from '../tensor/device.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { TextImageEncoder } from './textImageEncoder.ts'

/**
 * Sentence templates for faces; {} is the prompt. Averaging over several takes out what a single wording happens to add (Radford et al. 2021, §3.1.4).
 * Every one is true of a rendering, unlike "a sculpture of" or "a tattoo of" among ImageNet's 80.
 */
export const FACE_TEMPLATES: readonly string[] = [
  '{}',
  'a photo of {}',
  'a portrait of {}',
  'a picture of {}',
  'a rendering of {}',
  'a close up of {}',
  'a photo of a person with {}',
]

/** Frames of the 80 sentences; a|the stands for two of them, one with each article. */
const IMAGENET_FRAMES: readonly string[] = [
  ...['', 'bad ', 'good ', 'bright ', 'dark ', 'blurry ', 'cropped ', 'pixelated ', 'close-up ', 'low resolution '].map(
    kind => `a ${kind}photo of a|the {}.`,
  ),
  ...['black and white', 'jpeg corrupted'].map(kind => `a ${kind} photo of a|the {}.`),
  ...['hard to see', 'clean', 'dirty', 'cool', 'nice', 'weird', 'large', 'small'].map(kind => `a photo of a|the ${kind} {}.`),
  ...['many', 'my', 'one'].map(which => `a photo of ${which} {}.`),
  ...['sculpture', 'rendering', 'rendition', 'tattoo', 'drawing', 'painting', 'sketch', 'doodle'].map(work => `a ${work} of a|the {}.`),
  ...['graffiti', 'art', 'itap'].map(work => `${work} of a|the {}.`),
  'itap of my {}.',
  ...['embroidered', 'plastic', 'origami', 'toy', 'plushie', 'cartoon'].map(material => `a|the ${material} {}.`),
  'a|the {} in a video game.',
]

/**
 * The 80 templates that OpenAI's CLIP uses on ImageNet (notebooks/Prompt_Engineering_for_ImageNet, MIT), and the authors' code for faces; their order does
 * not matter to a mean. "itap" is "I took a picture".
 */
export const IMAGENET_TEMPLATES: readonly string[] = IMAGENET_FRAMES.flatMap(frame =>
  frame.includes('a|the') ? ['a', 'the'].map(article => frame.replace('a|the', article)) : [frame],
)

/** 'face' is FACE_TEMPLATES, 'imagenet' IMAGENET_TEMPLATES. */
export type TemplateChoice = readonly string[] | 'face' | 'imagenet'

/** What an edit starts from; the authors' code uses the same word. */
export const NEUTRAL_PROMPT = 'face'

/** The prompt in every template. Throws for an empty prompt, no templates, or one without {}. */
export function fillTemplates(prompt: string, choice: TemplateChoice = 'face'): string[] {
  const templates = choice === 'face' ? FACE_TEMPLATES : choice === 'imagenet' ? IMAGENET_TEMPLATES : choice
  const text = prompt.trim()
  if (text === '') throw new Error('prompt: the text is empty; write what the face should look like, e.g. "a surprised face"')
  if (templates.length === 0) throw new Error('prompt: no sentence templates given; use ["{}"] for the bare prompt')
  return templates.map(template => {
    if (!template.includes('{}')) throw new Error(`prompt: template "${template}" has no {} for the prompt`)
    return template.replaceAll('{}', text)
  })
}

export interface TemplateOptions {
  /** Default 'face'; the authors' code uses 'imagenet'. */
  readonly templates?: TemplateChoice
}

/** Mean of the unit-norm embeddings of a prompt's sentences, itself not brought to unit norm (as the authors' code): a leaf [1, D]. */
export async function promptEmbedding(encoder: TextImageEncoder, prompt: string, { templates }: TemplateOptions = {}): Promise<Tensor> {
  const [mean] = await meanEmbeddings(encoder, [prompt], templates)
  return tensor(encoder.device, mean, [1, encoder.embeddingSize])
}

/** ΔT = mean E_T(target) − mean E_T(source), not brought to unit norm: a leaf [1, D]. @param source default "face". */
export async function textDirection(
  encoder: TextImageEncoder,
  target: string,
  source = NEUTRAL_PROMPT,
  { templates }: TemplateOptions = {},
): Promise<Tensor> {
  const [to, from] = await meanEmbeddings(encoder, [target, source], templates)
  return tensor(
    encoder.device,
    to.map((value, i) => value - from[i]),
    [1, encoder.embeddingSize],
  )
}

async function meanEmbeddings(encoder: TextImageEncoder, prompts: readonly string[], templates?: TemplateChoice): Promise<Float32Array[]> {
  const sentences = prompts.map(prompt => fillTemplates(prompt, templates))
  const rows = await readLeaf(encoder.device, await encoder.encodeText(sentences.flat()))
  const size = encoder.embeddingSize
  let row = 0
  return sentences.map(({ length }) => {
    const mean = new Float32Array(size)
    for (const end = row + length; row < end; row++) for (let c = 0; c < size; c++) mean[c] += rows[row * size + c] / length
    return mean
  })
}

/**
 * How many words of a prompt an encoder reads, where that is not all of them: what no longer fits into its context is cut, and changes nothing. The
 * templates take some of the room, so of a prompt that is cut a few words less may count.
 */
export async function wordsRead(encoder: TextImageEncoder, prompt: string): Promise<number | undefined> {
  const words = prompt.trim().split(/\s+/)
  const meaning = async (count: number): Promise<string> => {
    const text = words.slice(0, count).join(' ')
    return (await readLeaf(encoder.device, await encoder.encodeText([text]))).join()
  }
  const whole = await meaning(words.length)
  let [less, same] = [0, words.length]
  if (same < 2 || (await meaning(same - 1)) !== whole) return undefined
  same--
  while (same - less > 1) {
    const middle = Math.ceil((less + same) / 2)
    if ((await meaning(middle)) === whole) same = middle
    else less = middle
  }
  return same
}
