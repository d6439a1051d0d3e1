/** Expressions with the words for them: emotions, and local attributes alone or together. */
import { sidesOf } from '../../src/edit/actionUnits.ts'
import type { HostRandom } from '../../src/tensor/hostRandom.ts'
import { pick } from './random.ts'

type Amounts = Readonly<Record<string, number>>

/** What a part of the face does. Names without a side mean both. */
interface Attribute {
  readonly part: 'eyes' | 'brows' | 'mouth' | 'cheeks' | 'nose' | 'gaze'
  /** Coefficients at full amount; a list is a choice. */
  readonly shapes: Amounts | readonly Amounts[]
  /** Amounts go from here to full. */
  readonly least?: number
  /** After "with". */
  readonly nouns: readonly string[]
  /** Before "face". */
  readonly adjectives?: readonly string[]
}

const SMILE = { mouthSmile: 1, mouthDimple: 0.3, cheekSquint: 0.4, mouthUpperUp: 0.35, mouthLowerDown: 0.35 }
const BROWS_UP = { browInnerUp: 1, browOuterUp: 1 }

const ATTRIBUTES: readonly Attribute[] = [
  { part: 'eyes', shapes: { eyeBlink: 1 }, nouns: ['closed eyes', 'eyes closed', 'shut eyes', 'both eyes shut', 'eyes shut'], least: 0.9 },
  { part: 'eyes', shapes: { eyeBlink: 0.55 }, nouns: ['half closed eyes', 'sleepy eyes'], adjectives: ['sleepy'], least: 0.8 },
  {
    part: 'eyes',
    shapes: [{ eyeWide: 1 }, { eyeWide: 1, ...BROWS_UP }, { eyeWide: 0.9, browInnerUp: 0.6, browOuterUp: 0.7 }],
    nouns: ['wide open eyes', 'eyes wide open', 'wide eyes', 'widened eyes', 'big open eyes', 'opened eyes'],
    adjectives: ['wide-eyed'],
  },
  { part: 'eyes', shapes: { eyeSquint: 1, cheekSquint: 0.6 }, nouns: ['narrowed eyes', 'squinting eyes'], adjectives: ['squinting'] },
  {
    part: 'eyes',
    shapes: { eyeBlink_L: 1, cheekSquint_L: 0.6 },
    nouns: [
      'left eye closed',
      'a closed left eye',
      'the left eye shut',
      'a wink of the left eye',
      'a wink',
      'one eye closed',
      'wink eyes',
      'a winking left eye',
    ],
    adjectives: ['winking'],
    least: 0.9,
  },
  {
    part: 'eyes',
    shapes: { eyeBlink_R: 1, cheekSquint_R: 0.6 },
    nouns: [
      'right eye closed',
      'a closed right eye',
      'the right eye shut',
      'a wink of the right eye',
      'a wink',
      'one eye closed',
      'wink eyes',
      'a winking right eye',
    ],
    adjectives: ['winking'],
    least: 0.9,
  },
  { part: 'brows', shapes: BROWS_UP, nouns: ['raised eyebrows', 'raised brows', 'eyebrows raised', 'lifted brows'] },
  {
    part: 'brows',
    shapes: { browDown: 1 },
    nouns: ['lowered eyebrows', 'lowered brows', 'furrowed brows', 'knitted brows'],
    adjectives: ['frowning'],
  },
  { part: 'brows', shapes: { browInnerUp: 1 }, nouns: ['raised inner brows', 'worried brows'], adjectives: ['worried'] },
  { part: 'brows', shapes: { browInnerUp_L: 0.7, browOuterUp_L: 1 }, nouns: ['a raised left eyebrow', 'one raised eyebrow', 'left eyebrow raised'] },
  {
    part: 'brows',
    shapes: { browInnerUp_R: 0.7, browOuterUp_R: 1 },
    nouns: ['a raised right eyebrow', 'one raised eyebrow', 'right eyebrow raised'],
  },
  { part: 'mouth', shapes: { jawOpen: 0.8 }, nouns: ['opened mouth', 'open mouth', 'mouth open', 'a wide open mouth', 'a dropped jaw'], least: 0.6 },
  { part: 'mouth', shapes: { jawOpen: 0.22 }, nouns: ['slightly open mouth', 'parted lips'], least: 0.7 },
  { part: 'mouth', shapes: {}, nouns: ['closed mouth', 'a closed mouth', 'a relaxed mouth'] },
  {
    part: 'mouth',
    shapes: [SMILE, { mouthSmile: 1, mouthDimple: 0.3, cheekSquint: 0.3 }, { ...SMILE, eyeSquint: 0.3 }],
    nouns: ['a smile', 'smiling mouth', 'a broad smile', 'a smiling mouth', 'smiling lips'],
    adjectives: ['smiling'],
  },
  {
    part: 'mouth',
    shapes: { ...SMILE, mouthUpperUp: 0.7, mouthLowerDown: 0.7, jawOpen: 0.12 },
    nouns: ['a grin', 'bared teeth', 'a grin showing teeth', 'a toothy smile'],
    adjectives: ['grinning'],
  },
  { part: 'mouth', shapes: { ...SMILE, jawOpen: 0.45 }, nouns: ['an open mouth smile', 'a laughing mouth'] },
  { part: 'mouth', shapes: { mouthFrown: 1, mouthShrugLower: 0.4 }, nouns: ['a frown', 'downturned mouth', 'mouth corners pulled down'], least: 0.7 },
  { part: 'mouth', shapes: { mouthPucker: 1 }, nouns: ['puckered lips', 'kissing lips', 'pursed lips'], adjectives: ['kissing'] },
  { part: 'mouth', shapes: { mouthFunnel: 1, jawOpen: 0.15 }, nouns: ['rounded lips', 'funnel lips'] },
  {
    part: 'mouth',
    shapes: { mouthPress: 1, mouthRollLower: 0.4, mouthRollUpper: 0.4 },
    nouns: ['pressed lips', 'tight lips', 'lips pressed together'],
  },
  { part: 'mouth', shapes: { mouthStretch: 1, mouthLowerDown: 0.4 }, nouns: ['a stretched mouth', 'a grimace'] },
  { part: 'mouth', shapes: { mouthLeft: 1 }, nouns: ['mouth pulled to the left', 'mouth moved left', 'a crooked mouth'] },
  { part: 'mouth', shapes: { mouthRight: 1 }, nouns: ['mouth pulled to the right', 'mouth moved right', 'a crooked mouth'] },
  {
    part: 'mouth',
    shapes: { mouthSmile_L: 1, mouthDimple_L: 0.7 },
    nouns: ['a smirk', 'a crooked smile', 'a smile on the left side'],
    adjectives: ['smirking'],
  },
  {
    part: 'mouth',
    shapes: { mouthSmile_R: 1, mouthDimple_R: 0.7 },
    nouns: ['a smirk', 'a crooked smile', 'a smile on the right side'],
    adjectives: ['smirking'],
  },
  { part: 'cheeks', shapes: { cheekPuff: 1 }, nouns: ['puffed cheeks', 'blown cheeks'], least: 0.7 },
  { part: 'nose', shapes: { noseSneer: 1 }, nouns: ['wrinkled nose', 'a wrinkled nose', 'a sneer'] },
  { part: 'gaze', shapes: { eyeLookUp: 1 }, nouns: ['eyes looking up', 'a look up'] },
  { part: 'gaze', shapes: { eyeLookDown: 1 }, nouns: ['eyes looking down', 'a look down'] },
  { part: 'gaze', shapes: { eyeLookOut_L: 1, eyeLookIn_R: 1 }, nouns: ['eyes looking left', 'eyes looking sideways'] },
  { part: 'gaze', shapes: { eyeLookOut_R: 1, eyeLookIn_L: 1 }, nouns: ['eyes looking right', 'eyes looking sideways'] },
]

