import { describe, expect, test } from 'vitest'
import { median, table } from '../../bench/measure.ts'
import { merge } from '../../bench/results.ts'

describe('bench/results.md', () => {
  const first = merge(
    '',
    'CPU',
    new Map([
      ['dense', 'a table'],
      ['train', 'another\n\n| x |'],
    ]),
  )

  test('a run replaces what it measured on its own device, and nothing else', () => {
    const both = merge(first, 'GPU, H200', new Map([['dense', 'fast']]))
    const again = merge(both, 'CPU', new Map([['dense', 'a new table']]))
    expect(again).toBe(both.replace('a table', 'a new table'))
    expect([...again.matchAll(/^#+ .*$/gm)].map(([line]) => line)).toEqual([
      '# Measured',
      '## CPU',
      '### dense',
      '### train',
      '## GPU, H200',
      '### dense',
    ])
  })

  test('the same results leave the file as it is', () => {
    expect(merge(first, 'CPU', new Map([['train', 'another\n\n| x |']]))).toBe(first)
  })

  test('a row shows its median, its fastest and what it does per second', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 2, 3])).toBe(2.5)
    const [, , line] = table([{ what: 'step', sizes: '4096 rays', ms: [4, 2, 8], does: [[4096, ' rays']], peer: { name: 'peer', ms: [1] } }]).split(
      '\n',
    )
    expect(line).toBe('| step | 4096 rays | 4.00 (2.00) | 1.02 M rays/s | peer: 1.00 (1.00) 4.10 M rays/s |')
  })
})
