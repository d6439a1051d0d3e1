/** What an edit is steered by, and where it may act, from the options of the edit verb. */
import { InvalidArgumentError, Option } from 'commander'
import {
  type AnchorCodes,
  augmented,
  type Camera,
  editViews,
  expressionEncoder,
  expressionGuidance,
  type FaceRegion,
  faceFrame,
  type Guidance,
  maskedRegion,
  namedRegion,
  type SceneManipulator,
  type TextImageEncoder,
  textGuidance,
  weightedSentences,
  weightedSum,
} from 'faceclipnerf'
import { readMask, readTargets, type Target, targetName } from './targets.ts'

export interface SteeringChoice {
  readonly target?: readonly Target[]
  readonly expression?: Readonly<Record<string, number>>
  readonly guidance: 'directional' | 'absolute' | 'both'
  readonly templates: 'face' | 'imagenet'
  readonly coded?: boolean
  readonly augment?: boolean
}

export interface Steering {
  readonly guidance: Guidance
  /** Space units. */
  readonly cameras: readonly Camera[]
  /** What the edit file calls it. */
  readonly prompt: string
  /** What progress calls it. */
  readonly kind: 'text' | 'pictures' | 'expression'
}

export function expressionOption(): Option {
  return new Option(
    '--expression <name=value,...>',
    'coefficients that the face should have, or action units: jawOpen=0.8,eyeBlink=1,AU12=0.7 (a name alone is 1); may be repeated',
  ).argParser(parseExpression)
}

function parseExpression(text: string, before: Readonly<Record<string, number>> = {}): Record<string, number> {
  const wanted = { ...before }
  for (const part of text.split(',')) {
    const [name, value = '1', ...rest] = part.split('=').map(piece => piece.trim())
    if (name === '' || value === '' || rest.length > 0 || !Number.isFinite(Number(value)))
      throw new InvalidArgumentError(`"${part}" is not name=value; write jawOpen=0.8,AU12=1.`)
    wanted[name] = Number(value)
  }
  return wanted
}

export interface RegionChoice {
  readonly region?: string
  readonly mask?: readonly Target[]
}

/** Throws unless the options say in one way what the face should look like, and where; sentences and coefficients go together, pictures stand alone. */
export function checkSteering(text: string | undefined, { target, expression, region, mask }: SteeringChoice & RegionChoice): void {
  if (region !== undefined && mask) throw new Error('edit: both --region and --mask; say where the edit may act in one way')
  if (target ? text === undefined && !expression : text !== undefined || expression) return
  const given = [text !== undefined && 'a sentence', expression && '--expression'].filter(Boolean).join(' and ')
  throw new Error(
    `edit: ${target ? `both ${given} and --target` : 'neither a sentence nor --target nor --expression'}; say what the face should look like in one way`,
  )
}

/** What the options say the face should look like. Throws for an empty sentence, an unknown coefficient and a picture that cannot be used. */
export async function steer(
  scene: SceneManipulator,
  encoder: TextImageEncoder,
  text: string | undefined,
  options: SteeringChoice,
): Promise<Steering> {
  const { target, expression, guidance: kind, templates, coded, augment } = options
  if (target) {
    const guidance = await readTargets(scene, target)
    return { guidance, cameras: guidance.cameras, prompt: targetName(target), kind: 'pictures' }
  }
  const sentences = text === undefined ? [] : weightedSentences(text)
  const parts: Guidance[] = []
  for (const sentence of sentences) parts.push(await textGuidance(encoder, sentence.text, { kind, templates, coded }))
  if (expression) parts.push(expressionGuidance(encoder.device, expressionEncoder(encoder), expression))
  const cameras = editViews(scene)
  const sum = weightedSum(parts, [...sentences.map(({ weight }) => weight), ...(expression ? [1] : [])])
  const named = expression && Object.entries(expression).map(([name, value]) => `${name}=${value}`)
  return {
    guidance: augment ? augmented(encoder.device, sum, cameras[0].imageSize) : sum,
    cameras,
    prompt: [text, named?.join(',')].filter(part => part !== undefined).join(' + '),
    kind: text === undefined ? 'expression' : 'text',
  }
}

/** The only part of the face that may change; undefined where all may. Throws for an unknown name, and for a mask that cannot be used. */
export async function chosenRegion(scene: SceneManipulator, anchors: AnchorCodes, { region, mask }: RegionChoice): Promise<FaceRegion | undefined> {
  if (region !== undefined) return namedRegion(await faceFrame(scene, anchors), region)
  if (!mask) return undefined
  if (mask.length > 1) throw new Error(`edit: ${mask.length} masks; give one`)
  const { values, camera } = await readMask(scene, mask[0])
  return await maskedRegion(scene, values, camera, mask[0].picture)
}
