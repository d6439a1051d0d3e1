/**
 * Where the person is in each picture, from the face's landmarks alone: a head and shoulders laid around the face are the first guess; colours of person and
 * room, learnt over neighbouring pictures, and the pictures' edges correct it. No network, no graph cut: hair of the wall's colour will be missed.
 */
import type { Image } from '../../io/imageCodec.ts'
import { boxBlur } from './boxBlur.ts'

export interface MatteFrame {
  /** Small RGB picture; `MATTE_SIZE` on its longer side is plenty. */
  image: Image
  /** px of that picture, 68 landmarks; absent where no face was found. */
  landmarks?: Float64Array
}

/** px of the longer side at which mattes are found. */
export const MATTE_SIZE = 160

/** Pictures before and after, of which colours are learnt together. */
const AROUND = 10
/** Colour bins per channel. */
const BINS = 16
/** Rounds of learning colours and deciding pixels. */
const ROUNDS = 4
/** Rounds in which neighbouring pixels pull at each other. */
const SMOOTHINGS = 6
/** How much one pixel's colour may say, in log odds, and how much its eight neighbours. */
const COLOR_LIMIT = 4
const NEIGHBOUR_PULL = 0.9
/** Squared colour distance (of bytes) at which neighbours count half as much. */
const EDGE = 300

/**
 * Coverage 0..1 of the person, [height · width] of each frame's picture; frames without a face use their neighbours' landmarks. Undefined where there are none at all.
 * Where the camera stands still, what a pixel shows while the person is elsewhere is the room, and says more than any colour model.
 */
export function personMattes(frames: readonly MatteFrame[], { cameraStands = false }: { cameraStands?: boolean } = {}): Float32Array[] | undefined {
  const landmarks = fillLandmarks(frames.map(frame => frame.landmarks))
  if (!landmarks) return undefined
  const priors = frames.map(({ image }, i) => silhouette(image, landmarks[i]))
  const bins = frames.map(({ image }) => colorBins(image))
  let odds = priors
  for (let round = 0; round < ROUNDS; round++) {
    const counts = odds.map((logits, i) => colorCounts(bins[i], logits))
    const room = cameraStands ? emptyRoom(frames, odds) : undefined
    odds = frames.map(({ image }, i) => {
      const evidence = colorEvidence(counts.slice(Math.max(0, i - AROUND), i + AROUND + 1))
      const own = priors[i].map((value, p) => value + evidence[bins[i][p]])
      return decide(image, room ? againstRoom(image, room, own, Math.max(SEEN_ROOM, frames.length / 8)) : own, odds[i])
    })
  }
  return odds.map(logits => logits.map(sigmoid))
}

/** Landmarks for every frame: the last ones seen where there are none. */
function fillLandmarks(all: readonly (Float64Array | undefined)[]): Float64Array[] | undefined {
  let last = all.find(one => one !== undefined)
  if (!last) return undefined
  const filled: Float64Array[] = []
  for (const one of all) {
    last = one ?? last
    filled.push(last)
  }
  return filled
}

/** How sure shoulders are inside their outline, beside 1 for the middle of the face. */
const SHOULDERS_SURE = 0.3

