import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { baseUrl, type FileSource, fileMap, folder, openSource, writeAtomic } from '../../src/io/files.ts'

let place: string
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'faceclipnerf-files-'))
})
afterEach(() => rmSync(place, { recursive: true }))

const text = (value: string) => new TextEncoder().encode(value)

describe('file sources', () => {
  async function check(source: FileSource) {
    expect([...(await source.read('sub/b #1.txt'))]).toEqual([...text('two')])
    expect(await source.exists('sub/b #1.txt')).toBe(true)
    expect(await source.exists('sub/c.txt')).toBe(false)
    await expect(source.read('sub/c.txt')).rejects.toThrow(/c\.txt: .+; .+/)
  }

  it('reads a folder', async () => {
    await writeAtomic(join(place, 'sub', 'b #1.txt'), text('two'))
    await writeAtomic(join(place, 'a.txt'), text('one'))
    const source = await openSource(place)
    await check(source)
    expect(await source.list('')).toEqual(['a.txt', 'sub'])
    expect(await source.list('none')).toEqual([])
    await expect(folder(join(place, 'none'))).rejects.toThrow(/none: no such folder/)
    await expect(folder(join(place, 'a.txt'))).rejects.toThrow(/a.txt: not a folder/)
  })

  it('reads a map of files and bytes', async () => {
    const source = fileMap(
      new Map<string, Blob | Uint8Array>([
        ['sub/b #1.txt', new Blob(['two'])],
        ['a.txt', text('one')],
      ]),
      'picked',
    )
    await check(source)
    expect(await source.list('')).toEqual(['a.txt', 'sub'])
    expect(await source.list('sub')).toEqual(['b #1.txt'])
  })

  it('reads a web address', async () => {
    const server = createServer((request, response) => {
      const found = decodeURIComponent(request.url ?? '') === '/cap/sub/b #1.txt'
      response.writeHead(found ? 200 : 404).end(found ? 'two' : undefined)
    })
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/cap`
    const source = await openSource(url)
    expect(source.name).toBe('cap')
    await check(source)
    await expect(source.list('')).rejects.toThrow(/cannot list/)
    await new Promise(done => server.close(done))
    await expect(baseUrl(url).read('a.txt')).rejects.toThrow(/a\.txt: cannot be fetched/)
  })
})

describe('writeAtomic', () => {
  it('replaces a file and leaves nothing else', async () => {
    const path = join(place, 'ada.scene')
    await writeAtomic(path, text('old'))
    await writeAtomic(path, text('new'))
    expect(readFileSync(path, 'utf8')).toBe('new')
    expect(readdirSync(place)).toEqual(['ada.scene'])
  })

  it.each(['writeFile', 'sync', 'close'] as const)('keeps the old file when the disk fills up in %s', async step => {
    const path = join(place, 'ada.scene')
    writeFileSync(path, 'old')
    const full = async () => {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    }
    const fullDisk = async (temporary: string) => {
      const handle = await open(temporary, 'wx')
      await handle.write(text('ne'))
      const closing = async () => {
        await handle.close()
        if (step === 'close') await full()
      }
      const write = step === 'writeFile' ? full : (bytes: Uint8Array) => handle.writeFile(bytes)
      return { writeFile: write, sync: step === 'sync' ? full : () => handle.sync(), close: closing }
    }
    await expect(writeAtomic(path, text('new'), { open: fullDisk })).rejects.toThrow(
      `${path}: could not write 3 bytes (ENOSPC: no space left on device, write); the old file is unchanged; free some disk space`,
    )
    expect(readFileSync(path, 'utf8')).toBe('old')
    expect(readdirSync(place)).toEqual(['ada.scene'])
  })

  it('says so when the target is a folder', async () => {
    await expect(writeAtomic(place, text('x'))).rejects.toThrow(
      /could not write 1 bytes .*nothing was written; there is a folder of that name, choose another/,
    )
  })
})
