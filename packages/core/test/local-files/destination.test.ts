import { execFileSync } from 'node:child_process'
import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { HoldfastError } from '../../src/errors.ts'
import { parseMountPoints } from '../../src/local-files/delivery/mounts.ts'
import type { StoreFolder } from '../../src/local-files/store-folders.ts'
import { deliverToDirectory, type DeliveryOptions } from '../../src/local-files/delivery/to-directory.ts'
import { codeOf, temporaryFolder } from '../stores.ts'
import { deliveriesOf, plain } from './deliveries.ts'
import { readTree, writeTree } from '../trees.ts'
import { gated, systemError } from './gated.ts'

const files = { 'model.bin': 'model', 'sub/deep/log.txt': 'log' }

async function deliver(to: string, options: Partial<DeliveryOptions> = {}): Promise<void> {
  await deliverToDirectory(to, deliveriesOf(files), { ...plain, ...options })
}

describe('a destination that is refused before anything is written', () => {
  const cases: readonly (readonly [string, string, (folder: string) => Promise<unknown>])[] = [
    ['a file', 'to', (folder) => writeFile(join(folder, 'to'), 'x')],
    ['a path below a file', 'to/below', (folder) => writeFile(join(folder, 'to'), 'x')],
    ['a link that leads nowhere', 'to', (folder) => symlink('/nowhere/at/all', join(folder, 'to'))],
    ['a path below such a link', 'to/below', (folder) => symlink('/nowhere/at/all', join(folder, 'to'))],
    ['a link that leads to itself', 'to', (folder) => symlink('to', join(folder, 'to'))],
    [
      'a folder in the place of a file',
      'to',
      (folder) => mkdir(join(folder, 'to', 'model.bin'), { recursive: true }),
    ],
    ['a file in the place of a folder', 'to', (folder) => writeTree(join(folder, 'to'), { sub: 'x' })],
    [
      'a dead link in the place of a folder',
      'to',
      async (folder) => {
        await mkdir(join(folder, 'to'))
        await symlink('/nowhere/at/all', join(folder, 'to', 'sub'))
      },
    ],
  ]

  test.each(cases)('%s', async (_, to, prepare) => {
    const folder = await temporaryFolder()
    await prepare(folder)
    const before = await readdir(folder, { recursive: true })
    expect(await codeOf(deliver(join(folder, to)))).toBe('INVALID_ARGUMENT')
    expect(await readdir(folder, { recursive: true })).toEqual(before)
  })

  test('an empty path, which would be the current folder', async () => {
    expect(await codeOf(deliverToDirectory('', [], plain))).toBe('INVALID_ARGUMENT')
  })

  test.each(['sub', 'sub/deep'])('a link at %s that leads out of it', async (link) => {
    const [to, outside] = [await temporaryFolder(), await temporaryFolder()]
    await mkdir(join(to, link, '..'), { recursive: true })
    await symlink(outside, join(to, link))
    expect(await codeOf(deliver(to))).toBe('INVALID_ARGUMENT')
    expect(await readdir(outside)).toEqual([])
  })

  test.skipIf(process.getuid?.() === 0)('a folder that cannot be written to', async () => {
    const to = await temporaryFolder()
    await mkdir(join(to, 'sub'), { mode: 0o500 })
    expect(await codeOf(deliver(to))).toBe('PERMISSION_DENIED')
    await chmod(join(to, 'sub'), 0o700)
    expect(await readdir(to)).toEqual(['sub'])
  })
})

function storeAt(...path: readonly string[]): StoreFolder {
  return { kind: 'store', path: join(...path) }
}