/** Log odds of head and shoulders around a face, by proportions of a mean adult in units of the distance between the eyes. */
function silhouette({ width, height }: Image, landmarks: Float64Array): Float32Array {
  const mid = (from: number, to: number, axis: number): number => {
    let sum = 0
    for (let i = from; i < to; i++) sum += landmarks[2 * i + axis]
    return sum / (to - from)
  }
  const [rx, ry, lx, ly] = [mid(36, 42, 0), mid(36, 42, 1), mid(42, 48, 0), mid(42, 48, 1)]
  const jaw: [number, number] = [landmarks[16], landmarks[17]] // the chin
  const [ex, ey] = [(rx + lx) / 2, (ry + ly) / 2]
  const toChin = Math.hypot(jaw[0] - ex, jaw[1] - ey)
  // The eyes draw together as the head turns; the way to the chin does not.
  const unit = Math.max(Math.hypot(lx - rx, ly - ry), toChin / 1.85)
  const down: [number, number] = [(jaw[0] - ex) / toChin, (jaw[1] - ey) / toChin]
  // The skull's middle lies behind the eyes by 2.4 times what the nose lies before them, and goes the other way when the head turns.
  const nose = ((landmarks[60] - ex) * down[1] - (landmarks[61] - ey) * down[0]) / unit
  const skull = Math.max(-1, Math.min(1, -2.4 * nose))
  const out = new Float32Array(width * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [dx, dy] = [(x + 0.5 - ex) / unit, (y + 0.5 - ey) / unit]
      const along = dx * down[0] + dy * down[1]
      const across = dx * down[1] - dy * down[0]
      // the face and the skull behind it, and what lies between
      const beside = across - Math.max(Math.min(0, skull), Math.min(Math.max(0, skull), across))
      const head = 1 - Math.hypot(beside / 1.4, (along - 0.05) / 2.1)
      const below = y + 0.5 - jaw[1]
      const neck =
        below > -0.3 * unit ? 1 - Math.abs(x + 0.5 - (ex + jaw[0]) / 2) / unit / Math.min(3.8, 1 + 2.2 * Math.max(0, below / unit - 0.3)) : -9
      // shoulders are broad or narrow: there the colours decide
      const inside = Math.max(head, Math.min(neck, SHOULDERS_SURE))
      // Sure in the face, unsure within half a head of the outline, sure in the room.
      out[y * width + x] = Math.max(-6, Math.min(4, inside > 0 ? 0.3 + 5 * inside : 6 * inside))
    }
  }
  return out
}

function colorBins({ width, height, channels, data }: Image): Uint16Array {
  const out = new Uint16Array(width * height)
  for (let i = 0; i < out.length; i++) {
    const at = i * channels
    out[i] = ((data[at] >> 4) * BINS + (data[at + 1] >> 4)) * BINS + (data[at + 2] >> 4)
  }
  return out
}

interface Counts {
  person: Float32Array
  room: Float32Array
}

function colorCounts(bins: Uint16Array, logits: Float32Array): Counts {
  const person = new Float32Array(BINS ** 3)
  const room = new Float32Array(BINS ** 3)
  for (let i = 0; i < bins.length; i++) {
    const share = sigmoid(logits[i])
    person[bins[i]] += share
    room[bins[i]] += 1 - share
  }
  return { person, room }
}

/** Log odds of the person by colour bin: counts of several pictures, spread to the bins beside. */
function colorEvidence(all: readonly Counts[]): Float32Array {
  const person = new Float32Array(BINS ** 3)
  const room = new Float32Array(BINS ** 3)
  for (const counts of all) {
    for (let b = 0; b < person.length; b++) {
      person[b] += counts.person[b]
      room[b] += counts.room[b]
    }
  }
  const [p, r] = [spread(person), spread(room)]
  const [totalP, totalR] = [p, r].map(table => table.reduce((sum, value) => sum + value, 0))
  // One pixel in ten thousand of each kind for every bin: what was never seen says nothing.
  const least = 1e-4
  return p.map((value, b) => {
    const evidence = Math.log((value / totalP + least) / (r[b] / totalR + least))
    return Math.max(-COLOR_LIMIT, Math.min(COLOR_LIMIT, evidence))
  })
}

/** Each bin and half of its six neighbours. */
function spread(table: Float32Array): Float32Array {
  const out = table.slice()
  for (const step of [1, BINS, BINS * BINS]) {
    const from = out.slice()
    for (let b = 0; b < out.length; b++) {
      const place = Math.floor(b / step) % BINS
      if (place > 0) out[b] += 0.4 * from[b - step]
      if (place < BINS - 1) out[b] += 0.4 * from[b + step]
    }
  }
  return out
}

/** What each pixel shows while the person is elsewhere: mean colour, [height · width · 3], and of how many frames. */
interface Room {
  mean: Float32Array
  weight: Float32Array
}

/** Frames that must show a pixel of the room before it is believed, and the colour distances (of bytes) that are the same and another thing. */
const SEEN_ROOM = 4
/** Log odds below which a pixel is taken for the room. */
const SURELY_ROOM = -4
const [SAME, OTHER] = [14, 45]
const ROOM_EVIDENCE = 5

function emptyRoom(frames: readonly MatteFrame[], odds: readonly Float32Array[]): Room {
  const count = odds[0].length
  const mean = new Float32Array(count * 3)
  const weight = new Float32Array(count)
  frames.forEach(({ image }, f) => {
    for (let i = 0; i < count; i++) {
      const share = odds[f][i] < SURELY_ROOM ? 1 : 0
      weight[i] += share
      for (let c = 0; c < 3; c++) mean[3 * i + c] += share * image.data[i * image.channels + c]
    }
  })
  return { mean: mean.map((value, i) => value / Math.max(1e-6, weight[Math.floor(i / 3)])), weight }
}

