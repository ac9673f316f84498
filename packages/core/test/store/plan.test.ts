import { execFileSync } from 'node:child_process'
import { link, mkdir, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type HoldfastError, isHoldfastError } from '../../src/errors.ts'
import { planFiles, type PlanOptions } from '../../src/store/save/plan.ts'
import type { StoreFolder } from '../../src/local-files/store-folders.ts'
import { writeTree } from '../trees.ts'
import { temporaryFolder } from '../stores.ts'

async function namesOf(path: string, options: PlanOptions = {}): Promise<readonly string[]> {
  return (await planFiles({ out: path }, options)).files.map(({ name }) => name)
}

async function errorOf(call: Promise<unknown>): Promise<HoldfastError> {
  const outcome: unknown = await call.then(
    () => 'no error',
    (error: unknown) => error,
  )
  if (isHoldfastError(outcome)) return outcome
  throw new Error('expected a Holdfast error', { cause: outcome })
}

test('records the permission bits of a file, but none on Windows, where Node.js invents them', async () => {
  const path = join(await temporaryFolder(), 'model.bin')
  await writeFile(path, 'x', { mode: 0o640 })
  const modeOn = async (platform: NodeJS.Platform): Promise<number | undefined> =>
    (await planFiles(path, { platform })).files[0]?.mode
  expect(await modeOn('linux')).toBe((await stat(path)).mode & 0o777)
  expect(await modeOn('win32')).toBeUndefined()
})

describe('exclude', () => {
  const tree = {
    'model.bin': 'x',
    'train.log': 'x',
    '.hidden.log': 'x',
    'logs/a.txt': 'x',
    'sub/b.log': 'x',
    'sub/logs/c.txt': 'x',
    'sub/logs.txt': 'x',
    'sub/d e.bin': 'x',
  }
  const all = Object.keys(tree)
  const without = (...names: readonly string[]): readonly string[] =>
    all.filter((name) => !names.includes(name)).map((name) => `out/${name}`)

  test.each([
    [['*.log'], without('train.log', '.hidden.log', 'sub/b.log')],
    [['logs'], without('logs/a.txt', 'sub/logs/c.txt')],
    [['logs/'], without('logs/a.txt', 'sub/logs/c.txt')],
    [['/logs'], without('logs/a.txt')],
    [['./logs/'], without('logs/a.txt')],
    [['logs/**'], without('logs/a.txt')],
    [['**/logs/**'], without('logs/a.txt', 'sub/logs/c.txt')],
    [['sub/*.log'], without('sub/b.log')],
    [['out/*.log'], without('train.log', '.hidden.log')],
    [['*.{log,txt}'], all.filter((name) => name.endsWith('.bin')).map((name) => `out/${name}`)],
    [['train.log', 'd e.bin'], without('train.log', 'sub/d e.bin')],
    [['nothing'], without()],
    [['train.log/'], without()],
  ])('%j', async (exclude, left) => {
    const folder = await temporaryFolder()
    await writeTree(folder, tree)
    expect(await namesOf(folder, { exclude })).toEqual(left.toSorted())
  })

  test('leaves out a file by its name, also if the name has the characters of a pattern', async () => {
    const names = ['epoch=3[1].ckpt', 'model (copy).pt', '{a}.pt', 'sub/x (1)/y.pt']
    const folder = await temporaryFolder()
    await writeTree(
      folder,
      Object.fromEntries([...names, 'model copy.pt', 'y.pt'].map((name) => [name, 'x'])),
    )
    expect(await namesOf(folder, { exclude: names })).toEqual(['out/model copy.pt', 'out/y.pt'])
    const exclude = ['epoch=3\\[*', 'model (*).pt', '{a}.pt', 'x (1)/']
    expect(await namesOf(folder, { exclude })).toEqual(['out/model copy.pt', 'out/y.pt'])
  })

  test.each(['NFC', 'NFD'] as const)(
    'leaves out names in either normal form if the disk has %s',
    async (form) => {
      const folder = await temporaryFolder()
      await writeTree(folder, {
        ['modèle.log'.normalize(form)]: 'x',
        ['größe/a.bin'.normalize(form)]: 'x',
        b: 'x',
      })
      for (const other of ['NFC', 'NFD'] as const)
        expect(
          await namesOf(folder, { exclude: ['mod?le.log', 'größe/'].map((each) => each.normalize(other)) }),
        ).toEqual(['out/b'])
    },
  )

  test('leaves out what .holdfastignore of a saved folder lists, and saves that file itself', async () => {
    const folder = await temporaryFolder()
    await writeTree(folder, { ...tree, '.holdfastignore': '# logs\n\n*.log\r\nlogs/\n' })
    expect(await namesOf(folder)).toEqual(
      [
        'out/.holdfastignore',
        ...without('train.log', '.hidden.log', 'sub/b.log', 'logs/a.txt', 'sub/logs/c.txt'),
      ].toSorted(),
    )
  })

  test('leaves out files that were given by their own paths, but no in-memory bytes', async () => {
    const folder = await temporaryFolder()
    await writeTree(folder, { 'a.bin': 'x', 'b.log': 'x' })
    const { files } = await planFiles(
      { 'a.bin': join(folder, 'a.bin'), 'b.log': join(folder, 'b.log'), 'c.log': Buffer.from('x') },
      { exclude: ['*.log'] },
    )
    expect(files.map(({ name }) => name)).toEqual(['a.bin', 'c.log'])
  })

  test.each(['!keep.log', '', '/', '../x', '.'])('refuses the pattern %j', async (pattern) => {
    const folder = await temporaryFolder()
    await writeTree(folder, tree)
    expect(await errorOf(namesOf(folder, { exclude: [pattern] }))).toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  })

  test('leaves out a folder that could not be read or saved', async () => {
    const folder = await temporaryFolder()
    await writeTree(folder, { 'a.bin': 'x' })
    await symlink('/nowhere/at/all', join(folder, 'dead'))
    await symlink('.', join(folder, 'loop'))
    expect(await namesOf(folder, { exclude: ['dead', 'loop/'] })).toEqual(['out/a.bin'])
  })
})

