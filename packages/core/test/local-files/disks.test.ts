import { mkdir, readdir } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { describe, expect, test } from 'vitest'
import { deliverToDirectory } from '../../src/local-files/delivery/to-directory.ts'
import { codeOf, temporaryFolder } from '../stores.ts'
import { readTree, writeTree } from '../trees.ts'
import { deliveriesOf, plain } from './deliveries.ts'
import { gated, systemError } from './gated.ts'
import { translated } from './translated.ts'

const files = { 'Größe/Modèle.bin': 'model', 'Log.txt': 'log' }

describe.each([
  ['decomposes names, like HFS+', (path: string) => path.normalize('NFD')],
  ['stores names in lower case, like FAT with short names', (path: string) => path.toLowerCase()],
])('a disk that %s', (_, stored) => {
  const disk = translated({ stored, returned: (path) => path })
  const onDisk = Object.fromEntries(Object.entries(files).map(([name, text]) => [stored(name), text]))

  test('counts no restored file as another one', async () => {
    const to = stored(await temporaryFolder())
    for (let time = 1; time <= 2; time += 1) {
      const { others } = await deliverToDirectory(to, deliveriesOf(files), plain, disk)
      expect(others).toMatchObject({ count: 0 })
    }
    expect(await readTree(to)).toEqual(onDisk)
  })

  test('keeps restored files in an exact restore, and removes only others', async () => {
    const to = stored(await temporaryFolder())
    await writeTree(to, { [stored('Größe/Modèle.bin')]: 'old', [stored('Größe/Älter.bin')]: 'old' })
    const { others } = await deliverToDirectory(to, deliveriesOf(files), { ...plain, others: 'remove' }, disk)
    expect(others).toMatchObject({ count: 1, removed: true })
    expect(await readTree(to)).toEqual(onDisk)
  })

  test('completes a restore that failed amid the renames', async () => {
    const to = stored(await temporaryFolder())
    await writeTree(to, { [stored('Größe/Modèle.bin')]: 'old' })
    const failing = { ...disk, rename: () => Promise.reject(systemError('EIO')) }
    await expect(deliverToDirectory(to, deliveriesOf(files), plain, failing)).rejects.toThrow()
    await deliverToDirectory(to, deliveriesOf(files), plain, disk)
    expect(await readTree(to)).toEqual(onDisk)
  })
})

describe('the root of a disk', () => {
  /** A disk whose root is a folder. */
  const rootedAt = (folder: string) =>
    translated({
      stored: (path) => join(folder, path),
      returned: (path) => (path === folder ? sep : path.slice(folder.length)),
    })

  test('receives a checkpoint, and keeps its other files', async () => {
    const folder = await temporaryFolder()
    await writeTree(folder, { 'etc/hosts': 'hosts', 'data/a.bin': 'old' })
    const restored = { 'data/a.bin': 'new', 'model.bin': 'model' }
    const { paths, others } = await deliverToDirectory(sep, deliveriesOf(restored), plain, rootedAt(folder))
    expect(paths).toEqual([join(sep, 'data', 'a.bin'), join(sep, 'model.bin')])
    expect(others).toMatchObject({ count: 1, names: ['etc/hosts'], removed: false, removable: false })
    expect(await readTree(folder)).toEqual({ 'etc/hosts': 'hosts', ...restored })
    expect((await readdir(folder)).toSorted()).toEqual(['data', 'etc', 'model.bin'])
  })

  test('is refused if the store is in the way, or if other files would be removed', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'data'))
    const root = rootedAt(folder)
    const intoStore = { ...plain, storeFolders: [{ kind: 'store', path: join(sep, 'data') }] } as const
    expect(await codeOf(deliverToDirectory(sep, deliveriesOf({ 'data/a': 'a' }), intoStore, root))).toBe(
      'INVALID_ARGUMENT',
    )
    const exact = { ...plain, others: 'remove' } as const
    expect(await codeOf(deliverToDirectory(sep, deliveriesOf({ a: 'a' }), exact, root))).toBe(
      'INVALID_ARGUMENT',
    )
    expect(await readdir(folder, { recursive: true })).toEqual(['data'])
  })
})

