import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { drawFace } from '../../scripts/encoder/draw.ts'
import { CAPTIONS, type Expression, neutralExpression, randomExpression } from '../../scripts/encoder/expressions.ts'
import type { Person } from '../../scripts/encoder/person.ts'
import type { Rig } from '../../scripts/encoder/rig.ts'
import { SIZE, type Sitting } from '../../scripts/encoder/sitting.ts'
import { parseSafetensors } from '../../src/io/safetensors.ts'
import { HostRandom } from '../../src/tensor/hostRandom.ts'

const head = new Uint8Array(readFileSync(new URL('../../assets/encoder/expression_head.safetensors', import.meta.url)))
const NAMES = parseSafetensors(head, 'head').metadata.outputs.split(',')
const many = Array.from({ length: 3000 }, (_, i) => randomExpression(NAMES, new HostRandom(i, 1)))
const amount = ({ coefficients }: Expression, name: string): number => coefficients[NAMES.indexOf(name)]

/** Expressions one of whose sentences holds the words. */
const saying = (words: RegExp): Expression[] => many.filter(({ captions }) => captions.some(caption => words.test(caption)))

test.each<[RegExp, (e: Expression) => boolean]>([
  [/(?<!half )closed eyes|eyes shut/, e => Math.min(amount(e, 'eyeBlink_L'), amount(e, 'eyeBlink_R')) > 0.8],
  [/left eye(?!brow)/, e => amount(e, 'eyeBlink_L') > 0.8 && amount(e, 'eyeBlink_R') === 0],
  [/right eye(?!brow)/, e => amount(e, 'eyeBlink_R') > 0.8 && amount(e, 'eyeBlink_L') === 0],
  [/wide open eyes|wide eyes/, e => amount(e, 'eyeWide_L') > 0.6 && amount(e, 'eyeBlink_L') === 0],
  [/raised eyebrows|raised brows/, e => amount(e, 'browOuterUp_L') > 0.6],
  [/a smile$/, e => Math.max(amount(e, 'mouthSmile_L'), amount(e, 'mouthSmile_R')) > 0.6],
  [/opened mouth/, e => amount(e, 'jawOpen') > 0.4],
  [/surprised/, e => amount(e, 'browInnerUp_L') > 0.6 && amount(e, 'jawOpen') > 0.2],
])('%s is said of faces that do it', (words, does) => {
  const found = saying(words)
  expect(found.length).toBeGreaterThan(20)
  expect(found.filter(e => !does(e)).map(e => e.captions)).toEqual([])
})

test('sentences are whole, four a picture, and coefficients lie in 0 to 1', () => {
  for (const { captions, coefficients } of many) {
    expect(captions).toHaveLength(CAPTIONS)
    for (const caption of captions) expect(caption).toMatch(/^[a-z][a-z ,-]*[a-z]$/)
    expect(coefficients.every(c => c >= 0 && c <= 1)).toBe(true)
  }
})

test('the same seed says the same, and a face at rest has no expression', () => {
  expect(randomExpression(NAMES, new HostRandom(7, 1))).toEqual(many[7])
  const { coefficients, captions } = neutralExpression(NAMES, new HostRandom(7, 1))
  expect(coefficients.every(c => c === 0)).toBe(true)
  expect(captions.join()).not.toMatch(/closed|open|smil/)
})

/** Two squares before the camera, the nearer one moved aside by the only expression. */
function squares(): { rig: Rig; person: Person; sitting: Sitting } {
  const square = (z: number, size: number): number[] => [-size, -size, z, size, -size, z, size, size, z, -size, size, z]
  const neutral = Float32Array.from([...square(0, 4), ...square(2, 2)])
  const rig: Rig = {
    expressionNames: ['aside'],
    identityModes: 0,
    neutral,
    triangles: Uint32Array.of(0, 1, 2, 0, 2, 3, 4, 5, 6, 4, 6, 7),
    regionOf: Uint8Array.of(0, 0, 0, 0),
    regions: ['Face'],
    landmarks: [],
    addExpression: (positions, _, by) => {
      for (let v = 4; v < 8; v++) positions[3 * v] += 3 * by
    },
    addIdentity: () => {},
  }
  const [red, green] = [
    [1, 0, 0],
    [0, 1, 0],
  ]
  const person: Person = {
    head: neutral,
    colors: Float32Array.from([red, red, red, red, green, green, green, green].flat()),
    rest: { positions: new Float32Array(), triangles: new Uint32Array(), colors: new Float32Array() },
    lashes: false,
  }
  const sitting: Sitting = {
    rotation: [
      [1, 0, 0],
      [0, -1, 0],
      [0, 0, -1],
    ],
    target: [0, 0, 0],
    distance: 50,
    focal: (SIZE * 50) / 20,
    light: [0, 0, 1],
    key: [0.5, 0.5, 0.5],
    ambient: [0.2, 0.2, 0.2],
    room: new Float32Array(SIZE * SIZE * 3).fill(0.2),
  }
  return { rig, person, sitting }
}

test('the nearer surface is seen, an expression moves it, the room is behind', () => {
  const { rig, person, sitting } = squares()
  const at = (picture: Uint8Array, x: number, y: number): number[] => [...picture.slice(3 * (y * SIZE + x), 3 * (y * SIZE + x) + 3)]
  const [rest, aside] = [0, 1].map(amount => drawFace(rig, person, [amount], sitting))
  const middle = SIZE / 2
  const isGreen = ([r, g]: number[]): boolean => g > 100 && r < 80
  const isRed = ([r, g]: number[]): boolean => r > 100 && g < 80
  expect(isGreen(at(rest, middle, middle))).toBe(true)
  expect(isRed(at(aside, middle - 8, middle))).toBe(true)
  // x is the subject's left, which is the right of a picture from the front; 3 of 20 cm are 17 pixels
  expect(isGreen(at(aside, middle + 17, middle))).toBe(true)
  expect(isGreen(at(rest, middle + 17, middle))).toBe(false)
  expect(at(rest, 2, 2)).toEqual([124, 124, 124])
})
