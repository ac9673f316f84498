import { execFileSync } from 'node:child_process'
import * as promises from 'node:fs/promises'
import { mkdir, readFile, rename, symlink, utimes, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { codeOf } from '@holdfast/conformance/testing'
import { describe, expect, test } from 'vitest'
import { adapter, FileBackend, type FileSystem } from '../src/index.ts'
import { rootOf } from '../src/adapter.ts'
import { everythingIn, temporaryFolder } from './folders.ts'
import { systemError } from './recording.ts'

describe('a key that is too long', () => {
  test.each(['win32', 'linux', 'darwin'] as const)('is refused before a call on %s', async (platform) => {
    const root = await temporaryFolder()
    const refusing = async (): Promise<never> => Promise.reject(systemError('ENAMETOOLONG'))
    const fileSystem: FileSystem = { ...promises, open: refusing, lstat: refusing, mkdir: refusing }
    const backend = new FileBackend(root, { fileSystem, platform })
    const { maxKeyBytes } = backend.capabilities
    const key = `${'a/'.repeat(maxKeyBytes / 2)}aa`
    expect(Buffer.byteLength(key)).toBeGreaterThan(maxKeyBytes)
    await expect(backend.put(key, Buffer.from('x'))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(`more than the ${maxKeyBytes} bytes that fit below`) as string,
    })
    expect(await codeOf(backend.stat(key))).toBe('INVALID_ARGUMENT')
  })
})

describe('no key leaves the root', () => {
  test('through a link in the place of a folder', async () => {
    const outside = await temporaryFolder()
    const root = await temporaryFolder()
    await writeFile(join(outside, 'secret'), 'secret')
    await symlink(outside, join(root, 'door'))
    const backend = new FileBackend(root)
    expect(await codeOf(backend.put('door/planted', Buffer.from('x')))).toBe('INVALID_ARGUMENT')
    expect(await codeOf(backend.commit('door/planted', Buffer.from('x')))).toBe('INVALID_ARGUMENT')
    expect(await codeOf(backend.read('door/secret'))).toBe('CORRUPT')
    expect(await codeOf(backend.stat('door/secret'))).toBe('CORRUPT')
    expect((await backend.delete(['door/secret'])).failed).toHaveLength(1)
    expect(await Array.fromAsync(backend.list(''))).toEqual([])
    for (const prefix of ['door/', 'door/secret'])
      expect(await codeOf(Array.fromAsync(backend.list(prefix)))).toBe('CORRUPT')
    await backend.sweep({ olderThan: 0 })
    expect(await everythingIn(outside)).toEqual(['secret'])
  })

  test('through a prefix that is not the start of a key', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'secret'), 'secret')
    const backend = new FileBackend(join(folder, 'root'))
    await backend.put('a/b', Buffer.from('x'))
    for (const prefix of [
      '../',
      '../secret',
      './',
      './a/',
      '/',
      '//',
      'a//b',
      'a/../a/',
      'a/./',
      `${'x'.repeat(300)}/`,
    ])
      expect(await Array.fromAsync(backend.list(prefix)), prefix).toEqual([])
  })

  test('through a link in the place of a file', async () => {
    const outside = await temporaryFolder()
    const root = await temporaryFolder()
    await writeFile(join(outside, 'secret'), 'secret')
    await symlink(join(outside, 'secret'), join(root, 'file'))
    const backend = new FileBackend(root)
    expect(await codeOf(backend.read('file'))).toBe('CORRUPT')
    expect(await backend.stat('file')).toBeUndefined()
    await backend.put('file', Buffer.from('ours'))
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret')
    expect(await readFile(join(root, 'file'), 'utf8')).toBe('ours')
  })
})

