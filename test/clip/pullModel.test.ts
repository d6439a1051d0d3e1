/** Downloads against a hub that breaks off, lies, redirects and refuses; the cache they leave; and the encoder that loads from it. */
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { run } from '../../cli/run.ts'
import { loadEncoder } from '../../src/clip/clipModel.ts'
import { importModel } from '../../src/clip/importModel.ts'
import { cacheFolder, type FileCheck, listModels, verifySnapshot } from '../../src/clip/modelCache.ts'
import { modelName } from '../../src/clip/modelNames.ts'
import { type PulledModel, type PullOptions, type PullStep, pullModel } from '../../src/clip/pullModel.ts'
import { fakeTerminal } from '../cli/fakeTerminal.ts'
import { plainDevice } from '../tensor/plainDevice.ts'
import { COMMIT, gitHash, type HubServer, hubServer, sha256 } from './hubServer.ts'

const NAME = 'openai/clip-vit-base-patch32'
const ENCODER = ['config.json', 'tokenizer.json', 'preprocessor_config.json', 'model.safetensors']
const read = (file: string): Uint8Array => new Uint8Array(readFileSync(new URL(`../../assets/encoder/${file}`, import.meta.url)))
const files = new Map(ENCODER.map(file => [file, read(file)]))
const weights = files.get('model.safetensors') ?? new Uint8Array()
/** Long enough for a busy machine; what falls silent has its own. */
const HASTE = { attempts: 3, waitMs: 5, stallMs: 20_000 }

const scratch = mkdtempSync(join(tmpdir(), 'faceclipnerf-hub-'))
let cache = ''
let hub: HubServer
let count = 0
beforeEach(async () => {
  cache = join(scratch, `cache${count++}`)
  hub = await hubServer(files)
})
afterEach(() => hub[Symbol.asyncDispose]())
afterAll(() => rmSync(scratch, { recursive: true }))

const environment = (more: Record<string, string> = {}) => ({ HF_ENDPOINT: hub.url, HF_HUB_CACHE: cache, ...more })
async function pull(name = NAME, options: PullOptions = {}): Promise<{ model: PulledModel; steps: PullStep[] }> {
  const work = pullModel(name, { environment: environment(), patience: HASTE, ...options })
  const steps: PullStep[] = []
  for (;;) {
    const { done, value } = await work.next()
    if (done) return { model: value, steps }
    steps.push(value)
  }
}
/** Comparing byte by byte with toEqual would take minutes. */
const isFile = (path: string, bytes: Uint8Array = new Uint8Array()): boolean => Buffer.compare(readFileSync(path), bytes) === 0
async function checksOf(path: string): Promise<FileCheck[]> {
  const checks: FileCheck[] = []
  for await (const check of verifySnapshot(path)) checks.push(check)
  return checks
}
const blobs = (): string[] => readdirSync(join(cache, 'models--openai--clip-vit-base-patch32/blobs')).sort()
const isWeights = (request: { url?: string }): boolean => request.url?.startsWith('/cdn/model.safetensors') ?? false

