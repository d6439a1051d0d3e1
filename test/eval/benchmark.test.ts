/** The benchmark on a made-up scene: rows one at a time, none twice, and the tables they make. */
import { beforeAll, describe, expect, test } from 'vitest'
import { loadEncoder } from '../../src/clip/clipModel.ts'
import { type BenchmarkPlan, type BenchmarkRow, type BenchmarkTask, benchmark, type RowKey, type RowStore } from '../../src/eval/benchmark.ts'
import { benchmarkPrompts, USUAL_PROMPTS } from '../../src/eval/benchmarkPrompts.ts'
import { benchmarkMarkdown, benchmarkPage } from '../../src/eval/benchmarkReport.ts'
import { benchmarkTables } from '../../src/eval/benchmarkTables.ts'
import { evaluationViews } from '../../src/eval/evaluationViews.ts'
import type { TrueEdit } from '../../src/eval/groundTruth.ts'
import type { Instruments } from '../../src/eval/measureEdit.ts'
import { PictureReader } from '../../src/eval/pictureReader.ts'
import { reachableExpressions } from '../../src/eval/reachable.ts'
import { retrieve } from '../../src/eval/retrieval.ts'
import type { Picture } from '../../src/io/sheet.ts'
import { openDevice } from '../../src/node.ts'
import { expressiveScene } from '../edit/expressiveScene.ts'
import { anchorsOf } from '../edit/smallAnchors.ts'
import { smallCapture } from '../nerf/smallScene.ts'
import { colorJudge } from './judges.ts'

const device = await openDevice({ kind: 'cpu', threads: 2 })
let task: BenchmarkTask
let instruments: Instruments

beforeAll(async () => {
  const scene = await expressiveScene(device)
  const reader = new PictureReader(await loadEncoder(device), scene.description.space.center)
  instruments = { reader, judge: colorJudge() }
  task = { name: 'disc', scene, anchors: await anchorsOf(scene, [0, 2, 4]), views: evaluationViews(scene, 2) }
}, 60_000)

const nameOf = ({ scene, method, prompt, seed }: RowKey): string => [scene, method, prompt, seed].join('/')

function memoryStore(): RowStore & { rows: Map<string, { row: BenchmarkRow; pictures: readonly Picture[] }> } {
  const rows = new Map<string, { row: BenchmarkRow; pictures: readonly Picture[] }>()
  return {
    rows,
    read: async key => rows.get(nameOf(key))?.row,
    write: async (row, pictures) => void rows.set(nameOf(row), { row, pictures }),
    pictures: async key => rows.get(nameOf(key))?.pictures ?? [],
  }
}

const PLAN: BenchmarkPlan = {
  methods: ['hypernerf+i-h', 'no-edit'],
  prompts: benchmarkPrompts(['happy', 'a sad face']),
  seeds: [0, 1],
  steps: 3,
}

async function run(store: RowStore, plan = PLAN, signal?: AbortSignal, after?: (row: BenchmarkRow) => void) {
  const rows: { row: BenchmarkRow; fresh: boolean }[] = []
  for await (const step of benchmark(task, plan, instruments, store, { signal })) {
    if (step.kind !== 'row') continue
    rows.push({ row: step.row, fresh: step.fresh })
    after?.(step.row)
  }
  return rows
}