interface Emotion {
  readonly words: readonly string[]
  readonly nouns: readonly string[]
  readonly shapes: Amounts | readonly Amounts[]
}

const SURPRISE = { eyeWide: 1, ...BROWS_UP, jawOpen: 0.6 }

const EMOTIONS: readonly Emotion[] = [
  {
    words: ['happy', 'joyful', 'cheerful', 'delighted', 'pleased', 'smiling'],
    nouns: ['happiness', 'joy', 'delight'],
    shapes: [SMILE, { ...SMILE, eyeSquint: 0.3, cheekSquint: 0.7 }],
  },
  { words: ['laughing'], nouns: ['laughter', 'a laugh'], shapes: { ...SMILE, cheekSquint: 1, eyeSquint: 0.8, jawOpen: 0.45 } },
  {
    words: ['sad', 'unhappy', 'sorrowful', 'dejected'],
    nouns: ['sadness', 'sorrow'],
    shapes: [
      { browInnerUp: 0.9, mouthFrown: 1, mouthShrugLower: 0.5, eyeLookDown: 0.35 },
      { browInnerUp: 0.8, mouthFrown: 0.9, eyeBlink: 0.2 },
    ],
  },
  {
    words: ['surprised', 'amazed', 'astonished', 'shocked'],
    nouns: ['surprise', 'amazement', 'shock'],
    shapes: [SURPRISE, { ...SURPRISE, jawOpen: 0.4 }, { ...SURPRISE, mouthFunnel: 0.3 }],
  },
  {
    words: ['angry', 'furious', 'mad'],
    nouns: ['anger', 'fury', 'rage'],
    shapes: [
      { browDown: 1, eyeSquint: 0.5, mouthFrown: 0.4, mouthPress: 0.7, noseSneer: 0.6 },
      { browDown: 1, noseSneer: 0.7, mouthUpperUp: 0.5, mouthLowerDown: 0.5, jawOpen: 0.2 },
    ],
  },
  {
    words: ['fearful', 'scared', 'afraid', 'frightened', 'terrified'],
    nouns: ['fear', 'terror'],
    shapes: { eyeWide: 1, browInnerUp: 1, browDown: 0.2, mouthStretch: 0.9, jawOpen: 0.25, mouthLowerDown: 0.4 },
  },
  {
    words: ['disgusted', 'repulsed'],
    nouns: ['disgust', 'repulsion'],
    shapes: { noseSneer: 1, mouthUpperUp: 0.7, browDown: 0.6, eyeSquint: 0.5, mouthFrown: 0.5 },
  },
  {
    words: ['contemptuous', 'scornful'],
    nouns: ['contempt', 'scorn'],
    shapes: [
      { mouthSmile_L: 0.6, mouthDimple_L: 1, mouthPress: 0.4 },
      { mouthSmile_R: 0.6, mouthDimple_R: 1, mouthPress: 0.4 },
    ],
  },
  { words: ['sleeping', 'asleep'], nouns: ['sleep'], shapes: [{ eyeBlink: 1, jawOpen: 0.1 }, { eyeBlink: 1 }] },
  {
    words: ['crying', 'weeping'],
    nouns: ['tears'],
    shapes: { eyeBlink: 0.5, eyeSquint: 0.8, browInnerUp: 0.9, mouthFrown: 1, mouthStretch: 0.5, jawOpen: 0.2, cheekSquint: 0.7 },
  },
  { words: ['disappointed'], nouns: ['disappointment'], shapes: { browInnerUp: 0.5, mouthFrown: 0.6, mouthPress: 0.5, eyeLookDown: 0.5 } },
  {
    words: ['happily surprised', 'pleasantly surprised'],
    nouns: ['a happy surprise'],
    shapes: { ...SMILE, ...BROWS_UP, eyeWide: 0.9, jawOpen: 0.38 },
  },
  {
    words: ['pained', 'suffering'],
    nouns: ['pain', 'suffering'],
    shapes: { eyeBlink: 0.7, eyeSquint: 1, browDown: 1, noseSneer: 0.6, mouthStretch: 0.8, mouthUpperUp: 0.6 },
  },
  { words: ['neutral', 'relaxed', 'calm', 'expressionless'], nouns: ['no expression', 'a neutral expression'], shapes: {} },
]

