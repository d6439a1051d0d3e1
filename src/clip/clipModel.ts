/** A CLIP or SigLIP in Hugging Face layout as a text–image encoder: config.json, safetensors weights, tokeniser, preprocessor_config.json. */
import type { FileSource } from '../io/files.ts'
import { parseSafetensors } from '../io/safetensors.ts'
import { openWeightFiles } from '../io/weightFiles.ts'
import { type Device, tensor } from '../tensor/device.ts'
import { l2Normalize } from '../tensor/ops/l2Normalize.ts'
import { resizeImage } from '../tensor/ops/resize.ts'
import { evaluate } from '../tensor/plan.ts'
import { showShape, type Tensor } from '../tensor/tensor.ts'
import { type ClipConfig, parseClipConfig } from './clipConfig.ts'
import { ClipWeights } from './clipWeights.ts'
import { encoderSource, encoderText } from './encoderFiles.ts'
import { loadExpressionHead } from './expressionHead.ts'
import { cropStart, resizedSize } from './preprocess.ts'
import { type Preprocessing, parsePreprocessing } from './preprocessing.ts'
import { loadSiglipTokenizer } from './siglipTokenizer.ts'
import type { ExpressionHead, TextImageEncoder } from './textImageEncoder.ts'
import { loadTextTransformer, type TextTransformer } from './textTransformer.ts'
import { loadTokenizer, type TextTokenizer } from './tokenizer.ts'
import { tokenizerText } from './tokenizerFiles.ts'
import { loadVisionTransformer, type VisionTransformer } from './visionTransformer.ts'

/** How renders become the tower's input: as the model's own preprocessing does with photographs, or as the authors' code does with renders. */
export type RenderResize = 'clip' | 'coded'

export type Tower = 'image' | 'text'

export interface ImageSide {
  readonly vision: VisionTransformer
  readonly weights: ClipWeights
}
export interface TextSide {
  readonly text: TextTransformer
  readonly tokenizer: TextTokenizer
  readonly weights: ClipWeights
}

export interface ClipParts {
  readonly name: string
  readonly device: Device
  readonly config: ClipConfig
  readonly preprocessing: Preprocessing
  readonly renderResize: RenderResize
  readonly image?: ImageSide
  readonly text?: TextSide
  readonly expressionHead?: ExpressionHead
}

/** A CLIP or SigLIP on a device; `loadEncoder` makes one. */
export class ClipModel implements TextImageEncoder {
  readonly name: string
  readonly device: Device
  readonly embeddingSize: number
  readonly imageSize: number
  readonly expressionHead?: ExpressionHead
  /** For still images: `preprocessImage` with this gives what the model's image processor gives. */
  readonly preprocessing: Preprocessing
  private readonly resize: RenderResize
  private image?: ImageSide
  private text?: TextSide

  constructor({ name, device, config, preprocessing, renderResize, image, text, expressionHead }: ClipParts) {
    this.name = name
    this.device = device
    this.embeddingSize = config.embeddingSize
    this.imageSize = config.vision.imageSize
    this.expressionHead = expressionHead
    this.preprocessing = preprocessing
    this.resize = renderResize
    this.image = image
    this.text = text
  }

  async encodeText(texts: readonly string[]): Promise<Tensor> {
    const [unit] = await evaluate(this.device, [l2Normalize(await this.textFeatures(texts))])
    return tensor(this.device, unit, [texts.length, this.embeddingSize])
  }

  async textFeatures(texts: readonly string[]): Promise<Tensor> {
    if (texts.length === 0) throw new Error('encodeText: no texts given; pass at least one')
    const { text, tokenizer } = this.text ?? missing('encodeText', this.name, 'text')
    const features = await text.features(tokenizer.rows(texts))
    return tensor(this.device, features, [texts.length, this.embeddingSize])
  }

  encodeImage(images: Tensor): Tensor {
    return l2Normalize(this.imageFeatures(images))
  }

  imageFeatures(images: Tensor): Tensor {
    const { vision } = this.image ?? missing('encodeImage', this.name, 'image')
    return vision.features(fitImages(images, this.preprocessing, this.resize))
  }

  /** Gives a tower's device memory back, or both; embeddings already made stay. Encoding with it throws from then on. */
  release(tower?: Tower): void {
    if (tower !== 'text') {
      this.image?.weights.release()
      this.image = undefined
    }
    if (tower !== 'image') {
      this.text?.weights.release()
      this.text = undefined
    }
  }
}