describe('the store and its mirror are never overwritten', () => {
  test.each([
    ['the store itself', 'store'],
    ['a folder below it', 'store/catalog'],
    ['a new folder below it', 'store/new/folder'],
    ['a link to it', 'link'],
    ['a new folder behind a link to it', 'link/new'],
  ])('%s is refused as a destination', async (_, to) => {
    const folder = await temporaryFolder()
    const path = join(folder, 'store')
    await writeTree(path, { 'holdfast.json': 'marker', 'catalog/1.json': 'catalog' })
    await symlink(path, join(folder, 'link'))
    for (const kind of ['store', 'mirror'] as const)
      expect(await codeOf(deliver(join(folder, to), { storeFolders: [{ kind, path }] }))).toBe(
        'INVALID_ARGUMENT',
      )
    expect(await readTree(path)).toEqual({ 'holdfast.json': 'marker', 'catalog/1.json': 'catalog' })
  })

  test('recognises a store behind a link', async () => {
    const folder = await temporaryFolder()
    await writeTree(join(folder, 'real'), { 'holdfast.json': 'marker' })
    await symlink('real', join(folder, 'link'))
    const call = deliver(join(folder, 'real', 'x'), { storeFolders: [storeAt(folder, 'link')] })
    expect(await codeOf(call)).toBe('INVALID_ARGUMENT')
  })

  test.each(['sub', 'sub/deep'])(
    'files that would go into a store at %s below the destination are refused',
    async (at) => {
      const to = await temporaryFolder()
      await writeTree(join(to, at), { 'holdfast.json': 'marker' })
      expect(await codeOf(deliver(to, { storeFolders: [storeAt(to, at)] }))).toBe('INVALID_ARGUMENT')
      expect(await readTree(to)).toEqual({ [`${at}/holdfast.json`]: 'marker' })
    },
  )

  test('leaves a store beside the destination alone, and does not count its files', async () => {
    const to = await temporaryFolder()
    await writeTree(join(to, 'ckpt'), { 'holdfast.json': 'marker' })
    const { others } = await deliverToDirectory(to, deliveriesOf(files), {
      ...plain,
      storeFolders: [storeAt(to, 'ckpt')],
    })
    expect(others).toMatchObject({ count: 0 })
  })

  test('delivers although the mirror cannot be reached', async () => {
    const folder = await temporaryFolder()
    await symlink('/nowhere/at/all', join(folder, 'dead'))
    const storeFolders = [storeAt(folder, 'store'), { kind: 'mirror', path: join(folder, 'dead') }] as const
    await deliver(join(folder, 'to'), { others: 'remove', storeFolders })
    expect(await readTree(join(folder, 'to'))).toEqual(files)
  })
})

describe('mount points', () => {
  test('are read from mountinfo, with escaped characters', () => {
    const text =
      '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n' +
      '40 22 0:35 / /mnt/a\\040b\\134c rw shared:9 - tmpfs tmpfs rw\n'
    expect(parseMountPoints(text)).toEqual(new Set(['/', '/mnt/a b\\c']))
  })

  async function mounted(kind: 'folder' | 'file', at: string): Promise<boolean> {
    const source = await temporaryFolder()
    await writeFile(join(source, 'file'), 'mounted')
    try {
      execFileSync('mount', ['--bind', kind === 'file' ? join(source, 'file') : source, at], {
        stdio: 'pipe',
      })
    } catch {
      return false // not allowed here
    }
    onTestFinished(() => {
      execFileSync('umount', [at])
    })
    return true
  }

  test.each([
    ['folder', 'sub'],
    ['folder', 'sub/deep'],
    ['file', 'model.bin'],
  ] as const)('a mounted %s at %s is named before anything is replaced', async (kind, at) => {
    const to = await temporaryFolder()
    await writeTree(to, { 'model.bin': 'old', 'sub/deep/log.txt': 'old' })
    if (!(await mounted(kind, join(to, at)))) return
    const before = await readTree(to)
    const refused = deliver(to)
    await expect(refused).rejects.toThrow(`${join(to, at)} is a mount point`)
    expect(await readTree(to)).toEqual(before)
  })

  test('include another device if the system lists no mounts', async () => {
    const to = await temporaryFolder()
    await writeTree(to, { 'sub/deep/log.txt': 'old' })
    const fileSystem = gated((method) => {
      if (method === 'readFile') throw systemError('ENOENT')
    })
    const stat = fileSystem.stat.bind(fileSystem)
    const elsewhere = new Proxy(fileSystem, {
      get: (target, property, receiver): unknown =>
        property === 'stat'
          ? async (path: string, options: { bigint: true }) => {
              const stats = await stat(path, options)
              return path === join(to, 'sub', 'deep') ? Object.assign(stats, { dev: stats.dev + 1n }) : stats
            }
          : Reflect.get(target, property, receiver),
    })
    const refused = deliverToDirectory(to, deliveriesOf(files), plain, elsewhere)
    await expect(refused).rejects.toThrow(`${join(to, 'sub', 'deep')} is a mount point`)
    expect(await readTree(to)).toEqual({ 'sub/deep/log.txt': 'old' })
  })

  test('are not removed by an exact restore', async () => {
    const to = await temporaryFolder()
    await writeTree(to, { 'other/deep/a': 'x' })
    if (!(await mounted('folder', join(to, 'other', 'deep')))) return
    await expect(deliver(to, { others: 'remove' })).rejects.toThrow('is a mount point')
    expect(await readTree(to)).toEqual({ 'other/deep/file': 'mounted' })
  })
})

