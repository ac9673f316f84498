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
  'runs [1]/model (copy).pt',
  'runs [1]/model (copy) 2.pt',
  'runs [1]/epoch=3[1].ckpt',
  'runs 1/"best"|last.pt',
  'xaab.log',
  'xa+.log',
  'xb+.log',
  'x{1.log',
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
  ['a name with parentheses by a pattern', ['model (copy)*.pt'], names.slice(8, 10)],
  ['a name with parentheses in every folder', ['**/model (copy).pt'], ['runs [1]/model (copy).pt']],
  ['a name with brackets in every folder', ['epoch=3[1].ckpt'], ['runs [1]/epoch=3[1].ckpt']],
  ['characters after a backslash literally', ['runs \\[1\\]/*.pt'], names.slice(8, 10)],
  ['a folder of that very name before folders that match', ['runs [1]/'], names.slice(8, 11)],
  ['quotes and bars literally', ['"best"|*'], ['runs 1/"best"|last.pt']],
  ['a plus after a class or alternatives literally', ['*[ab]+.log', 'x{a,b}+.log'], ['xa+.log', 'xb+.log']],
  ['an opening brace without a closing one literally', ['*{1.log'], ['x{1.log']],
  ['characters that are not in a class', ['x[!a]*.log'], ['xb+.log', 'x{1.log']],
  ['all files by the folder itself', ['./'], names],
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

test('rejects the folder itself if it has no files', async () => {
  expect(await codeOf(wantedFiles({ step: 5, files: [] }, ['./']))).toBe('NOT_FOUND')
})

test('selects all files by default, and none from an empty list', async () => {
  expect(await wantedFiles({ step: 5, files }, undefined)).toBe(files)
  expect(await selected()).toEqual([])
})

test('reads the name of each file a fixed number of times, however many names are wanted', async () => {
  let reads = 0
  const countedFile = (name: string): ManifestFile => ({
    get name() {
      reads += 1
      return name
    },
    object: name,
    size: 1,
    sha256: '',
  })
  const many = Array.from({ length: 2000 }, (_, index) => `shard-${index}.pt`)
  const counted = many.map(countedFile)
  expect(await wantedFiles({ step: 5, files: counted }, many)).toEqual(counted)
  expect(reads).toBeLessThanOrEqual(10 * many.length)
})

test.each(['nothing', 'rank1', 'rank3/*', '', '!model.pth', '../*'])(
  'rejects %j, which selects no file',
  async (wanted) => {
    expect(await codeOf(selected('model.pth', wanted))).toBe('NOT_FOUND')
  },
)
