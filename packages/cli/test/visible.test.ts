import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '@holdfast/core'
import { afterAll, expect, test } from 'vitest'
import { formatTable } from '../src/output/table.ts'
import { visible, visibleJson } from '../src/output/visible.ts'
import { holdfast } from './holdfast.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdfast-visible-'))

afterAll(async () => {
  await rm(folder, { recursive: true })
})

/** Sets the title of a terminal, colours it, returns the cursor, reverses letters; with ESC and with C1 controls. */
const hostile = '\u001b]0;owned\u0007\u001b[31m\r\u009b2J\u202egnp.exe\u2066\u200f\u0085\u007f'
const obeyed = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u

test.each([
  ['\u001b[31mred', String.raw`\x1b[31mred`],
  ['a\r\n\tb', String.raw`a\r\n\tb`],
  ['\u009b2J\u007f', String.raw`\x9b2J\x7f`],
  ['\u202egnp\u2066', String.raw`\u202egnp\u2066`],
  ['\ud800', String.raw`\ud800`],
  ['lärm 最良 👩‍👩‍👧 \\x1b', 'lärm 最良 👩‍👩‍👧 \\x1b'],
])('prints %j with escapes for what a terminal acts on', (text, shown) => {
  expect(visible(text)).toBe(shown)
})

test('escapes every character that a terminal acts on, and keeps the meaning of JSON', () => {
  const characters = Array.from({ length: 0x1_00_00 }, (_, code) => String.fromCharCode(code))
  const shown = characters.map(visible)
  expect(shown.filter((text) => obeyed.test(text))).toEqual([])
  expect(shown.map(visible)).toEqual(shown)
  const json = visibleJson(JSON.stringify(characters))
  expect(json).not.toMatch(obeyed)
  expect(JSON.parse(json)).toEqual(characters)
})

test('measures a table after escaping', async () => {
  const rows = [
    ['\u001b[31m', 'x'],
    ['12345678', 'x'],
  ]
  expect(await formatTable([{ title: 'A' }, { title: 'B' }], rows)).toBe(
    'A         B\n\\x1b[31m  x\n12345678  x',
  )
})

test('escapes text from the store and from the user in every command', async () => {
  const store = join(folder, 'store')
  const name = 'c1\u009b31m\u202etxt.bin'
  await using owner = await openStore(store, { writerName: hostile })
  await owner.save({
    step: 1,
    files: { [name]: Buffer.from('bytes') },
    tags: [hostile],
    metrics: { [hostile]: 1 },
    metadata: { [hostile]: hostile },
    dataState: { [hostile]: hostile },
  })
  await owner.pin(1, hostile)
  await owner.save({ step: 3, files: { other: Buffer.from('bytes') } })
  const trusted = join(folder, 'work')
  await mkdir(join(trusted, hostile.replaceAll('/', '')), { recursive: true })
  await writeFile(join(trusted, 'x'), 'x')
  const objective = ['--objective', `${hostile.replaceAll('=', '')}=${hostile}:min`]
  const withJson = new Set(['ls', 'show', 'metrics', `best ${hostile}`])
  for (const words of [
    ['ls'],
    ['show'],
    ['metrics'],
    ['metrics', '--plot'],
    ['report', '--output', `${hostile.replaceAll('/', '')}.html`],
    ['report', '--output', `missing/${hostile}`],
    ['runs', store],
    ['runs', hostile],
    ['stats'],
    ['status'],
    ['status', '--max-age', hostile],
    ['stats', store],
    ['stats', hostile],
    ['runs', store, '--sort', hostile],
    ['ls', '--sort', hostile],
    ['ls', '--where', hostile],
    ['verify'],
    ['doctor'],
    ['best', ...objective],
    ['best', hostile],
    ['show', hostile],
    ['path', '1', hostile],
    ['cat', '1', hostile],
    ['config', '--job', hostile, '--keep-tag', hostile, ...objective],
    ['diff', '1', '3'],
    ['diff', '1', hostile],
    ['watch', hostile, '--layout', hostile],
    ['import', hostile],
    ['ui', '--port', hostile],
    ['restore', '--to', `out/${hostile}`],
    ['restore', '--to', 'out', '--file', hostile],
    ['save', 'x', '--step', '2', '--tag', hostile],
    ['save', hostile, '--step', '2'],
    ['save', 'x', '--step', hostile],
    [hostile],
    ['ls', `--${hostile}`],
    ['ls', '--config', hostile],
    ['ls', '--adapter', hostile],
    ['ls', '-s', `s3://${hostile}`],
    ['ls', '-s', hostile],
    ['prune', '--keep-tag', hostile, ...objective],
    ['attach', '1', '--metric', `${hostile.replaceAll('=', '')}=2`],
  ]) {
    for (const json of withJson.has(words.join(' ')) ? [[], ['--json']] : [[]]) {
      const chosen =
        words.includes('-s') || words[0] === 'runs' || (words[0] === 'stats' && words.length > 1)
          ? words
          : [...words, '-s', store]
      const { stdout, stderr } = await holdfast(trusted, ...chosen, ...json)
      const shown = `${stdout}${stderr}`.replaceAll('\n', '')
      expect(shown, words.join(' ')).not.toBe('')
      expect(visible(shown), words.join(' ')).toBe(shown)
    }
  }
})

test('prints paths and sums unchanged for other programs', async () => {
  const store = join(folder, 'plain')
  const name = 'c1\u009b31m\u202etxt.bin'
  await using owner = await openStore(store)
  await owner.save({ step: 1, files: { [name]: Buffer.from('bytes') } })
  expect((await holdfast(folder, 'sums', '-s', store)).stdout).toMatch(
    /^[0-9a-f]{64} {2}c1\u009b31m\u202etxt\.bin\n$/,
  )
  expect((await holdfast(folder, 'path', '1', name, '-s', store)).stdout).toContain(`/${name}\n`)
})
