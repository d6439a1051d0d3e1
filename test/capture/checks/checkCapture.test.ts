/** What the doctor of captures says of a good one, and of the same one with faults put in. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Capture, loadCapture } from '../../../src/capture/capture.ts'
import { checkCapture, type Finding } from '../../../src/capture/checks/checkCapture.ts'
import { captureReport, expressionFindings } from '../../../src/eval/captureReport.ts'
import { type FileSource, fileMap, folder } from '../../../src/io/files.ts'

const FOLDER = 'assets/captures/ada-mini'
let capture: Capture
let source: FileSource
beforeAll(async () => {
  source = await folder(FOLDER)
  capture = await loadCapture(source, { downscale: 2 })
})

const level = (findings: readonly Finding[], topic: string): string[] =>
  findings.filter(finding => finding.topic === topic).map(finding => finding.level)

describe('checkCapture', () => {
  it('finds nothing wrong with a good capture but its few frames', async () => {
    const { findings, suspects, viewpoints } = await checkCapture(capture, source)
    expect(findings.filter(finding => finding.level !== 'good').map(finding => finding.topic)).toEqual(['frames'])
    expect(suspects).toEqual([])
    const yaws = viewpoints.views.map(view => view.yaw)
    // the protocol of the capture: about ±33 degrees
    expect(Math.min(...yaws)).toBeLessThan(-25)
    expect(Math.max(...yaws)).toBeGreaterThan(25)
  })

  it.each([
    ['near behind the face', 'near and far', (c: Capture): Capture => ({ ...c, near: 0.9 * (c.near + c.far) * 0.5 })],
    ['far before the head', 'near and far', (c: Capture): Capture => ({ ...c, near: 0.001, far: 0.1 })],
    ['views from one side', 'viewpoints', (c: Capture): Capture => ({ ...c, frames: c.frames.slice(0, 4) })],
    [
      'light that flickers',
      'light',
      (c: Capture): Capture => ({ ...c, frames: c.frames.map((f, i) => ({ ...f, image: f.image.map(v => v * (i % 2 ? 0.7 : 1)) })) }),
    ],
    ['no masks', 'masks', (c: Capture): Capture => ({ ...c, frames: c.frames.map(({ mask: _, ...f }) => f) })],
    ['a head cut off above', 'framing', (c: Capture): Capture => ({ ...c, frames: c.frames.map(f => ({ ...f, mask: f.mask?.map(() => 1) })) })],
  ])('sees %s', async (_, topic, spoil) => {
    const { findings } = await checkCapture(spoil(capture), source)
    expect(level(findings, topic).some(found => found !== 'good')).toBe(true)
  })

  it('names cameras that jump, tilt or look away', async () => {
    const frames = capture.frames.map((frame, i) => {
      const { camera } = frame
      const [right, down, forward] = camera.orientation
      if (i === 10)
        return {
          ...frame,
          camera: { ...camera, position: [camera.position[0] + 0.3, camera.position[1], camera.position[2]] as [number, number, number] },
        }
      if (i === 20) return { ...frame, camera: { ...camera, orientation: [down, right.map(v => -v), forward] as typeof camera.orientation } }
      if (i === 30)
        return { ...frame, camera: { ...camera, orientation: [right.map(v => -v), down, forward.map(v => -v)] as typeof camera.orientation } }
      return frame
    })
    const { suspects } = await checkCapture({ ...capture, frames }, source)
    const ids = suspects.map(({ id }) => id)
    for (const i of [10, 20, 30]) expect(ids).toContain(capture.frames[i].id)
    expect(suspects.length).toBeLessThan(8)
  })
})

describe('captureReport', () => {
  it('is one file that needs nothing else, with names escaped', async () => {
    const checks = await checkCapture({ ...capture, name: '<ada> & "co"' }, source)
    const html = await captureReport(checks, {
      names: ['jawOpen', 'mouthSmile_L'],
      coefficients: [Float32Array.from([0, 0.1]), Float32Array.from([0.9, 0.1])],
    })
    expect(html).toContain('&#60;ada&#62;')
    expect(html).not.toContain('<ada>')
    expect(html).not.toMatch(/src="(?!data:)|href=/)
    expect(html).toContain('jaw open')
    expect(html).toContain('mouth smile left')
  })

  it('draws the frames of the video where capture.json knows them', async () => {
    const records = Array.from({ length: 30 }, (_, i) => [
      i,
      i / 10,
      100 + i,
      0.5,
      i % 3 === 0 ? null : i === 4 ? 'blurred' : 'a sharper one beside it',
    ])
    const json = new TextEncoder().encode(JSON.stringify({ video: { records } }))
    const checks = await checkCapture(capture, fileMap(new Map([['capture.json', json]]), 'x'))
    expect(checks.records).toHaveLength(30)
    expect(await captureReport(checks)).toContain('10 of 30 frames were kept')
  })

  it('says when the face hardly moves', () => {
    const still = { names: ['jawOpen'], coefficients: [Float32Array.from([0.1]), Float32Array.from([0.2])] }
    expect(expressionFindings(still)[0]).toMatchObject({ level: 'warning', topic: 'expressions' })
  })
})