describe('refuses to save, and names a pattern that excludes', () => {
  test.skipIf(process.platform === 'win32')('a socket', async () => {
    const folder = await temporaryFolder()
    await writeTree(folder, { 'a.bin': 'x' })
    const server = createServer()
    server.listen(join(folder, 'tb.sock'))
    await once(server, 'listening')
    onTestFinished(async () => {
      server.close()
      await once(server, 'close')
    })
    const error = await errorOf(namesOf(folder))
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', hint: { kind: 'exclude', name: 'tb.sock' } })
    expect(error.message).toContain('is a socket')
    expect(await namesOf(folder, { exclude: ['tb.sock'] })).toEqual(['out/a.bin'])
  })

  test.skipIf(process.platform === 'win32')('a named pipe, also as the only file', async () => {
    const folder = await temporaryFolder()
    execFileSync('mkfifo', [join(folder, 'pipe')])
    expect((await errorOf(namesOf(folder))).message).toContain('is a named pipe')
    const alone = await errorOf(namesOf(join(folder, 'pipe')))
    expect(alone).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('a device', async () => {
    expect((await errorOf(namesOf('/dev/null'))).message).toContain('is a device')
  })

  test.each(['in a folder', 'alone'])('a link that leads nowhere, %s', async (where) => {
    const folder = await temporaryFolder()
    await symlink('/nowhere/at/all', join(folder, 'dead'))
    const error = await errorOf(namesOf(where === 'alone' ? join(folder, 'dead') : folder))
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(error.message).toContain('is a link to /nowhere/at/all, which does not exist')
  })

  test('a link to itself', async () => {
    const folder = await temporaryFolder()
    await symlink('self', join(folder, 'self'))
    expect(await errorOf(namesOf(folder))).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test.skipIf(process.platform !== 'linux')('a name that is not UTF-8, in a folder and alone', async () => {
    const folder = await temporaryFolder()
    await writeFile(Buffer.concat([Buffer.from(join(folder, 'a')), Buffer.from([0xff])]), 'x')
    for (const path of [folder, join(folder, 'a\ufffd')]) {
      const error = await errorOf(namesOf(path))
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' })
      expect(error.message).toContain('is not valid UTF-8')
    }
    await writeFile(join(folder, 'kept'), 'x')
    expect(await namesOf(folder, { exclude: ['a?'] })).toEqual(['out/kept'])
  })

  test('saves a name that contains the Unicode replacement character', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'a\ufffd'), 'x')
    expect(await namesOf(folder)).toEqual(['out/a\ufffd'])
  })

  test('a folder that contains a link to its parent', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'sub'))
    await symlink('..', join(folder, 'sub', 'up'))
    expect((await errorOf(namesOf(folder))).message).toContain('a folder that contains it')
  })

  test('the root of the file system', async () => {
    expect((await errorOf(planFiles('/'))).message).toContain('has no name')
  })
})