test('examines a folder once, and again after it was missing', async () => {
  const root = await temporaryFolder()
  await mkdir(join(root, 'a'))
  const looked: string[] = []
  const lstat = (async (path: string, options?: { readonly bigint: true }) => {
    looked.push(relative(root, path))
    return promises.lstat(path, options)
  }) as FileSystem['lstat']
  const backend = new FileBackend(root, { fileSystem: { ...promises, lstat } })
  for (const key of ['a/1', 'a/b/2', 'a/b/3']) await backend.put(key, Buffer.from('x'))
  expect(looked).toEqual(['a'])
  await rename(join(root, 'a'), join(root, 'elsewhere'))
  await mkdir(join(root, 'a'))
  await symlink(join(root, 'elsewhere'), join(root, 'a', 'c'))
  expect(await codeOf(backend.put('a/c/4', Buffer.from('x')))).toBe('INVALID_ARGUMENT')
  await backend.put('a/b/5', Buffer.from('x'))
  expect(await everythingIn(join(root, 'a', 'b'))).toEqual(['5'])
  expect(await everythingIn(join(root, 'elsewhere'))).toEqual(['1', 'b', 'b/2', 'b/3'])
})

test('rejects the names of temporary files as keys', async () => {
  const backend = new FileBackend(await temporaryFolder())
  for (const key of ['.holdfast-tmp-0123', 'a/.holdfast-tmp-x/b']) {
    expect(await codeOf(backend.put(key, Buffer.from('x')))).toBe('INVALID_ARGUMENT')
  }
})

test('opens a share of another machine on Windows only', () => {
  const share = new URL('file://server/share/runs/a')
  expect(rootOf(share, undefined, 'win32')).toBe('\\\\server\\share\\runs\\a')
  expect(rootOf(new URL('file:///C:/runs/a'), undefined, 'win32')).toBe('C:\\runs\\a')
  expect(rootOf(new URL('file:///C:/'), undefined, 'win32')).toBe('C:\\')
  expect(() => rootOf(share, undefined, 'linux')).toThrow('names the host server')
})

const reservedOnWindows = [
  'CON',
  'nul.txt',
  'a/COM1/b',
  'lpt9.log',
  'com¹',
  'LPT³.bin',
  'aux .txt',
  'prn.tar.gz',
  'CONOUT$',
  'colon:stream',
  'question?',
  'star*',
  'trailing.',
  'trailing ',
  'pipe|',
]

test('rejects reserved names of Windows on Windows', async () => {
  const windows = new FileBackend(await temporaryFolder(), { platform: 'win32' })
  for (const key of reservedOnWindows)
    expect(await codeOf(windows.put(key, Buffer.from('x'))), key).toBe('INVALID_ARGUMENT')
  for (const key of ['console', 'common/x', 'a.b.c', 'null', 'com', 'com10', 'model.con', 'my nul'])
    expect(await codeOf(windows.put(key, Buffer.from('x'))), key).toBe('no error')
})

test.skipIf(process.platform === 'win32')('stores reserved names of Windows elsewhere', async () => {
  const linux = new FileBackend(await temporaryFolder(), { platform: 'linux' })
  for (const key of reservedOnWindows)
    expect(await codeOf(linux.put(key, Buffer.from('x'))), key).toBe('no error')
})

test('reports a file in the place of the root or a folder', async () => {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'file'), 'x')
  const wrong = new FileBackend(join(folder, 'file'))
  await expect(wrong.put('key', Buffer.from('x'))).rejects.toThrow(/is a file, but must be a folder/)
  expect(await codeOf(wrong.put('key', Buffer.from('x')))).toBe('INVALID_ARGUMENT')
  expect(await codeOf(wrong.commit('key', Buffer.from('x')))).toBe('INVALID_ARGUMENT')
  expect(await codeOf(Array.fromAsync(wrong.list('')))).toBe('INVALID_ARGUMENT')
  expect(await codeOf(wrong.sweep({ olderThan: 0 }))).toBe('INVALID_ARGUMENT')
  const backend = new FileBackend(folder)
  expect(await codeOf(backend.put('file/below', Buffer.from('x')))).toBe('INVALID_ARGUMENT')
  expect(await codeOf(backend.read('file/below'))).toBe('NOT_FOUND')
  expect(await everythingIn(folder)).toEqual(['file'])
})

