/** Faces of a path's timeline: an edit whose anchors have strengths of their own, on the demo's scene. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pathExpressions } from '../../cli/pathFile.ts'
import { loadScene, openDevice, render, scaleCamera } from '../../src/node.ts'
import { unzip } from '../../studio/src/worker/zip.ts'
import { ROOT, scratchFolder } from '../house/scratchBuild.ts'

test('gains weaken the anchors of an edit, and their number is checked', async () => {
  const folder = scratchFolder('path-file')
  const files = await unzip(Uint8Array.from(readFileSync(join(ROOT, 'assets/demo/ada.zip'))), 'ada.zip')
  const bytesOf = (ending: string): Uint8Array => files.find(file => file.name.endsWith(ending))?.bytes ?? new Uint8Array()
  writeFileSync(join(folder, 's.edit'), bytesOf('.edit'))
  using device = await openDevice({ kind: 'cpu' })
  const scene = await loadScene(device, bytesOf('.scene'), 'ada.scene')
  const path = join(folder, 'p.json')
  const anchors = 4
  const strengths = [new Array<number>(anchors).fill(1), new Array<number>(anchors).fill(0)]
  const { timed } = await pathExpressions(scene, path, [
    { time: 0, edit: 's.edit', strength: 1 },
    ...strengths.map((gains, i) => ({ time: i + 1, edit: 's.edit', strength: 1, gains })),
  ])
  const camera = scaleCamera(scene.trainingCameras[0], 0.5)
  const pictures = await Promise.all(
    [...timed.map(({ codes }) => codes), scene.referenceField].map(async codes => codes && (await render(scene, camera, codes)).rgb),
  )
  const apart = (i: number, k: number): number => Math.max(...(pictures[i] ?? []).map((v, at) => Math.abs(v - (pictures[k]?.[at] ?? Number.NaN))))
  expect([apart(0, 1), apart(2, 3)].map(v => v < 1e-3)).toEqual([true, true])
  expect(apart(0, 3)).toBeGreaterThan(0.05)
  await expect(pathExpressions(scene, path, [{ time: 0, edit: 's.edit', gains: [1] }])).rejects.toThrow(
    `s.edit: the path has 1 "gains" for it, and it mixes ${anchors} anchors; correct the path's timeline`,
  )
})
