import { expect, test } from 'vitest'
import type { ManifestFile } from '../../src/catalog/documents/index.ts'
import { wantedFiles } from '../../src/store/restore/wanted-files.ts'
import { codeOf } from '../stores.ts'

const names = [
  'model.pth',
  'rank1/model.pth',
  'rank1/state/a.bin',
  'rank1/state/.hidden',
  'rank10/model.pth',
  'rank2/model.pth',
  'a[1].pt',
  'a1.pt',
]
const files = names.map((name): ManifestFile => ({ name, object: name, size: 1, sha256: '' }))

async function selected(...wanted: readonly string[]): Promise<readonly string[]> {
  return (await wantedFiles({ step: 5, files }, wanted)).map(({ name }) => name)
}

test.each([
  ['a name', ['model.pth'], ['model.pth']],
  ['the files in a folder, but not those below it', ['rank1/*'], ['rank1/model.pth']],
  ['everything below a folder', ['rank1/'], ['rank1/model.pth', 'rank1/state/a.bin', 'rank1/state/.hidden']],
  [
    'everything below a folder by **',
    ['rank1/**'],
    ['rank1/model.pth', 'rank1/state/a.bin', 'rank1/state/.hidden'],
  ],
  ['names in every folder by a pattern without a slash', ['*.bin'], ['rank1/state/a.bin']],
  ['one character', ['rank?/model.pth'], ['rank1/model.pth', 'rank2/model.pth']],
  ['alternatives', ['rank{1,10}/*.pth'], ['rank1/model.pth', 'rank10/model.pth']],
  ['a file of that very name before names that match', ['a[1].pt'], ['a[1].pt']],
  ['a class of characters', ['[a-b]1.pt'], ['a1.pt']],
  [
    'each file once, in the order of what is wanted',
    ['rank2/*', 'model.pth', '**/model.pth'],
    ['rank2/model.pth', 'model.pth', 'rank1/model.pth', 'rank10/model.pth'],
  ],
] as const)('selects %s', async (_, wanted, expected) => {
  expect(await selected(...wanted)).toEqual(expected)
})

test('selects a name in either normal form, of which macOS stores one and keyboards write the other', async () => {
  const decomposed = 'Größe/Modèle.bin'.normalize('NFD')
  const stored = [{ name: decomposed, object: decomposed, size: 1, sha256: '' }]
  for (const wanted of [
    'Größe/Modèle.bin',
    'Größe/*',
    'Mod?le.bin',
    decomposed,
    `${decomposed.slice(0, 4)}*/**`,
  ])
    expect(await wantedFiles({ step: 5, files: stored }, [wanted]), wanted).toEqual(stored)
})

test('selects all files by default, and none from an empty list', async () => {
  expect(await wantedFiles({ step: 5, files }, undefined)).toBe(files)
  expect(await selected()).toEqual([])
})

test.each(['nothing', 'rank1', 'rank3/*', '', '!model.pth', '../*'])(
  'rejects %j, which selects no file',
  async (wanted) => {
    expect(await codeOf(selected('model.pth', wanted))).toBe('NOT_FOUND')
  },
)
