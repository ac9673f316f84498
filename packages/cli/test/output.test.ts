import { describe, expect, test } from 'vitest'
import { plot } from '../src/output/plot.ts'
import { progressLine } from '../src/output/progress.ts'

describe('a curve', () => {
  test('rises and falls between the lowest and the highest value', () => {
    expect(plot([0, 4, 8, 4, 4]).split('\n')).toEqual([
      '         8 ┤  ╭╮',
      '         7 ┤  ││',
      '         6 ┤  ││',
      '         5 ┤  ││',
      '         4 ┤ ╭╯╰─',
      '         3 ┤ │',
      '         2 ┤ │',
      '         1 ┤ │',
      '         0 ┤─╯',
    ])
  })

  test('is a line for equal values', () => {
    expect(plot([2, 2, 2])).toBe('         2 ┤───')
    expect(plot([7])).toBe('         7 ┤─')
  })

  test('fits into the terminal, with averages of values that share a column', () => {
    const lines = plot(
      Array.from({ length: 1000 }, (_, index) => index),
      40,
    ).split('\n')
    expect(lines).toHaveLength(9)
    expect(Math.max(...lines.map((line) => line.length))).toBe(40)
    expect(lines[0]).toMatch(/^ +981\.5 ┤ +╭─/)
    expect(lines.at(-1)).toMatch(/^ +17 ┤─/)
  })
})

describe('a progress line', () => {
  test.each([
    [{ bytes: 0, total: 2e6, milliseconds: 0 }, `save  ▕${' '.repeat(20)}▏   0%  0 B/2.0 MB  0 B/s`],
    [
      { bytes: 1e6, total: 2e6, milliseconds: 1000 },
      `save  ▕${'█'.repeat(10)}${' '.repeat(10)}▏  50%  1.0 MB/2.0 MB  1.0 MB/s  1.0 s left`,
    ],
    [
      { bytes: 5, total: 5, milliseconds: 1000 },
      `save  ▕${'█'.repeat(20)}▏ 100%  5 B/5 B  5 B/s  0.0 s left`,
    ],
    [{ bytes: 0, total: 0, milliseconds: 1000 }, `save  ▕${'█'.repeat(20)}▏ 100%  0 B/0 B  0 B/s`],
    [{ bytes: 3e6, total: undefined, milliseconds: 2000 }, 'save  3.0 MB  1.5 MB/s'],
  ])('shows %j', (state, line) => {
    expect(progressLine('save', state)).toBe(line)
  })
})