test('does not block on a pipe, and does not return it as an object', async () => {
  const root = await temporaryFolder()
  execFileSync('mkfifo', [join(root, 'pipe')])
  const backend = new FileBackend(root)
  expect(await codeOf(backend.read('pipe'))).toBe('NOT_FOUND')
  expect(await backend.stat('pipe')).toBeUndefined()
  expect(await Array.fromAsync(backend.list(''))).toEqual([])
})

test('fails if no folder can be created in the root', async () => {
  // Behaves like `/proc`: the root exists, and nothing can be created in it.
  const root = await temporaryFolder()
  let tried = 0
  const mkdir = (async (path: string) => {
    tried += 1
    if (tried > 10_000) throw systemError('EIO')
    throw systemError(path === root ? 'EEXIST' : 'ENOENT')
  }) as FileSystem['mkdir']
  const backend = new FileBackend(root, { fileSystem: { ...promises, mkdir } })
  expect(await codeOf(backend.put('a/b/c', Buffer.from('x')))).toBe('NOT_FOUND')
})

test('creates a folder again that another process creates and removes', async () => {
  const root = await temporaryFolder()
  const races = ['a', 'a/b'].map((folder) => join(root, folder))
  const mkdir = (async (path: string) => {
    if (races[0] !== path) return promises.mkdir(path)
    races.shift()
    throw systemError('EEXIST')
  }) as FileSystem['mkdir']
  const backend = new FileBackend(root, { fileSystem: { ...promises, mkdir } })
  await backend.put('a/b/c', Buffer.from('x'))
  expect(races).toEqual([])
  expect(await everythingIn(root)).toEqual(['a', 'a/b', 'a/b/c'])
})

test('names the key and the store in an error', async () => {
  const root = await temporaryFolder()
  await symlink(root, join(root, 'door'))
  await expect(new FileBackend(root).put('door/x', Buffer.from('x'))).rejects.toMatchObject({
    key: 'door/x',
    url: pathToFileURL(root).href,
  })
})

test('treats a missing root as empty, reports its free space, and creates it at the first write', async () => {
  const root = join(await temporaryFolder(), 'runs', 'a')
  const backend = new FileBackend(root)
  expect(await Array.fromAsync(backend.list(''))).toEqual([])
  expect(await backend.stat('x')).toBeUndefined()
  expect((await backend.freeSpace()).kind).toBe('measured')
  expect(await backend.sweep({ olderThan: 0 })).toEqual({ discarded: [], left: 0 })
  await backend.put('x', Buffer.from('x'))
  expect(await everythingIn(root)).toEqual(['x'])
})

test('lists a folder without reading its siblings', async () => {
  const root = await temporaryFolder()
  const read: string[] = []
  const readdir = (async (path: string, options: { readonly withFileTypes: true }) => {
    read.push(relative(root, path))
    return promises.readdir(path, options)
  }) as FileSystem['readdir']
  const backend = new FileBackend(root, { fileSystem: { ...promises, readdir } })
  for (const key of ['data/1/a', 'data/1/b/c', 'data/10/a', 'data/2/a'])
    await backend.put(key, Buffer.from('x'))
  const listed = await Array.fromAsync(backend.list('data/1/'))
  expect(listed.map(({ key }) => key)).toEqual(['data/1/a', 'data/1/b/c'])
  expect(read).toEqual(['data/1', 'data/1/b'])
})

test('removes folders that a delete emptied, except the root', async () => {
  const root = join(await temporaryFolder(), 'root')
  const backend = new FileBackend(root)
  await backend.put('a/b/c/one', Buffer.from('x'))
  await backend.put('a/two', Buffer.from('x'))
  await backend.delete(['a/b/c/one'])
  expect(await everythingIn(root)).toEqual(['a', 'a/two'])
  await backend.delete(['a/two'])
  expect(await everythingIn(root)).toEqual([])
})