describe('on Windows', () => {
  test.each(['nul', 'logs/aux.txt', 'com¹', 'model.bin:stream', 'what?.bin', 'end.', 'end '])(
    'a restore of the name %j is refused before anything is written',
    async (name) => {
      const to = await temporaryFolder()
      const deliveries = deliveriesOf({ 'model.bin': 'model', [name]: 'x' })
      const refused = deliverToDirectory(to, deliveries, plain, undefined, 'win32')
      await expect(refused).rejects.toThrow(`No file on Windows can have the name ${JSON.stringify(name)}`)
      expect(await readdir(to)).toEqual([])
    },
  )
})

test.skipIf(process.platform === 'win32')(
  'a restore elsewhere delivers the names that Windows reserves',
  async () => {
    const to = await temporaryFolder()
    const reserved = { nul: 'x', 'logs/aux.txt': 'x', 'model.bin:stream': 'x', 'end.': 'x' }
    await deliverToDirectory(to, deliveriesOf(reserved), plain)
    expect(await readTree(to)).toEqual(reserved)
  },
)

test.each([
  ['syncs every changed folder on Linux', 'linux', ['.', 'logs']],
  ['syncs no folder on Windows, which cannot do that', 'win32', []],
] as const)('a restore %s', async (_, platform, synced) => {
  const to = await temporaryFolder()
  const folders = new Set<string>()
  const disk = gated((method, path, flags) => {
    if (method !== 'open' || flags !== 'r') return
    if (platform === 'win32') throw systemError('EISDIR')
    folders.add(relative(to, String(path)) || '.')
  })
  await deliverToDirectory(to, deliveriesOf({ 'model.bin': 'm', 'logs/a.txt': 'a' }), plain, disk, platform)
  expect(await readTree(to)).toEqual({ 'model.bin': 'm', 'logs/a.txt': 'a' })
  expect([...folders].filter((folder) => !folder.startsWith('.holdfast')).toSorted()).toEqual(synced)
})

describe('a restore on Windows beside a scanner', () => {
  /** The attempts of one change. */
  const attempts = 8

  /**
   * The real disk, on which a scanner holds each file or folder for its first two changes of a kind, and the file `kept` for all
   * attempts of a rename.
   */
  function scanned(kept?: string) {
    const changes = new Map<string, number>()
    const disk = gated((method, path) => {
      if (!['rename', 'unlink', 'rmdir'].includes(method)) return
      const change = `${method} ${String(path)}`
      const times = (changes.get(change) ?? 0) + 1
      changes.set(change, times)
      const heldFor = method === 'rename' && basename(String(path)) === kept ? attempts : 2
      if (times <= heldFor) throw systemError(times === 1 ? 'EPERM' : 'EBUSY')
    })
    return { disk, changes }
  }

  test('waits until each file and folder can be changed', async () => {
    const to = await temporaryFolder()
    await writeTree(to, { 'model.bin': 'old', 'other.bin': 'other' })
    const { disk, changes } = scanned()
    const exact = { ...plain, others: 'remove' } as const
    await deliverToDirectory(to, deliveriesOf({ 'model.bin': 'new' }), exact, disk, 'win32')
    expect(await readTree(to)).toEqual({ 'model.bin': 'new' })
    expect(await readdir(to)).toEqual(['model.bin'])
    for (const method of ['rename', 'unlink', 'rmdir'])
      expect([...changes.keys()].some((change) => change.startsWith(method))).toBe(true)
  })

  test('undoes its changes if a file stays open, and waits for those, too', async () => {
    const to = await temporaryFolder()
    const before = { 'a.bin': 'old a', 'b.bin': 'old b' }
    await writeTree(to, before)
    const { disk } = scanned('new-1')
    const delivered = deliverToDirectory(
      to,
      deliveriesOf({ 'a.bin': 'new', 'b.bin': 'new' }),
      plain,
      disk,
      'win32',
    )
    expect(await codeOf(delivered)).toBe('UNAVAILABLE')
    expect(await readTree(to)).toEqual(before)
    expect((await readdir(to)).toSorted()).toEqual(['a.bin', 'b.bin'])
  })
})
