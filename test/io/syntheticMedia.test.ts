/** The synthetic-media tag of pictures, read back by another program's decoder. */
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { decodeImage, encodePng, encodeWebp, type Image } from '../../src/io/imageCodec.ts'
import { DIGITAL_SOURCE_TYPE, syntheticMediaFields, syntheticMediaNote, syntheticMediaXmp } from '../../src/io/syntheticMedia.ts'
import { tagImage } from '../../src/io/tagImage.ts'
import { encodeWebpAnimation } from '../../src/io/webpAnimation.ts'

const ABOUT = { scene: 'ada', prompt: 'a "surprised" <face> & more' }
const NOTE = 'Synthetic media: a face computed by faceclipnerf, not a photograph (scene ada, edited to "a "surprised" <face> & more")'

function picture(channels: number): Image {
  return { width: 9, height: 5, channels, data: Uint8Array.from({ length: 45 * channels }, (_, i) => (i * 7 + (i % channels) * 60) & 255) }
}

describe('the words', () => {
  it('stay on one line', () => {
    expect(syntheticMediaNote(ABOUT)).toBe(NOTE)
    expect(syntheticMediaNote()).toBe('Synthetic media: a face computed by faceclipnerf, not a photograph')
    expect(syntheticMediaNote({ prompt: 'a\nb\0c' })).toContain('edited to "a b c"')
    expect(syntheticMediaFields({ scene: 'ada' })).toEqual({
      digitalSourceType: DIGITAL_SOURCE_TYPE,
      creatorTool: 'faceclipnerf',
      description: 'Synthetic media: a face computed by faceclipnerf, not a photograph (scene ada)',
      scene: 'ada',
    })
  })

  it('are escaped in XMP', () => {
    expect(syntheticMediaXmp(ABOUT)).toContain('&#34;surprised&#34; &#60;face&#62; &#38; more')
  })
})

describe('tagImage', () => {
  const kinds: [string, (image: Image) => Promise<Uint8Array>][] = [
    ['PNG', encodePng],
    ['lossy WebP', encodeWebp],
    ['lossless WebP', image => encodeWebp(image, 'lossless')],
    ['WebP animation', image => encodeWebpAnimation([image, image], 10, 'lossless')],
  ]
  for (const [kind, encode] of kinds)
    for (const channels of [3, 4])
      it(`${kind} of ${channels} channels says it to sharp, and shows the same pixels`, async () => {
        const plain = await encode(picture(channels))
        const tagged = tagImage(plain, ABOUT)
        const { xmp, width, height, pages, hasAlpha } = await sharp(tagged).metadata()
        expect(xmp?.toString()).toBe(syntheticMediaXmp(ABOUT))
        const before = await sharp(plain).metadata()
        expect({ width, height, pages, hasAlpha }).toEqual({ width: 9, height: before.height, pages: before.pages, hasAlpha: channels === 4 })
        expect(await decodeImage(tagged, 'tagged')).toEqual(await decodeImage(plain, 'plain'))
      })

  it('gives a PNG readable texts too', async () => {
    const { comments } = await sharp(tagImage(await encodePng(picture(1)), ABOUT)).metadata()
    expect(comments).toContainEqual({ keyword: 'Description', text: NOTE })
    expect(comments).toContainEqual({ keyword: 'Software', text: 'faceclipnerf' })
  })

  it.each([encodePng, encodeWebp])('replaces the tag of a picture that has one: %o', async encode => {
    const plain = await encode(picture(3))
    const twice = tagImage(tagImage(plain, {}), ABOUT)
    expect((await sharp(twice).metadata()).xmp?.toString()).toBe(syntheticMediaXmp(ABOUT))
    expect(twice).toEqual(tagImage(plain, ABOUT))
  })

  it('refuses other files', () => {
    expect(() => tagImage(new TextEncoder().encode('hello'))).toThrow('tagImage: 5 bytes that are no PNG and no WebP')
  })
})