describe('the cache', () => {
  it('has the layout of huggingface_hub: blobs by hash, links, the ref last', async () => {
    const { model, steps } = await pull()
    const bytes = [...files.values()].reduce((sum, file) => sum + file.length, 0)
    const folder = join(cache, 'models--openai--clip-vit-base-patch32')
    expect(model).toEqual({ repository: NAME, commit: COMMIT, path: join(folder, 'snapshots', COMMIT), bytes })
    expect(readFileSync(join(folder, 'refs/main'), 'utf8')).toBe(COMMIT)
    expect(blobs()).toEqual([...files.values()].map(file => (file.length > 2000 ? sha256(file) : gitHash(file))).sort())
    for (const file of ENCODER) {
      expect(lstatSync(join(model.path, file)).isSymbolicLink()).toBe(true)
      expect(isFile(join(model.path, file), files.get(file))).toBe(true)
    }
    expect(steps.at(-1)).toEqual({ stage: 'verify', file: 'model.safetensors', received: bytes, total: bytes })
    expect(await listModels(cache)).toMatchObject([{ repository: NAME, commit: COMMIT, revisions: ['main'], bytes, files: [...ENCODER].sort() }])
  })

  it('is looked at before downloading again, is repaired, and is what loadEncoder finds by name', async () => {
    const { model } = await pull()
    hub.log.length = 0
    await pull()
    expect(hub.log).toHaveLength(1)
    const blob = join(model.path, '../../blobs', sha256(weights))
    writeFileSync(
      blob,
      weights.map((byte, i) => (i === 5000 ? byte ^ 1 : byte)),
    )
    const states = async () => Object.fromEntries((await checksOf(model.path)).map(({ file, state }) => [file, state]))
    expect(await states()).toMatchObject({ 'model.safetensors': 'damaged', 'config.json': 'good' })
    await pull()
    expect(await states()).toMatchObject({ 'model.safetensors': 'good' })
    process.env.HF_HUB_CACHE = cache
    try {
      const encoder = await loadEncoder(plainDevice('single'), NAME)
      expect(encoder).toMatchObject({ name: NAME, embeddingSize: 128 })
      expect((await loadEncoder(plainDevice('single'), 'ViT-B/32')).name).toBe(NAME)
      await expect(loadEncoder(plainDevice('single'), 'openai/clip-vit-base-patch16')).rejects.toThrow(
        `openai/clip-vit-base-patch16: neither a folder nor a model in the cache ${cache}; download it with: faceclipnerf models pull openai/clip-vit-base-patch16`,
      )
    } finally {
      delete process.env.HF_HUB_CACHE
    }
  })

  it('takes a folder by hand, checked, for machines without internet', async () => {
    const source = new URL('../../assets/encoder', import.meta.url).pathname
    const model = await importModel(source, 'someone/face', { environment: environment() })
    expect(existsSync(join(model.path, 'expression_head.safetensors'))).toBe(true)
    expect((await importModel(source, 'someone/face', { environment: environment() })).commit).toBe(model.commit)
    const checks = await checksOf(model.path)
    expect(checks.every(({ state }) => state === 'good')).toBe(true)
    await expect(importModel(scratch, 'a/b', { environment: environment() })).rejects.toThrow(
      /config\.json: an encoder folder without a config\.json; pass the folder of a CLIP/,
    )
  })
})

describe('a bad line', () => {
  it('breaks off: the download goes on from there, also in a later run', async () => {
    let breaks = 0
    hub.trick = (request, response) => {
      if (!isWeights(request) || breaks++ > 3) return false
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
      response.writeHead(start > 0 ? 206 : 200, {
        'content-length': weights.length - start,
        ...(start > 0 && { 'content-range': `bytes ${start}-${weights.length - 1}/${weights.length}` }),
      })
      response.write(weights.subarray(start, start + 50_000), () => setTimeout(() => response.destroy(), 50))
      return true
    }
    const { model } = await pull()
    expect(isFile(join(model.path, 'model.safetensors'), weights)).toBe(true)
    expect(
      hub.log
        .filter(line => line.includes('/cdn/model.safetensors'))
        .slice(1)
        .every(line => /bytes=\d+-$/.test(line)),
    ).toBe(true)
  })

  it('stays broken: what came is kept, and the next run asks for the rest alone', async () => {
    hub.trick = (request, response) => {
      if (!isWeights(request)) return false
      if (request.headers.range) {
        response.destroy()
      } else {
        response.writeHead(200, { 'content-length': weights.length })
        response.write(weights.subarray(0, 1000), () => setTimeout(() => response.destroy(), 50))
      }
      return true
    }
    await expect(pull()).rejects.toThrow(
      new RegExp(`resolve/${COMMIT}/model\\.safetensors: .*; 1000 of ${weights.length} bytes are kept, run the command again to go on`),
    )
    expect(existsSync(join(cache, 'models--openai--clip-vit-base-patch32/refs/main'))).toBe(false)
    hub.trick = () => false
    hub.log.length = 0
    await pull()
    expect(hub.log.filter(line => line.includes('/cdn/'))).toEqual(['GET /cdn/model.safetensors bytes=1000-'])
  })

  it('falls silent: noticed and retried', async () => {
    let silent = 0
    hub.trick = (request, response) => {
      if (!isWeights(request) || silent++ > 0) return false
      response.writeHead(200, { 'content-length': weights.length })
      response.write(weights.subarray(0, 1000))
      return true
    }
    await pull(NAME, { patience: { attempts: 20, waitMs: 5, stallMs: 500 } })
    expect(silent).toBeGreaterThan(1)
  })

  it('can be cut by Ctrl-C, and the rest fetched later', async () => {
    const controller = new AbortController()
    hub.trick = (request, response) => {
      if (!isWeights(request)) return false
      response.writeHead(200, { 'content-length': weights.length })
      response.write(weights.subarray(0, 3000), () => controller.abort())
      return true
    }
    await expect(pull(NAME, { signal: controller.signal })).rejects.toThrow(/abort/)
    hub.trick = () => false
    await pull()
  })
})

