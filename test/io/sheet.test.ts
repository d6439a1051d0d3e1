import { describe, expect, it } from 'vitest'
import { isInked } from '../../src/io/pixelFont.ts'
import { enlarge, greyPicture, sheet, toImage } from '../../src/io/sheet.ts'

const flat = (width: number, height: number, value: number) => ({ width, height, rgb: new Float32Array(width * height * 3).fill(value) })

describe('toImage', () => {
  it('rounds and clamps to 8 bits', () => {
    const { data, channels } = toImage({ width: 2, height: 1, rgb: [0, 0.5, 1, -1, 2, 0.1] })
    expect(channels).toBe(3)
    expect([...data]).toEqual([0, 128, 255, 0, 255, 26])
  })
  it('names sizes that do not fit', () => {
    expect(() => toImage({ width: 2, height: 2, rgb: [0] })).toThrow('toImage: 2x2 needs 12 values, got 1; pass a whole picture')
  })
})

describe('enlarge', () => {
  it('repeats pixels', () => {
    const { width, height, rgb } = enlarge({ width: 2, height: 1, rgb: [0, 0, 0, 1, 1, 1] }, 2)
    expect([width, height]).toEqual([4, 2])
    expect(Array.from(rgb).filter((_, i) => i % 3 === 0)).toEqual([0, 0, 1, 1, 0, 0, 1, 1])
  })
  it('refuses a factor that is not whole', () => {
    expect(() => enlarge(flat(1, 1, 0), 1.5)).toThrow('factor is 1.5')
  })
})

describe('greyPicture', () => {
  it('maps low to black and high to white', () => {
    expect(Array.from(greyPicture(3, 1, [2, 3, 4], { low: 2, high: 4 }).rgb)).toEqual([0, 0, 0, 0.5, 0.5, 0.5, 1, 1, 1])
  })
})

describe('sheet', () => {
  it('places pictures of several sizes in columns, opaque on white', () => {
    const image = sheet([[flat(2, 2, 0), flat(3, 1, 0)], [flat(1, 1, 0)]], { gap: 1 })
    expect([image.width, image.height, image.channels]).toEqual([8, 6, 4]) // 1+2+1+3+1, 1+2+1+1+1
    const rows = Array.from({ length: 6 }, (_, y) => Array.from({ length: 8 }, (_, x) => (image.data[(y * 8 + x) * 4] === 0 ? '#' : '.')).join(''))
    expect(rows).toEqual(['........', '.##.###.', '.##.....', '........', '.#......', '........'])
    for (let i = 3; i < image.data.length; i += 4) expect(image.data[i]).toBe(255)
  })

  it('writes labels above the pictures, wrapped to the width', () => {
    const plain = sheet([[flat(30, 4, 0)]], { gap: 0 })
    const one = sheet([[{ ...flat(30, 4, 0), label: 'Ab' }]], { gap: 0 })
    const two = sheet([[{ ...flat(30, 4, 0), label: 'mouth open' }]], { gap: 0 })
    expect([plain.height, one.height, two.height]).toEqual([4, 14, 24])
    for (let y = 0; y < 8; y++) {
      for (let x = 0; x < 5; x++) {
        expect(one.data[(y * 30 + x) * 4] < 128, `A at ${x}, ${y}`).toBe(isInked('A', x, y))
        expect(one.data[(y * 30 + x + 6) * 4] < 128, `b at ${x}, ${y}`).toBe(isInked('b', x, y))
      }
    }
  })

  it('has ink for every printable letter but the space, none outside the cell, and a box for the rest', () => {
    const ink = (letter: string): number => Array.from({ length: 40 }, (_, i) => i).filter(i => isInked(letter, i % 5, Math.floor(i / 5))).length
    expect(ink(' ')).toBe(0)
    for (let code = 33; code < 127; code++) expect(ink(String.fromCharCode(code)), String.fromCharCode(code)).toBeGreaterThan(0)
    const shapes = Array.from({ length: 95 }, (_, i) =>
      Array.from({ length: 40 }, (_, p) => Number(isInked(String.fromCharCode(32 + i), p % 5, Math.floor(p / 5)))).join(''),
    )
    expect(new Set(shapes).size).toBe(95)
    expect(ink('é')).toBe(ink('\u007f'))
  })

  it('refuses an empty sheet', () => {
    expect(() => sheet([[]])).toThrow('sheet: no pictures')
  })
})
