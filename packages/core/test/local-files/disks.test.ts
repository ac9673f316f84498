import { mkdir, readdir } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { describe, expect, test } from 'vitest'
import { deliverToDirectory } from '../../src/local-files/to-directory.ts'
import { codeOf, temporaryFolder } from '../stores.ts'
import { readTree, writeTree } from '../trees.ts'
import { deliveriesOf, plain } from './deliveries.ts'
import { systemError } from './gated.ts'
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
    const intoStore = { ...plain, storeRoot: join(sep, 'data') }
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
      await deliverToDirectory(to, deliveries, plain, undefined, 'linux')
      expect(await readTree(to)).toEqual({ 'model.bin': 'model', [name]: 'x' })
    },
  )
})