describe('a bad server', () => {
  const answer = (status: number, headers: Record<string, string> = {}) => {
    hub.trick = (_, response) => {
      response.writeHead(status, headers)
      response.end('no')
      return true
    }
  }
  it.each([
    [401, /openai\/clip-vit-base-patch32: not there or not open to you \(401\); check the name, accept the terms on its page, and set HF_TOKEN/],
    [403, /not open to you \(403\)/],
    [404, /no such model or revision \(404\); check the name/],
    [429, /too many requests \(429\); wait some minutes, or set HF_TOKEN/],
    [500, /the server fails \(500\); try again later, or set HF_ENDPOINT to a mirror/],
    [418, /the server answered 418; check HF_ENDPOINT/],
  ])('answers %i', async (status, message) => {
    answer(status, { 'retry-after': '0' })
    await expect(pull()).rejects.toThrow(message)
    // refusals are not repeated, a busy or failing server is asked as often as patience says
    expect(hub.log).toHaveLength(status === 429 || status === 500 ? HASTE.attempts : 1)
  })
  it('is busy at first', async () => {
    hub.trick = (_, response, n) => {
      if (n > 2) return false
      response.writeHead(n === 1 ? 429 : 503, { 'retry-after': '0' })
      response.end()
      return true
    }
    await pull()
  })
  it('answers 401 for the weights alone (gated)', async () => {
    hub.trick = (request, response) => {
      if (!isWeights(request)) return false
      response.writeHead(401)
      response.end()
      return true
    }
    await expect(pull()).rejects.toThrow(/not open to you \(401\)/)
  })
  it('lies about the length: refused, with both numbers', async () => {
    hub.trick = (request, response) => {
      if (!isWeights(request)) return false
      response.writeHead(200, { 'content-length': 1234 })
      response.end(weights.subarray(0, 1234))
      return true
    }
    await expect(pull()).rejects.toThrow(new RegExp(`announces 1234 bytes for a file of ${weights.length}`))
  })
  it('sends more than the file has, without a length', async () => {
    hub.trick = (request, response) => {
      if (!isWeights(request)) return false
      response.write(weights)
      response.end('more')
      return true
    }
    await expect(pull()).rejects.toThrow(new RegExp(`sends more than the ${weights.length} bytes of the file`))
  })
  it('sends other bytes: the hash tells, and they are not kept', async () => {
    hub.trick = (request, response) => {
      if (!isWeights(request)) return false
      response.end(weights.map(byte => byte ^ 1))
      return true
    }
    await expect(pull()).rejects.toThrow(
      /the bytes do not have the hash [0-9a-f]{64}: damaged on the way, or changed; "model\.safetensors" was removed/,
    )
    expect(blobs().filter(name => name.startsWith(sha256(weights)))).toEqual([])
  })
  it('ignores ranges: the file is taken from the start', async () => {
    const { model } = await pull()
    rmSync(join(model.path, '../../blobs', sha256(weights)))
    writeFileSync(join(model.path, '../../blobs', `${sha256(weights)}.incomplete`), weights.subarray(0, 777))
    hub.trick = (request, response) => {
      if (!isWeights(request)) return false
      response.writeHead(200, { 'content-length': weights.length })
      response.end(weights)
      return true
    }
    await pull()
    expect(isFile(join(model.path, 'model.safetensors'), weights)).toBe(true)
  })
  it('refuses a range: the file is taken from the start, once', async () => {
    const { model } = await pull()
    const blob = join(model.path, '../../blobs', sha256(weights))
    rmSync(blob)
    writeFileSync(`${blob}.incomplete`, weights.subarray(0, 777))
    hub.trick = (request, response) => {
      if (!isWeights(request) || !request.headers.range) return false
      response.writeHead(416, { 'content-range': `bytes */${weights.length}` })
      response.end()
      return true
    }
    await pull()
    expect(isFile(blob, weights)).toBe(true)
  })
  it('redirects in a ring, or answers no JSON, or is not there: said without retrying for ever', async () => {
    hub.trick = (_, response) => {
      response.writeHead(302, { location: '/again' })
      response.end()
      return true
    }
    await expect(pull()).rejects.toThrow(/cannot be reached \(redirect count exceeded\)/)
    hub.trick = (_, response) => {
      response.end('<html>')
      return true
    }
    const asked = hub.log.length
    await expect(pull()).rejects.toThrow(/answers "<html>", which no hub does; check HF_ENDPOINT, and log in to the network/)
    expect(hub.log.length).toBe(asked + 1)
    await expect(pull(NAME, { environment: environment({ HF_ENDPOINT: 'http://127.0.0.1:9' }) })).rejects.toThrow(
      /cannot be reached \(.*\); check the connection, HTTPS_PROXY/,
    )
    await expect(pull(NAME, { environment: environment({ HF_ENDPOINT: 'hub.local' }) })).rejects.toThrow(
      /HF_ENDPOINT is "hub\.local"; give an address/,
    )
  })
  it('gives paths that would leave the cache, or no hashes', async () => {
    const siblings = (list: object[]) => {
      hub.trick = (_, response) => {
        response.end(JSON.stringify({ sha: COMMIT, siblings: list }))
        return true
      }
    }
    siblings([{ rfilename: '../../evil.json', size: 1, blobId: 'a'.repeat(40) }])
    await expect(pull()).rejects.toThrow(/no config\.json, no weights, no a tokeniser|no config\.json/)
    siblings([{ rfilename: 'config.json', size: 1, blobId: '../evil' }])
    await expect(pull()).rejects.toThrow(/gives no size and hash for "config\.json"/)
    hub.trick = (_, response) => {
      response.end(JSON.stringify({ sha: '../evil', siblings: [] }))
      return true
    }
    await expect(pull()).rejects.toThrow(/the answer has no commit and files; check HF_ENDPOINT/)
    expect(existsSync(join(scratch, 'evil.json'))).toBe(false)
  })
})

