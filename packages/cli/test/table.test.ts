import { expect, test } from 'vitest'
import { fitTable, formatTable } from '../src/output/table.ts'

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

const wide = [
  { title: 'STEP', align: 'right' },
  { title: 'accuracy', align: 'right', optional: true },
  { title: 'val_loss', align: 'right', optional: true },
  { title: 'KEPT BECAUSE' },
] as const
const row = ['1', '0.9', '0.1', 'best loss, best accuracy, younger than 2 d']

test('a table that is too wide loses the end of its last column, then its last optional columns', async () => {
  expect(await fitTable(wide, [row], 80)).toEqual({ text: await formatTable(wide, [row]), hidden: [] })
  expect(await fitTable(wide, [row], 40)).toEqual({
    text: 'STEP  accuracy  val_loss  KEPT BECAUSE\n   1       0.9       0.1  best loss, be…',
    hidden: [],
  })
  expect(await fitTable(wide, [row], 30)).toEqual({
    text: 'STEP  accuracy  KEPT BECAUSE\n   1       0.9  best loss, be…',
    hidden: ['val_loss'],
  })
  expect((await fitTable(wide, [row], 10)).hidden).toEqual(['accuracy', 'val_loss'])
})

test('no line of a table is wider than the terminal, also with characters that take two columns', async () => {
  const { text } = await fitTable(wide, [['1', '0.9', '0.1', '最良'.repeat(20)]], 44)
  expect(text.split('\n')[1]).toBe('   1       0.9       0.1  最良最良最良最良…')
})