function missing(call: string, name: string, tower: Tower): never {
  throw new Error(`${call}: the ${tower} tower of "${name}" is not on the device; load the encoder with towers ['${tower}'], and release it later`)
}

/**
 * Records: images [B, H, W, 3] -> [B, S, S, 3]. 'clip': the shortest edge resized and the centre cropped, or all stretched to the square, as the model says
 * (antialiased); nothing when they already fit. 'coded': bilinear (antialiased when shrinking) to the square, as the authors' code.
 */
function fitImages(images: Tensor, preprocessing: Preprocessing, resize: RenderResize): Tensor {
  const { shortestEdge, crop, filter } = preprocessing
  const [, height, width, channels] = images.shape
  if (images.shape.length !== 4 || channels !== 3)
    throw new Error(`encodeImage: images ${showShape(images.shape)} are not [B, H, W, 3]; reshape a single image to [1, H, W, 3]`)
  const whole = resize === 'coded' || (shortestEdge ?? crop) === crop
  if (height === crop && width === crop && whole) return images
  if (resize === 'coded') return resizeImage(images, { height: crop, width: crop, filter: 'bilinear' })
  const size = resizedSize(height, width, preprocessing)
  const window = { top: cropStart(size.height, crop), left: cropStart(size.width, crop), height: crop, width: crop }
  return resizeImage(images, { ...size, filter, crop: window })
}

const PAGE = 'download every file of the model from its page'

/** Which parts of an encoder are loaded, and how it resizes. */
export interface EncoderOptions {
  /** Which towers to bring onto the device; default both. Anchors need the image tower alone, sentences the text tower alone. */
  readonly towers?: readonly Tower[]
  /** How `encodeImage` resizes; default 'clip'. */
  readonly renderResize?: RenderResize
}

/**
 * Loads an encoder onto a device. Weights are read tensor by tensor; 16-bit matrices stay 16-bit on a GPU.
 * @param source a folder, a web address, any FileSource, or nothing: the small face encoder that comes with the package.
 * Throws one error that names the file, the field or tensor, and what to do, when a piece is missing or does not fit the others.
 */
export async function loadEncoder(
  device: Device,
  source?: FileSource | string,
  { towers = ['image', 'text'], renderResize = 'clip' }: EncoderOptions = {},
): Promise<ClipModel> {
  const files = await encoderSource(source)
  const config = parseClipConfig(await encoderText(files, 'config.json', PAGE), files.describe('config.json'))
  const tokens = towers.includes('text') ? await tokenizerText(files) : undefined
  const load = config.family === 'siglip' ? loadSiglipTokenizer : loadTokenizer
  const tokenizer = tokens && (await load(tokens.json, tokens.file, config.text))
  const preprocessing = await loadPreprocessing(files, config)
  const weightFiles = await openWeightFiles(files)
  const sides = { image: new ClipWeights(device, weightFiles), text: new ClipWeights(device, weightFiles) }
  try {
    const vision = towers.includes('image') ? await loadVisionTransformer(sides.image, config, preprocessing) : undefined
    const text = tokenizer && { text: await loadTextTransformer(sides.text, config), tokenizer, weights: sides.text }
    return new ClipModel({
      name: files.name,
      device,
      config,
      preprocessing,
      renderResize,
      image: vision && { vision, weights: sides.image },
      text,
      expressionHead: await optionalHead(device, files, config),
    })
  } catch (error) {
    sides.image.release()
    sides.text.release()
    throw error
  }
}

/** preprocessor_config.json, or processor_config.json, into which transformers 5 puts it. */
async function loadPreprocessing(files: FileSource, config: ClipConfig): Promise<Preprocessing> {
  const [usual, recent] = ['preprocessor_config.json', 'processor_config.json']
  const path = !(await files.exists(usual)) && (await files.exists(recent)) ? recent : usual
  return parsePreprocessing(await encoderText(files, path, PAGE), files.describe(path), config)
}

async function optionalHead(device: Device, files: FileSource, { embeddingSize }: ClipConfig): Promise<ExpressionHead | undefined> {
  const path = 'expression_head.safetensors'
  if (!(await files.exists(path))) return undefined
  return loadExpressionHead(device, parseSafetensors(await files.read(path), files.describe(path)), embeddingSize, files.describe(path))
}
