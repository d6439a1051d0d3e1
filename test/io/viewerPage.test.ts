import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { DIGITAL_SOURCE_TYPE } from '../../src/io/syntheticMedia.ts'
import { viewerPage } from '../../src/io/viewerPage.ts'

const VIEWER = 'faceclipnerf("</script><!-- </SCRIPT>")'
const scene = { kind: 'scene' as const, name: 'a.scene', bytes: Uint8Array.from({ length: 100_000 }, (_, i) => (i * i) & 255) }
const edit = { kind: 'edit' as const, name: '<b>.edit', bytes: Uint8Array.of(1, 2, 3) }

describe('viewerPage', () => {
  it('carries its files, whatever they are called', async () => {
    const page = await viewerPage({ viewer: VIEWER, files: [scene, edit], title: 'A & <i>B</i>', frames: [{ label: '</script>', frame: '0' }] })
    const [, description] = /<script type="application\/json" id="faceclipnerf">(.*?)<\/script>/.exec(page) ?? []
    expect(JSON.parse(description)).toEqual({
      title: 'A & <i>B</i>',
      scene: 'face',
      files: [
        { kind: 'scene', name: 'a.scene' },
        { kind: 'edit', name: '<b>.edit' },
      ],
      frames: [{ label: '</script>', frame: '0' }],
    })
    for (const [i, { bytes }] of [scene, edit].entries()) {
      const [, packed] = new RegExp(`id="file-${i}">(.*?)</script>`).exec(page) ?? []
      expect(gunzipSync(Buffer.from(packed, 'base64')).equals(bytes)).toBe(true)
    }
    expect(page).toContain('<title>A &#38; &#60;i&#62;B&#60;/i&#62;</title>')
    // as many elements end as begin: no text ends one early
    expect(page.match(/<script/gi)).toHaveLength(page.match(/<\/script>/gi)?.length ?? 0)
    expect(page).not.toContain('<!--')
  })

  it('says in its head and at its foot that it is synthetic, and fetches nothing', async () => {
    const page = await viewerPage({ viewer: VIEWER, files: [scene], about: { scene: 'ada', prompt: 'a "surprised" face' } })
    expect(page).toContain(`<meta name="digitalSourceType" content="${DIGITAL_SOURCE_TYPE}">`)
    expect(page).toContain('<footer class="note">Synthetic media: a face computed by faceclipnerf')
    expect(page).toContain("default-src 'none'")
    expect(page.replaceAll(DIGITAL_SOURCE_TYPE, '')).not.toMatch(/https?:/)
  })

  it('refuses what is no page', async () => {
    await expect(viewerPage({ viewer: VIEWER, files: [edit] })).rejects.toThrow('viewerPage: 0 scenes; give one')
    await expect(viewerPage({ viewer: '', files: [scene] })).rejects.toThrow('has 0 letters and is none; pass the text of dist/viewer.js')
  })
})