function storeAt(...path: readonly string[]): StoreFolder {
  return { kind: 'store', path: join(...path) }
}

describe('a store inside the saved folder', () => {
  test.each([
    ['by its own path', 'run', 'run/ckpt'],
    ['through a link above it', 'run', 'scratch/run/ckpt'],
    ['through a link to it', 'run', 'link'],
    ['through a link in the saved folder', 'linked', 'run/ckpt'],
    ['as the saved folder itself', 'run/ckpt', 'link'],
  ])('%s', async (_, saved, store) => {
    for (const exists of [true, false]) {
      const folder = await temporaryFolder()
      await writeTree(folder, { 'run/model.bin': 'x', 'linked/a.bin': 'x' })
      await symlink('.', join(folder, 'scratch'))
      await symlink('../run', join(folder, 'linked', 'in'))
      if (exists || store === 'link' || saved.endsWith('ckpt')) await mkdir(join(folder, 'run', 'ckpt'))
      if (store === 'link') await symlink('run/ckpt', join(folder, 'link'))
      const error = await errorOf(namesOf(join(folder, saved), { storeFolders: [storeAt(folder, store)] }))
      expect(error.message).toContain('contains the store itself')
      expect(error.code).toBe('INVALID_ARGUMENT')
    }
  })

  test('is named as the mirror if it is one', async () => {
    const folder = await temporaryFolder()
    await writeTree(folder, { 'model.bin': 'x', 'mirror/holdfast.json': 'x' })
    const mirror = { kind: 'mirror', path: join(folder, 'mirror') } as const
    const error = await errorOf(namesOf(folder, { storeFolders: [storeAt(folder, '..', 'ckpt'), mirror] }))
    expect(error.message).toContain(`${folder} contains the mirror of the store`)
  })

  test('can be excluded, before and after it is created', async () => {
    const folder = await temporaryFolder()
    await writeTree(folder, { 'model.bin': 'x' })
    const options = { storeFolders: [storeAt(folder, 'deep', 'ckpt')], exclude: ['ckpt'] }
    expect(await namesOf(folder, options)).toEqual(['out/model.bin'])
    await writeTree(join(folder, 'deep', 'ckpt'), { 'holdfast.json': 'x' })
    expect(await namesOf(folder, options)).toEqual(['out/model.bin'])
  })

  test('does not affect folders beside it, or with a name that begins like its name', async () => {
    const folder = await temporaryFolder()
    await writeTree(folder, { 'run/model.bin': 'x', 'runs/ckpt/holdfast.json': 'x' })
    expect(await namesOf(join(folder, 'run'), { storeFolders: [storeAt(folder, 'runs')] })).toEqual([
      'out/model.bin',
    ])
  })
})

describe('limits the walk through folders', () => {
  test('in depth', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, ...Array.from({ length: 70 }, () => 'd')), { recursive: true })
    expect((await errorOf(namesOf(folder))).message).toContain('more than 64 levels below')
  })

  test('in the number of files', async () => {
    const folder = await temporaryFolder()
    for (const name of ['a/1', 'a/2', 'a/3', 'b/1']) await writeTree(folder, { [name]: 'x' })
    const error = await errorOf(namesOf(folder, { mostEntries: 6 }))
    expect(error.message).toContain('more than 6 files and folders')
    expect(error.code).toBe('INVALID_ARGUMENT')
    expect(await namesOf(folder, { mostEntries: 7 })).toHaveLength(4)
  })

  test('by the signal, also in an endless walk', async () => {
    const folder = await temporaryFolder()
    // Each of 30 folders has two links to the next one: 2^30 paths.
    for (let depth = 0; depth < 30; depth += 1) {
      await mkdir(join(folder, `d${depth}`))
      for (const name of ['a', 'b']) await symlink(`../d${depth + 1}`, join(folder, `d${depth}`, name))
    }
    await mkdir(join(folder, 'd30'))
    const stop = new AbortController()
    const planned = namesOf(folder, { signal: stop.signal, mostEntries: Infinity })
    setImmediate(() => {
      stop.abort()
    })
    expect((await errorOf(planned)).code).toBe('ABORTED')
  })

  test('by a signal that fired before the walk', async () => {
    const folder = await temporaryFolder()
    await writeTree(folder, { 'a/b/c': 'x' })
    const error = await errorOf(namesOf(folder, { signal: AbortSignal.abort(new Error('enough')) }))
    expect(error.code).toBe('ABORTED')
  })
})

