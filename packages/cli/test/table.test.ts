import { expect, test } from 'vitest'
import { fitTable, formatTable } from '../src/output/table.ts'

const columns = [{ title: 'STEP', align: 'right' }, { title: 'NOTES' }, { title: 'END' }] as const

test('makes columns as wide as their widest text, and trims the ends of lines', async () => {
  expect(
    await formatTable(columns, [
      ['1', 'best loss', 'x'],
      ['10000', '', ''],
    ]),
  ).toBe(' STEP  NOTES      END\n    1  best loss  x\n10000')
})

test('counts wide characters as two columns and combining characters as none', async () => {
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

test('shortens the last column of a table that is too wide, then hides its last optional columns', async () => {
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

test('fits every line into the terminal, also with characters of two columns', async () => {
  const { text } = await fitTable(wide, [['1', '0.9', '0.1', '最良'.repeat(20)]], 44)
  expect(text.split('\n')[1]).toBe('   1       0.9       0.1  最良最良最良最良…')
})
