import { expect, test } from 'vitest'
import { formatTable } from '../src/output/table.ts'

const columns = [{ title: 'STEP', align: 'right' }, { title: 'NOTES' }, { title: 'END' }] as const

test('columns are as wide as their widest text, and lines end with their last letter', async () => {
  expect(
    await formatTable(columns, [
      ['1', 'best loss', 'x'],
      ['10000', '', ''],
    ]),
  ).toBe(' STEP  NOTES      END\n    1  best loss  x\n10000')
})

test('characters that take two columns, or none, are measured as a terminal shows them', async () => {
  expect(
    await formatTable(columns, [
      ['1', 'lärm', 'x'],
      ['2', '最良', 'x'],
      ['3', '👩‍👩‍👧', 'x'],
    ]),
  ).toBe('STEP  NOTES  END\n   1  lärm   x\n   2  最良   x\n   3  👩‍👩‍👧     x')
})