/** One expression: its coefficients in the rig's order, and sentences that are all true of it. */
export interface Expression {
  readonly coefficients: Float32Array
  readonly captions: readonly string[]
}

const PEOPLE = ['face', 'face', 'face', 'person', 'man', 'woman']
const FRAMES = ['{}', '{}', '{}', 'a photo of {}', 'a portrait of {}', 'a picture of {}', 'a rendering of {}', 'a close up of {}']
/** Sentences for each picture. */
export const CAPTIONS = 4

/** Adds amounts, each side apart, larger ones winning; both sides differ a little, as faces do. */
function raise(target: Map<string, number>, shapes: Amounts, amount: number, names: readonly string[], random: HostRandom): void {
  for (const [name, full] of Object.entries(shapes)) {
    const sides = sidesOf(name, names)
    if (sides.length === 0) throw new Error(`expressions: the rig has no "${name}"`)
    for (const side of sides) {
      target.set(side, Math.max(target.get(side) ?? 0, Math.min(1, full * amount * (0.94 + 0.12 * random.next()))))
    }
  }
}

const choice = (shapes: Amounts | readonly Amounts[], random: HostRandom): Amounts =>
  Array.isArray(shapes) ? pick(random, shapes as readonly Amounts[]) : (shapes as Amounts)

