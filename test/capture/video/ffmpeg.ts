/** Small videos for the tests, made by ffmpeg; a machine without it skips them loudly. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

export const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0
export const hasColmap = spawnSync('colmap', ['-h'], { env: { ...process.env, QT_QPA_PLATFORM: 'offscreen' } }).error === undefined

if (!hasFfmpeg) console.warn('SKIPPED: tests of videos need ffmpeg on PATH (apt-get install ffmpeg)')

/** A folder that goes when the tests of the file are over. */
export function scratch(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `faceclipnerf-${name}-`))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function ffmpeg(...args: string[]): void {
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...args])
}
