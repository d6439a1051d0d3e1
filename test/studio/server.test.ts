import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type StudioServer, serveStudio } from '../../cli/studioServer.ts'

const folder = mkdtempSync(join(tmpdir(), 'faceclipnerf-studio-'))
const folders = { page: join(folder, 'page'), assets: join(folder, 'assets'), viewer: join(folder, 'viewer.js') }
const PORT = 18_760
let server: StudioServer

beforeAll(async () => {
  for (const name of ['page', 'assets/encoder', 'assets/captures']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folders.page, 'index.html'), '<p>studio</p>')
  writeFileSync(join(folders.assets, 'encoder/config.json'), '{}')
  writeFileSync(join(folders.assets, 'captures/secret.png'), 'x')
  writeFileSync(join(folder, 'ada.scene'), 'scene')
  writeFileSync(folders.viewer, 'viewer')
  server = await serveStudio(folders, [join(folder, 'ada.scene')], { port: PORT })
})
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: string
}

function ask(address: string, { method = 'GET', host, path }: { method?: string; host?: string; path?: string } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(address, { method, headers: host ? { host } : {}, ...(path && { path }) }, response => {
      let body = ''
      response.on('data', (part: Buffer) => (body += part.toString()))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    call.on('error', reject).end()
  })
}

test('the address has a long random token, and the page is there, isolated and with a policy', async () => {
  expect(server.url).toMatch(new RegExp(`^http://localhost:${PORT}/[\\w-]{22}/$`))
  const { status, headers, body } = await ask(server.url)
  expect([status, body]).toEqual([200, '<p>studio</p>'])
  expect(headers).toMatchObject({
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
    'content-type': 'text/html; charset=utf-8',
    'referrer-policy': 'no-referrer',
  })
  expect(headers['content-security-policy']).toContain("connect-src 'self'")
})

test('without the token there is nothing', async () => {
  const { origin } = new URL(server.url)
  for (const path of ['/', '/index.html', '/assets/encoder/config.json', '/AAAAAAAAAAAAAAAAAAAAAA/']) {
    const { status, body } = await ask(origin + path)
    expect([status, body]).toEqual([403, 'faceclipnerf studio: open the address that faceclipnerf studio printed, all of it\n'])
  }
})

test('a foreign name that points here gets nothing, token or not', async () => {
  expect((await ask(server.url, { host: 'evil.example' })).status).toBe(403)
  expect((await ask(server.url, { host: 'localhost.evil.example:80' })).status).toBe(403)
  expect((await ask(server.url, { host: `127.0.0.1:${PORT}` })).status).toBe(200)
})

test('the files it was given and the assets of the studio, nothing else', async () => {
  const session = JSON.parse((await ask(`${server.url}session.json`)).body)
  expect(session).toEqual({ files: [{ name: 'ada.scene', path: 'files/0' }] })
  expect((await ask(`${server.url}files/0`)).body).toBe('scene')
  expect((await ask(`${server.url}assets/encoder/config.json`)).body).toBe('{}')
  expect((await ask(`${server.url}assets/viewer.js`)).body).toBe('viewer')
  for (const path of ['files/1', 'assets/captures/secret.png', 'nothing.js']) expect((await ask(server.url + path)).status).toBe(404)
  const { pathname } = new URL(server.url)
  for (const path of ['../ada.scene', '..%2fada.scene', '%2e%2e/ada.scene', '..%5cada.scene'])
    expect((await ask(server.url, { path: pathname + path })).status).not.toBe(200)
})

test('it only gives', async () => {
  expect((await ask(server.url, { method: 'POST' })).status).toBe(405)
  const { status, body, headers } = await ask(`${server.url}files/0`, { method: 'HEAD' })
  expect([status, body, headers['content-length']]).toEqual([200, '', '5'])
})

test('the token alone leads to the page', async () => {
  const { status, headers } = await ask(server.url.replace(/\/$/, ''))
  expect([status, headers.location]).toEqual([308, new URL(server.url).pathname])
})

test('a busy port: the next one, or an error for one that was asked for', async () => {
  const second = await serveStudio(folders, [], { port: PORT })
  expect(new URL(second.url).port).toBe(String(PORT + 1))
  await second.close()
  await expect(serveStudio(folders, [], { port: PORT, tries: 0 })).rejects.toThrow(`studio: port ${PORT} is in use; choose another with --port`)
})

test('listens on this machine alone', async () => {
  await new Promise<void>((resolve, reject) => {
    const call = get({ host: '127.0.0.2', port: PORT, timeout: 500 }, () => reject(new Error('answered')))
    call.on('error', () => resolve())
  })
})