describe('sweep', () => {
  test('finds only temporary files that match the age, the prefix and the filter', async () => {
    const root = await temporaryFolder()
    const backend = new FileBackend(root)
    await mkdir(join(root, 'data', 'x'), { recursive: true })
    await mkdir(join(root, 'catalog'))
    await writeFile(join(root, 'data', 'x', '.holdfast-tmp-1'), '12345')
    await writeFile(join(root, 'catalog', '.holdfast-tmp-2'), '1')
    await writeFile(join(root, 'catalog', '.hidden'), 'not ours')
    expect(await backend.sweep({ olderThan: 60_000 })).toEqual({ discarded: [], left: 2 })
    const dry = await backend.sweep({ olderThan: 0, prefix: 'data/', dryRun: true })
    expect(dry.discarded).toMatchObject([{ key: 'data/x/.holdfast-tmp-1', size: 5 }])
    expect(await backend.sweep({ olderThan: 0, only: () => false })).toMatchObject({ discarded: [], left: 2 })
    expect((await backend.sweep({ olderThan: 0, prefix: 'data/' })).discarded).toHaveLength(1)
    expect(await everythingIn(root)).toEqual(['catalog', 'catalog/.hidden', 'catalog/.holdfast-tmp-2'])
    await backend.sweep({ olderThan: 0 })
    expect(await everythingIn(root)).toEqual(['catalog', 'catalog/.hidden'])
  })

  test('counts a file from the future as a new one', async () => {
    const root = await temporaryFolder()
    const backend = new FileBackend(root)
    await mkdir(join(root, 'data'))
    await writeFile(join(root, 'data', '.holdfast-tmp-1'), '1')
    const tomorrow = new Date(Date.now() + 86_400_000)
    await utimes(join(root, 'data', '.holdfast-tmp-1'), tomorrow, tomorrow)
    expect(await backend.sweep({ olderThan: 1 })).toEqual({ discarded: [], left: 1 })
    expect((await backend.sweep({ olderThan: 0 })).discarded).toHaveLength(1)
  })

  test('removes an empty folder only if the caller names its key', async () => {
    const root = await temporaryFolder()
    const backend = new FileBackend(root)
    await mkdir(join(root, 'data', 'mine'), { recursive: true })
    await mkdir(join(root, 'logs', 'yours'), { recursive: true })
    expect(await backend.sweep({ olderThan: 0 })).toEqual({ discarded: [], left: 0 })
    expect(await everythingIn(root)).toEqual(['data', 'data/mine', 'logs', 'logs/yours'])
    const { discarded, left } = await backend.sweep({ olderThan: 0, only: (key) => key.startsWith('data/') })
    expect([discarded.map(({ key }) => key), left]).toEqual([['data/mine/'], 1])
    expect(await everythingIn(root)).toEqual(['logs', 'logs/yours'])
  })
})

describe('the adapter', () => {
  test('opens file: URLs with escaped characters', async () => {
    const folder = join(await temporaryFolder(), 'with space #1 ü')
    const backend = await adapter.open(pathToFileURL(folder))
    expect(backend.capabilities.localRoot).toBe(folder)
  })

  test.each([
    ['file:///runs/a?fast=1', 'CONFIG'],
    ['file:///runs/a#part', 'CONFIG'],
    ['file://host/runs/a', 'CONFIG'],
  ])('%s is %s', async (url, code) => {
    expect(await codeOf(adapter.open(new URL(url)))).toBe(code)
  })

  test('rejects unknown options', async () => {
    expect(await codeOf(adapter.open(new URL('file:///runs/a'), { fsync: false }))).toBe('INVALID_ARGUMENT')
  })
})