/** Adds to the log odds what the empty room says. */
function againstRoom({ channels, data }: Image, { mean, weight }: Room, own: Float32Array, seen: number): Float32Array {
  return own.map((value, i) => {
    if (weight[i] < seen) return value
    const distance = Math.hypot(data[i * channels] - mean[3 * i], data[i * channels + 1] - mean[3 * i + 1], data[i * channels + 2] - mean[3 * i + 2])
    const lean = Math.max(-1, Math.min(1, (2 * distance - SAME - OTHER) / (OTHER - SAME)))
    return value + ROOM_EVIDENCE * lean
  })
}

/** Rounds in which like-coloured neighbours agree, starting between the pixels' own log odds and those of the last round. */
function decide({ width, height, channels, data }: Image, own: Float32Array, before: Float32Array): Float32Array {
  let odds = before.map((value, i) => 0.5 * value + 0.5 * own[i])
  const shifts = [-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1]
  for (let round = 0; round < SMOOTHINGS; round++) {
    const lean = odds.map(value => 2 * sigmoid(value) - 1)
    const next = own.slice()
    for (let y = 1; y < height - 1; y++) {
      for (let x = 1; x < width - 1; x++) {
        const i = y * width + x
        let pull = 0
        for (const shift of shifts) {
          const [a, b] = [i * channels, (i + shift) * channels]
          const distance = (data[a] - data[b]) ** 2 + (data[a + 1] - data[b + 1]) ** 2 + (data[a + 2] - data[b + 2]) ** 2
          pull += lean[i + shift] / (1 + distance / EDGE)
        }
        next[i] += NEIGHBOUR_PULL * pull
      }
    }
    odds = next
  }
  return odds
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x))
}

/**
 * A matte at the size of a larger picture, its outline drawn along that picture's edges (guided filter on the luma).
 * `coverage` [height · width] of the small size -> one channel of bytes.
 */
export function enlargeMatte(coverage: Float32Array, [width, height]: readonly [number, number], guide: Image): Image {
  const { width: toWidth, height: toHeight, channels, data } = guide
  const luma = new Float32Array(toWidth * toHeight)
  const matte = new Float32Array(toWidth * toHeight)
  for (let y = 0; y < toHeight; y++) {
    const v = Math.min(height - 1, Math.max(0, ((y + 0.5) * height) / toHeight - 0.5))
    const y0 = Math.floor(v)
    for (let x = 0; x < toWidth; x++) {
      const u = Math.min(width - 1, Math.max(0, ((x + 0.5) * width) / toWidth - 0.5))
      const x0 = Math.floor(u)
      const at = y0 * width + x0
      const [right, down] = [x0 + 1 < width ? 1 : 0, y0 + 1 < height ? width : 0]
      const [fu, fv] = [u - x0, v - y0]
      const i = y * toWidth + x
      matte[i] =
        (1 - fv) * ((1 - fu) * coverage[at] + fu * coverage[at + right]) + fv * ((1 - fu) * coverage[at + down] + fu * coverage[at + down + right])
      luma[i] =
        channels < 3
          ? data[i * channels] / 255
          : (0.2126 * data[i * channels] + 0.7152 * data[i * channels + 1] + 0.0722 * data[i * channels + 2]) / 255
    }
  }
  const radius = Math.max(2, Math.round((1.5 * toWidth) / width))
  const blur = (values: Float32Array): Float32Array => boxBlur(values, toWidth, toHeight, radius)
  const [meanI, meanP] = [blur(luma), blur(matte)]
  const meanIp = blur(luma.map((value, i) => value * matte[i]))
  const meanIi = blur(luma.map(value => value * value))
  const slope = meanIp.map((value, i) => (value - meanI[i] * meanP[i]) / (meanIi[i] - meanI[i] ** 2 + 1e-3))
  const offset = meanP.map((value, i) => value - slope[i] * meanI[i])
  const [a, b] = [blur(slope), blur(offset)]
  const out = new Uint8Array(luma.length)
  for (let i = 0; i < out.length; i++) out[i] = Math.round(255 * Math.min(1, Math.max(0, a[i] * luma[i] + b[i])))
  return { width: toWidth, height: toHeight, channels: 1, data: out }
}