const article = (words: string): string => (/^[aeiou]/.test(words) ? 'an' : 'a')

/** Phrases after "with" in any order: 'closed eyes, a smile and raised brows'. */
function listed(parts: readonly string[]): string {
  return parts.length === 1 ? parts[0] : `${parts.slice(0, -1).join(', ')} and ${parts[parts.length - 1]}`
}

function shuffled<T>(list: readonly T[], random: HostRandom): T[] {
  const left = [...list]
  return list.map(() => left.splice(random.integer(left.length), 1)[0])
}

function framed(words: string, random: HostRandom): string {
  return pick(random, FRAMES).replace('{}', words)
}

function sentenceOf(attributes: readonly Attribute[], random: HostRandom): string {
  const order = shuffled(attributes, random)
  const at = order.findIndex(({ adjectives }) => adjectives !== undefined)
  const adjective = at >= 0 && random.next() < 0.5 ? pick(random, order[at].adjectives ?? []) : undefined
  const rest = (adjective ? order.filter((_, i) => i !== at) : order).map(({ nouns }) => pick(random, nouns))
  const who = pick(random, PEOPLE)
  const subject = adjective ? `${adjective} ${who}` : who
  const start = random.next() < 0.5 ? subject : `${article(subject)} ${subject}`
  if (rest.length === 0) return framed(start, random)
  if (!adjective && random.next() < 0.2) return framed(listed(rest), random)
  return framed(`${start} with ${listed(rest)}`, random)
}

const emotionSentence = ({ words, nouns }: Emotion, random: HostRandom): string => {
  const who = pick(random, PEOPLE)
  if (random.next() < 0.2) return framed(`${article(who)} ${who} showing ${pick(random, nouns)}`, random)
  const subject = `${pick(random, words)} ${who}`
  return framed(random.next() < 0.5 ? subject : `${article(subject)} ${subject}`, random)
}

const coefficientsOf = (target: ReadonlyMap<string, number>, names: readonly string[]): Float32Array =>
  Float32Array.from(names, name => target.get(name) ?? 0)

const NEUTRAL = EMOTIONS[EMOTIONS.length - 1]

/** A face at rest. */
export function neutralExpression(names: readonly string[], random: HostRandom): Expression {
  const captions = Array.from({ length: CAPTIONS }, () =>
    random.next() < 0.5 ? framed(random.next() < 0.5 ? 'face' : `a ${pick(random, PEOPLE)}`, random) : emotionSentence(NEUTRAL, random),
  )
  return { coefficients: new Float32Array(names.length), captions }
}

export function randomExpression(names: readonly string[], random: HostRandom): Expression {
  const target = new Map<string, number>()
  if (random.next() < 0.3) {
    const emotion = EMOTIONS[random.integer(EMOTIONS.length - 1)]
    raise(target, choice(emotion.shapes, random), 0.75 + 0.25 * random.next(), names, random)
    return { coefficients: coefficientsOf(target, names), captions: Array.from({ length: CAPTIONS }, () => emotionSentence(emotion, random)) }
  }
  const count = 1 + Number(random.next() < 0.62) + Number(random.next() < 0.25)
  const chosen: Attribute[] = []
  while (chosen.length < count) {
    const next = pick(random, ATTRIBUTES)
    // eyes that are shut look nowhere, and one part does one thing
    const clash = chosen.some(
      ({ part }) => part === next.part || (part === 'eyes' && next.part === 'gaze') || (part === 'gaze' && next.part === 'eyes'),
    )
    if (!clash) chosen.push(next)
  }
  for (const { shapes, least = 0.75 } of chosen) raise(target, choice(shapes, random), least + (1 - least) * random.next(), names, random)
  return { coefficients: coefficientsOf(target, names), captions: Array.from({ length: CAPTIONS }, () => sentenceOf(chosen, random)) }
}