test('never saves the hidden folders of restores', async () => {
  const folder = await temporaryFolder()
  await writeTree(folder, {
    'a.bin': 'x',
    '.holdfast-restore-host-1-abc/new-0': 'x',
    'sub/.holdfast-restore-0123456789abcdef-1-2-0123456789ab/new-0': 'x',
  })
  expect(await namesOf(folder)).toEqual(['out/a.bin'])
})

test('refuses to save a folder with an interrupted restore', async () => {
  const folder = await temporaryFolder()
  await writeTree(folder, { 'a.bin': 'x', '.holdfast-restore-host-1-abc/exchanging/journal': '{}' })
  const error = await errorOf(namesOf(folder))
  expect(error.code).toBe('INVALID_ARGUMENT')
  expect(error.message).toContain('may contain files of two checkpoints')
})

describe('a plan warns', () => {
  test('of nothing if the checkpoint keeps everything', async () => {
    const folder = await temporaryFolder()
    await writeTree(folder, { 'a/b': 'x' })
    expect((await planFiles(folder)).warnings).toEqual([])
  })

  test('of links that cause files to be saved several times', async () => {
    const folder = await temporaryFolder()
    await writeTree(folder, { 'blobs/a': '1234', 'blobs/b': '1234' })
    await mkdir(join(folder, 'snapshot'))
    await symlink('../blobs/a', join(folder, 'snapshot', 'model.bin'))
    await link(join(folder, 'blobs', 'b'), join(folder, 'snapshot', 'hard'))
    const { warnings } = await planFiles({ out: folder })
    expect(warnings).toEqual([
      expect.stringMatching(/^2 files \(out\/.*\) are stored more than once.*8 B more/),
      expect.stringContaining('1 link (out/snapshot/model.bin) was followed. A checkpoint keeps files'),
    ])
  })

  test('of holes in sparse files', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'mmap.bin'), '')
    await truncate(join(folder, 'mmap.bin'), 2 ** 30)
    const { warnings } = await planFiles({ out: folder })
    expect(warnings).toEqual([
      expect.stringContaining('1 file (out/mmap.bin) takes 1.1 GB less on this disk'),
    ])
  })

  test('of empty folders, except those whose contents are excluded', async () => {
    const folder = await temporaryFolder()
    await writeTree(folder, { 'a.bin': 'x', 'logs/a.log': 'x', 'full/deep/a.bin': 'x' })
    await mkdir(join(folder, 'empty', 'deep'), { recursive: true })
    const { warnings } = await planFiles({ out: folder }, { exclude: ['*.log'] })
    expect(warnings).toEqual([
      expect.stringMatching(/^2 empty folders \(out\/empty, \.\.\.\) were skipped\./),
    ])
  })

  test('of links and empty folders in one sentence, except those that are excluded', async () => {
    const folder = await temporaryFolder()
    await writeTree(folder, { 'data/a.bin': 'x' })
    const elsewhere = await temporaryFolder()
    await writeTree(elsewhere, { 'b.bin': 'y' })
    await symlink(elsewhere, join(folder, 'other'))
    await symlink(join(elsewhere, 'b.bin'), join(folder, 'file'))
    await symlink(join(elsewhere, 'b.bin'), join(folder, 'left.log'))
    await mkdir(join(folder, 'empty'))
    const { warnings } = await planFiles({ out: folder }, { exclude: ['*.log', 'data'] })
    expect(warnings.at(-1)).toBe(
      '2 links (out/file, ...) were followed and 1 empty folder (out/empty) was skipped. ' +
        'A checkpoint keeps files and their permissions, but no links, empty folders or times.',
    )
  })
})