describe('benchmark', () => {
  test('goes sentence by sentence, the control once, stops when told, and goes on where it stopped', async () => {
    const store = memoryStore()
    const stop = new AbortController()
    const first = await run(store, PLAN, stop.signal, () => {
      if (store.rows.size === 2) stop.abort()
    })
    expect(first.map(({ row, fresh }) => [nameOf(row), fresh])).toEqual([
      ['disc/hypernerf+i-h/a happy face/0', true],
      ['disc/hypernerf+i-h/a happy face/1', true],
    ])
    const second = await run(store)
    expect(second.map(({ row, fresh }) => [nameOf(row), fresh])).toEqual([
      ['disc/hypernerf+i-h/a happy face/0', false],
      ['disc/hypernerf+i-h/a happy face/1', false],
      ['disc/no-edit/a happy face/0', true],
      ['disc/hypernerf+i-h/a sad face/0', true],
      ['disc/hypernerf+i-h/a sad face/1', true],
      ['disc/no-edit/a sad face/0', true],
    ])
    expect(second[0].row).toMatchObject({ expression: 'happy', steps: 3, guidance: expect.any(Number) })
    expect(second[2].row).toMatchObject({ steps: 0, measures: { clip: { directional: 0 }, judge: { faceSimilarity: expect.closeTo(1, 6) } } })
    expect(second[1].row.repeat).toMatchObject({ seed: 0, psnr: expect.any(Number) })
    const third = await run(store)
    expect(third.every(({ fresh }) => !fresh)).toBe(true)
  }, 60_000)

  test('makes the paper’s table, without columns of what was not measured, as Markdown and as a page', async () => {
    const rows = (await run(memoryStore())).map(({ row }) => row)
    const five = { reachable: ['happy', 'sad'], classes: colorJudge().expressions }
    const [paper, ...others] = benchmarkTables(rows, new Map([['disc', five]]))
    expect(others.map(({ title }) => title)).not.toContain('Against the true edits')
    // two of the five sentences were asked: nothing is said of all five
    expect(paper.headings).toEqual(['method', 'R-precision, reachable', 'identity (CFS)', 'CLIP directional', 'faces found'])
    const control = paper.rows.find(([name]) => name === 'no edit') ?? []
    expect(control[1]).toBe('0.500')
    expect(control[2]).toBe('1.000')
    expect(paper.note).toContain("Reachable, by what the judge sees in the capture's own frames: happy, sad (chance 0.50)")
    const header = { title: 'Benchmark', facts: ['tiny'], missing: ['LPIPS: no weights'] }
    const markdown = benchmarkMarkdown(header, [paper])
    expect(markdown).toContain('| no edit | 0.500 | 1.000 | 0.000 |')
    expect(markdown).toContain('## Not measured\n\n- LPIPS: no weights')
    const picture = { width: 2, height: 2, rgb: new Float32Array(12) }
    const page = await benchmarkPage(header, [paper], [{ label: 'a <happy> face', methods: [{ row: rows[0], picture }] }])
    expect(page).toContain('HyperNeRF+I, H only')
    expect(page).not.toMatch(/https?:\/\/|<script|<happy>/)
  }, 60_000)

  test('sets gains beside the rival’s, sentence by sentence, a cell under every heading', () => {
    const row = (method: BenchmarkRow['method'], prompt: string, gain: number): BenchmarkRow => {
      const pair = { edited: 20 + gain, unedited: 20 }
      const psnr = { face: pair, eyes: pair, brows: pair, mouth: pair }
      const truth = { id: prompt, reach: 'mix', psnr, ssim: pair, coefficients: { edited: 0.1, unedited: 0.4, truth: 0.05 } }
      return { scene: 'ada', method, prompt, seed: 0, steps: 1, seconds: 1, measures: { clip: { directional: 0, similarity: pair }, truth } }
    }
    const rows = [row('pac', 'a wink', 4), row('hypernerf+i', 'a wink', 1), row('pac', 'a smile', -1), row('hypernerf+i', 'a smile', 0)]
    const tables = benchmarkTables(rows, new Map())
    for (const { headings, rows } of tables) for (const cells of rows) expect(cells).toHaveLength(headings.length)
    const found = tables.find(({ title }) => title === 'Against the true edits')
    expect(found?.headings.slice(1, 4)).toEqual(['PSNR in the face over no edit, dB', 'least of a sentence, dB', 'sentences ahead of HyperNeRF+I'])
    expect(found?.rows.map(cells => cells.slice(0, 4))).toEqual([
      ['PAC', '+1.50', '−1.00', '1 of 2'],
      ['HyperNeRF+I', '+0.50', '+0.00', '–'],
    ])
    expect(found?.rows[0][8]).toBe('0.25')
  })

  test('an empty plan is an error', async () => {
    await expect(run(memoryStore(), { ...PLAN, methods: [] })).rejects.toThrow('no method, no sentence or no seed')
  })
})

describe('sentences', () => {
  const edit = (id: string, text: string, reach: string): TrueEdit => ({ id, text, reach, coefficients: {}, views: [] })
  const truth = [edit('neutral', 'face', 'reference'), edit('wink', 'winking face', 'mix'), edit('sad', 'sad face', 'outside')]

  test('are true edits by reach and id, expressions, and what one writes, each once', () => {
    expect(benchmarkPrompts(USUAL_PROMPTS, truth).map(({ text, expression }) => [text, expression])).toEqual([
      ['winking face', undefined],
      ['a happy face', 'happy'],
      ['a surprised face', 'surprised'],
      ['a fearful face', 'fearful'],
      ['an angry face', 'angry'],
      ['a sad face', 'sad'],
    ])
    expect(benchmarkPrompts(['wink', 'mix', 'outside', 'eyes wide open'], truth).map(({ text }) => text)).toEqual([
      'winking face',
      'sad face',
      'eyes wide open',
    ])
    expect(benchmarkPrompts(['a sad face', 'sad'])).toEqual([{ text: 'a sad face', expression: 'sad' }])
  })

  test('that are none are named', () => {
    expect(() => benchmarkPrompts([' '], truth)).toThrow('an empty sentence')
    expect(() => benchmarkPrompts(['wink-smile'], truth)).toThrow('no true edit "wink-smile"; there are wink, sad')
    expect(() => benchmarkPrompts(['mix'])).toThrow('mix of a capture without true edits; name expressions or sentences')
  })
})

test('the expressions a capture shows are those that the judge is sure of in enough frames', async () => {
  // the disc is red (0.8), and its green grows with the code: 0.3 to 0.7
  expect(await reachableExpressions(colorJudge(), smallCapture().frames)).toEqual(['happy'])
  expect(await reachableExpressions(colorJudge(10), smallCapture().frames)).toEqual([])
})

test('retrieval names an expression the judge does not know, and says nothing of one expression', () => {
  const scores = [[1, 0]]
  expect(retrieve([{ expression: 'happy', scores }], ['happy', 'sad'])).toBeUndefined()
  expect(() =>
    retrieve(
      [
        { expression: 'happy', scores },
        { expression: 'bored', scores },
      ],
      ['happy', 'sad'],
    ),
  ).toThrow('the judge has no class "bored"; it has happy, sad')
})