test.each([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOSPC',
  'EDQUOT',
  'EIO',
  'ENOENT',
  'EEXIST',
  'ENOTDIR',
  'ELOOP',
  'ESTALE',
])('a destination that fails with %s is not taken for a missing or corrupt checkpoint', async (code) => {
  for (const failing of ['mkdir', 'open', 'file.write', 'file.sync', 'readdir', 'access', 'rename']) {
    const to = await temporaryFolder()
    const fileSystem = gated((method) => {
      if (method === failing) throw systemError(code)
    })
    const thrown: unknown = await deliverToDirectory(to, deliveriesOf(files), plain, fileSystem).then(
      () => undefined,
      (error: unknown) => error,
    )
    if (!(thrown instanceof HoldfastError)) throw new Error(`${failing} failed with ${String(thrown)}`)
    expect(['NOT_FOUND', 'ALREADY_EXISTS', 'FENCED', 'CORRUPT'], failing).not.toContain(thrown.code)
    expect(await readTree(to), failing).toEqual({})
  }
})

describe('other files at the destination', () => {
  const old = { 'model-1-of-2.bin': 'old', 'sub/old.txt': 'old', 'gone/a/b.txt': 'old', 'model.bin': 'old' }

  test('are counted and not removed', async () => {
    const to = await temporaryFolder()
    await writeTree(to, old)
    const { others } = await deliverToDirectory(to, deliveriesOf(files), plain)
    expect(others).toEqual({
      count: 3,
      names: ['gone/a/b.txt', 'model-1-of-2.bin', 'sub/old.txt'],
      isComplete: true,
      removed: false,
      removable: true,
    })
    expect(await readTree(to)).toEqual({ ...old, ...files })
  })

  test('are removed by an exact restore, with links and empty folders', async () => {
    const [to, outside] = [await temporaryFolder(), await temporaryFolder()]
    await writeTree(outside, { kept: 'kept' })
    await writeTree(to, old)
    await mkdir(join(to, 'empty'))
    await symlink(outside, join(to, 'link'))
    const { others } = await deliverToDirectory(to, deliveriesOf(files), { ...plain, others: 'remove' })
    expect(others).toMatchObject({ count: 4, removed: true })
    expect((await readdir(to, { recursive: true })).toSorted()).toEqual([
      'model.bin',
      'sub',
      'sub/deep',
      'sub/deep/log.txt',
    ])
    expect(await readTree(outside)).toEqual({ kept: 'kept' })
  })

  test('are not counted if only some files are restored', async () => {
    const to = await temporaryFolder()
    await writeTree(to, old)
    const { others } = await deliverToDirectory(to, deliveriesOf(files), { ...plain, others: 'ignore' })
    expect(others).toBeUndefined()
  })

  test('are not removed with the store among them, nor from a home folder or the root', async () => {
    const to = await temporaryFolder()
    const path = join(to, 'ckpt')
    await writeTree(path, { 'holdfast.json': 'marker' })
    for (const [place, storeFolders] of [
      [to, [{ kind: 'store', path }]],
      [to, [{ kind: 'mirror', path }]],
      [homedir(), []],
      ['/', []],
    ] as const)
      expect(await codeOf(deliver(place, { others: 'remove', storeFolders })), place).toBe('INVALID_ARGUMENT')
    expect(await readTree(to)).toEqual({ 'ckpt/holdfast.json': 'marker' })
  })

  test.each(['home', 'home/user', 'link', 'link/user'])(
    'are not removed from %s if a link leads to the home folder',
    async (at) => {
      const folder = await temporaryFolder()
      await writeTree(folder, { 'home/user/thesis.tex': 'thesis' })
      await symlink('home', join(folder, 'link'))
      setHome(join(folder, 'link', 'user'))
      expect(await codeOf(deliver(join(folder, at), { others: 'remove' }))).toBe('INVALID_ARGUMENT')
      expect(await readTree(join(folder, 'home'))).toEqual({ 'user/thesis.tex': 'thesis' })
    },
  )

  test('are removed below the home folder, or if that is a dead link or not set', async () => {
    const folder = await temporaryFolder()
    await symlink('/nowhere/at/all', join(folder, 'dead'))
    for (const home of [folder, join(folder, 'dead'), '']) {
      setHome(home)
      await writeTree(folder, { 'out/old.bin': 'old' })
      await deliver(join(folder, 'out'), { others: 'remove' })
      expect(await readTree(join(folder, 'out'))).toEqual(files)
    }
  })
})

function setHome(path: string): void {
  vi.stubEnv('HOME', path)
  vi.stubEnv('USERPROFILE', path) // on Windows
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
}
