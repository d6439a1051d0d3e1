/** A CLIP in Hugging Face layout as a text–image encoder: config.json, model.safetensors, tokenizer.json, preprocessor_config.json. */
import type { FileSource } from '../io/files.ts'
import { parseSafetensors } from '../io/safetensors.ts'
import { type Device, tensor } from '../tensor/device.ts'
import { l2Normalize } from '../tensor/ops/l2Normalize.ts'
import { resizeImage } from '../tensor/ops/resize.ts'
import { evaluate } from '../tensor/plan.ts'
import { showShape, type Tensor } from '../tensor/tensor.ts'
import { type ClipConfig, type Preprocessing, parseClipConfig, parsePreprocessing } from './clipConfig.ts'
import { ClipWeights } from './clipWeights.ts'
import { encoderFile, encoderSource, encoderText } from './encoderFiles.ts'
import { loadExpressionHead } from './expressionHead.ts'
import { cropStart, resizedSize } from './preprocess.ts'
import type { ExpressionHead, TextImageEncoder } from './textImageEncoder.ts'
import { TextTransformer } from './textTransformer.ts'
import { ClipTokenizer } from './tokenizer.ts'
import { VisionTransformer } from './visionTransformer.ts'

export interface ClipParts {
  readonly name: string
  readonly device: Device
  readonly config: ClipConfig
  readonly preprocessing: Preprocessing
  readonly vision: VisionTransformer
  readonly text: TextTransformer
  readonly tokenizer: ClipTokenizer
  readonly expressionHead?: ExpressionHead
}

export class ClipModel implements TextImageEncoder {
  readonly name: string
  readonly device: Device
  readonly embeddingSize: number
  readonly imageSize: number
  readonly expressionHead?: ExpressionHead
  /** For still images: `preprocessImage` with this gives what CLIPImageProcessor gives. */
  readonly preprocessing: Preprocessing

  constructor(private readonly parts: ClipParts) {
    this.name = parts.name
    this.device = parts.device
    this.embeddingSize = parts.config.embeddingSize
    this.imageSize = parts.config.vision.imageSize
    this.expressionHead = parts.expressionHead
    this.preprocessing = parts.preprocessing
  }

  async encodeText(texts: readonly string[]): Promise<Tensor> {
    const [unit] = await evaluate(this.device, [l2Normalize(await this.textFeatures(texts))])
    return tensor(this.device, unit, [texts.length, this.embeddingSize])
  }

  async textFeatures(texts: readonly string[]): Promise<Tensor> {
    if (texts.length === 0) throw new Error('encodeText: no texts given; pass at least one')
    const features = await this.parts.text.features(this.parts.tokenizer.rows(texts))
    return tensor(this.device, features, [texts.length, this.embeddingSize])
  }

  encodeImage(images: Tensor): Tensor {
    return l2Normalize(this.imageFeatures(images))
  }

  imageFeatures(images: Tensor): Tensor {
    return this.parts.vision.features(fitImages(images, this.preprocessing))
  }
}

/** Records: images [B, H, W, 3] -> [B, S, S, 3], the shortest edge resized (antialiased) and the centre cropped; nothing when they already fit. */
function fitImages(images: Tensor, { shortestEdge, crop, filter }: Preprocessing): Tensor {
  const [, height, width, channels] = images.shape
  if (images.shape.length !== 4 || channels !== 3)
    throw new Error(`encodeImage: images ${showShape(images.shape)} are not [B, H, W, 3]; reshape a single image to [1, H, W, 3]`)
  if (height === crop && width === crop && shortestEdge === crop) return images
  const size = resizedSize(height, width, shortestEdge)
  const window = { top: cropStart(size.height, crop), left: cropStart(size.width, crop), height: crop, width: crop }
  return resizeImage(images, { ...size, filter, crop: window })
}

const PAGE = 'download every file of the model from its page'

/**
 * Loads an encoder onto a device.
 * @param source a folder, a web address, any FileSource, or nothing: the small face encoder that comes with the package.
 * Throws one error that names the file, the field or tensor, and what to do, when a piece is missing or does not fit the others.
 */
export async function loadEncoder(device: Device, source?: FileSource | string): Promise<ClipModel> {
  const files = await encoderSource(source)
  const at = (path: string): string => files.describe(path)
  const config = parseClipConfig(await encoderText(files, 'config.json', PAGE), at('config.json'))
  const tokenizer = new ClipTokenizer(
    await encoderText(files, 'tokenizer.json', `${PAGE}; transformers writes it when a CLIPTokenizerFast is saved`),
    at('tokenizer.json'),
    config.text,
  )
  const preprocessing = parsePreprocessing(
    await encoderText(files, 'preprocessor_config.json', PAGE),
    at('preprocessor_config.json'),
    config.vision.imageSize,
  )
  const bytes = await encoderFile(files, 'model.safetensors', `${PAGE}; a pytorch_model.bin must be converted to safetensors first`)
  const weights = new ClipWeights(device, parseSafetensors(bytes, at('model.safetensors')).tensors, at('model.safetensors'))
  const vision = new VisionTransformer(weights, config, preprocessing)
  const text = new TextTransformer(weights, config)
  return new ClipModel({
    name: files.name,
    device,
    config,
    preprocessing,
    vision,
    text,
    tokenizer,
    expressionHead: await optionalHead(device, files, config),
  })
}

async function optionalHead(device: Device, files: FileSource, { embeddingSize }: ClipConfig): Promise<ExpressionHead | undefined> {
  const path = 'expression_head.safetensors'
  if (!(await files.exists(path))) return undefined
  return loadExpressionHead(device, parseSafetensors(await files.read(path), files.describe(path)), embeddingSize, files.describe(path))
}