describe('settings', () => {
  it('the token goes to the hub and not to where it redirects', async () => {
    const seen: [string, string | undefined][] = []
    await using elsewhere = await hubServer(files)
    elsewhere.trick = request => {
      seen.push(['cdn', request.headers.authorization])
      return false
    }
    hub.trick = (request, response) => {
      seen.push(['hub', request.headers.authorization])
      if (!request.url?.includes('/resolve/')) return false
      response.writeHead(302, { location: `${elsewhere.url}/cdn/${request.url.split('/').at(-1)}` })
      response.end()
      return true
    }
    await pull(NAME, { environment: environment({ HF_TOKEN: ' hf_secret\n' }) })
    expect(new Set(seen.map(([where, token]) => `${where} ${token}`))).toEqual(new Set(['hub Bearer hf_secret', 'cdn undefined']))
  })
  it('a revision is asked for, pinned by a commit, or refused', async () => {
    await pull(NAME, { revision: 'refs/pr/3' })
    expect(hub.log[0]).toBe('GET /api/models/openai/clip-vit-base-patch32/revision/refs%2Fpr%2F3')
    expect(readFileSync(join(cache, 'models--openai--clip-vit-base-patch32/refs/refs/pr/3'), 'utf8')).toBe(COMMIT)
    await pull(`${NAME}@${COMMIT}`)
    await expect(pull(NAME, { revision: '../../evil' })).rejects.toThrow(/the revision "\.\.\/\.\.\/evil" is no branch, tag or commit/)
  })
  it('HF_HUB_OFFLINE keeps everything at home', async () => {
    for (const value of ['1', 'true', 'ON'])
      await expect(pull(NAME, { environment: environment({ HF_HUB_OFFLINE: value }) })).rejects.toThrow(/HF_HUB_OFFLINE is set/)
    expect(hub.log).toEqual([])
  })
  it('HF_HOME and XDG_CACHE_HOME say where the cache is', async () => {
    const { model } = await pull(NAME, { environment: { HF_ENDPOINT: hub.url, HF_HOME: join(cache, 'home') } })
    expect(model.path.startsWith(join(cache, 'home/hub/models--'))).toBe(true)
    const { model: other } = await pull(NAME, { environment: { HF_ENDPOINT: hub.url, XDG_CACHE_HOME: cache } })
    expect(other.path.startsWith(join(cache, 'huggingface/hub/models--'))).toBe(true)
  })
  it("a path may begin with '~', and must be one where a folder can be", async () => {
    expect(await cacheFolder({ HF_HOME: '~/models' })).toBe(join(homedir(), 'models/hub'))
    expect(await cacheFolder({ HF_HUB_CACHE: '~' })).toBe(homedir())
    writeFileSync(cache, 'a file')
    await expect(pull()).rejects.toThrow(
      /openai--clip-vit-base-patch32: cannot be made \(ENOTDIR.*\); set HF_HOME to a folder that can be written to/,
    )
  })
  it('a token that is none is not sent, and not shown', async () => {
    const error = await pull(NAME, { environment: environment({ HF_TOKEN: 'hf_one\nhf_two' }) }).catch(String)
    expect(error).toMatch(/HF_TOKEN: is no access token, which is one word/)
    expect(error).not.toMatch(/hf_one|hf_two/)
    expect(hub.log).toEqual([])
  })
  it('a proxy is used, except for the hosts of NO_PROXY', async () => {
    const through: string[] = []
    const proxy = createServer()
    proxy.on('connect', (request, socket) => {
      through.push(request.url ?? '')
      const target = connect(Number(new URL(hub.url).port), '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
      target.pipe(socket).pipe(target)
      for (const end of [socket, target]) end.on('error', () => undefined)
    })
    await new Promise<void>(done => proxy.listen(0, '127.0.0.1', done))
    const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    const port = new URL(hub.url).port
    try {
      const proxied = { HF_ENDPOINT: `http://hub.invalid:${port}`, HTTP_PROXY: address, HF_HUB_CACHE: cache }
      await pull(NAME, { environment: proxied })
      expect(new Set(through)).toEqual(new Set([`hub.invalid:${port}`]))
      through.length = 0
      await pull(NAME, { environment: { ...environment(), HTTP_PROXY: address, NO_PROXY: '127.0.0.1' } })
      expect(through).toEqual([])
      await expect(pull(NAME, { environment: { ...proxied, HTTP_PROXY: 'proxy' } })).rejects.toThrow(
        /HTTP_PROXY is "proxy"; give the proxy as http:\/\/host:port/,
      )
    } finally {
      proxy.closeAllConnections()
      proxy.close()
    }
  })
  it('a SigLIP comes with its SentencePiece where it has no tokenizer.json', async () => {
    const repository = 'google/siglip-base-patch16-224'
    const tiny = (file: string): Uint8Array => new Uint8Array(readFileSync(new URL(`../golden/siglip_tiny/${file}`, import.meta.url)))
    const own = ['config.json', 'preprocessor_config.json', 'model.safetensors'].map(file => [file, tiny(file)] as const)
    const served = new Map([...own, ['spiece.model', new Uint8Array(10)], ['README.md', new Uint8Array(3)]])
    await using other = await hubServer(served, { repository })
    const { model } = await pull('ViT-B-16-SigLIP', { environment: { HF_ENDPOINT: other.url, HF_HUB_CACHE: cache } })
    expect(model.repository).toBe(repository)
    expect(readdirSync(model.path).sort()).toEqual(['config.json', 'model.safetensors', 'preprocessor_config.json', 'spiece.model'])
  })
  it('a model that cannot run is refused before its weights come', async () => {
    await using other = await hubServer(new Map([...files, ['config.json', new TextEncoder().encode('{"model_type":"siglip2"}')]]))
    await expect(pull(NAME, { environment: { HF_ENDPOINT: other.url, HF_HUB_CACHE: cache } })).rejects.toThrow(/NaFlex takes pictures of any shape/)
    expect(other.log.some(line => line.includes('model.safetensors'))).toBe(false)
  })
})

describe('names', () => {
  it.each([
    ['ViT-B/32', 'openai/clip-vit-base-patch32'],
    ['ViT-B-16', 'openai/clip-vit-base-patch16'],
    ['ViT-L/14@336px', 'openai/clip-vit-large-patch14-336'],
    ['ViT-L-14-quickgelu openai', 'openai/clip-vit-large-patch14'],
    ['ViT-B-32 laion2b_s34b_b79k', 'laion/CLIP-ViT-B-32-laion2B-s34B-b79K'],
    ['ViT-B-32:laion2b_s34b_b79k', 'laion/CLIP-ViT-B-32-laion2B-s34B-b79K'],
    ['ViT-B-16-SigLIP', 'google/siglip-base-patch16-224'],
    ['ViT-B-16-SigLIP:webli', 'google/siglip-base-patch16-224'],
    ['hf-hub:timm/ViT-SO400M-14-SigLIP-384', 'google/siglip-so400m-patch14-384'],
    ['ViT-B-16-SigLIP2', 'google/siglip2-base-patch16-224'],
    ['siglip2-large-patch16-256', 'google/siglip2-large-patch16-256'],
    ['google/siglip-base-patch16-224', 'google/siglip-base-patch16-224'],
    ['hf-hub:laion/CLIP-ViT-B-32-laion2B-s34B-b79K', 'laion/CLIP-ViT-B-32-laion2B-s34B-b79K'],
    ['someone/some-clip', 'someone/some-clip'],
  ])('%s is %s', (name, repository) => expect(modelName(name)).toEqual({ repository, revision: 'main' }))
  it.each([
    ['RN50', /its image tower is a ResNet/],
    ['google/siglip2-base-patch16-naflex', /NaFlex takes pictures of any shape/],
    ['coca_ViT-B-32', /CoCa pools by attention/],
    ['EVA02-B-16', /EVA-CLIP has rotary positions/],
    ['convnext_base_w', /ConvNeXt/],
    ['MobileCLIP-S1', /hybrid of convolutions/],
    ['a/../b', /not the name of a model/],
  ])('%s is refused with the reason', (name, message) => expect(() => modelName(name)).toThrow(message))
})

describe('faceclipnerf models', () => {
  const cli = async (...argv: string[]) => {
    const terminal = fakeTerminal()
    Object.assign(process.env, environment())
    const code = await run(['models', ...argv], terminal).finally(() => {
      for (const name of Object.keys(environment())) delete process.env[name]
    })
    return { code, out: terminal.stdout, err: terminal.stderr }
  }
  it('pulls, lists, verifies and imports', async () => {
    expect(await cli('list')).toMatchObject({ code: 0, err: expect.stringMatching(/no models in .*; download one with/) })
    expect(await cli('verify')).toMatchObject({ code: 0, err: expect.stringMatching(/no models in/) })
    const pulled = await cli('pull', NAME)
    expect(pulled.code, pulled.err).toBe(0)
    expect(pulled.out).toMatch(
      /openai\/clip-vit-base-patch32 at 0123456789ab \(\d+\.\d MB\) in .*; use it with --encoder openai\/clip-vit-base-patch32/,
    )
    expect((await cli('list')).out).toMatch(/openai\/clip-vit-base-patch32 {2}main {2}0123456789ab {2}\d+\.\d MB {2}can be used/)
    const folder = join(cache, 'models--openai--clip-vit-base-patch32')
    for (const stray of ['', 'snapshots', 'refs']) writeFileSync(join(folder, stray, '.DS_Store'), 'x')
    expect((await cli('list')).code).toBe(0)
    expect((await cli('verify')).code).toBe(0)
    const blob = join(folder, 'blobs', sha256(weights))
    writeFileSync(blob, 'x')
    expect(await cli('verify', NAME)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/1 files are damaged or missing \(openai\/clip-vit-base-patch32\/model\.safetensors\); repair with/),
    })
    expect((await cli('import', 'assets/encoder', '--name', 'me/face')).out).toMatch(/me\/face/)
    expect(
      (await cli('list', '--json')).out
        .trim()
        .split('\n')
        .map(line => JSON.parse(line)),
    ).toMatchObject([
      { event: 'model', repository: 'me/face', usable: true },
      { event: 'model', repository: NAME, usable: false, reason: expect.stringMatching(/too short for a safetensors file/) },
    ])
  })
})
