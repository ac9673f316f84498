import * as promises from 'node:fs/promises'
import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { destinationAt } from '../../src/local-files/delivery/destination.ts'
import type { LocalFileSystem } from '../../src/local-files/file-system.ts'
import { othersToRemove } from '../../src/local-files/delivery/other-files.ts'
import { knownStoreFolders, type StoreFolder } from '../../src/local-files/store-folders.ts'
import { deliverToDirectory } from '../../src/local-files/delivery/to-directory.ts'
import { codeOf, temporaryFolder } from '../stores.ts'
import { readTree, writeTree } from '../trees.ts'
import { deliveriesOf, plain } from './deliveries.ts'
import { surrounded } from './gated.ts'

async function pathsOf(
  fileSystem: LocalFileSystem,
  folders: readonly StoreFolder[],
  limit?: number,
): Promise<readonly string[]> {
  const known = await knownStoreFolders(fileSystem, folders, limit)
  return known.map(({ folder }) => folder.realPath)
}

test('a mirror that does not answer is recognised by its path, and asked again only once it has answered', async () => {
  const folder = await promises.realpath(await temporaryFolder())
  await mkdir(join(folder, 'store'))
  await mkdir(join(folder, 'real'))
  const mirror = join(folder, 'mirror')
  await symlink('real', mirror)
  const answer = Promise.withResolvers<undefined>()
  let calls = 0
  const lstat = async (path: string): Promise<unknown> => {
    if (path !== mirror) return promises.lstat(path)
    calls += 1
    await answer.promise
    return promises.lstat(path)
  }
  const hung: LocalFileSystem = { ...promises, lstat: lstat as LocalFileSystem['lstat'] }
  const folders: readonly StoreFolder[] = [
    { kind: 'store', path: join(folder, 'store') },
    { kind: 'mirror', path: mirror },
  ]
  expect(await pathsOf(hung, folders, 0)).toEqual([join(folder, 'store'), mirror])
  expect(await pathsOf(hung, folders)).toEqual([join(folder, 'store'), mirror])
  expect(calls).toBe(1)
  answer.resolve(undefined)
  await expect.poll(() => pathsOf(hung, folders)).toEqual([join(folder, 'store'), join(folder, 'real')])
})

describe('a mirror below the destination, reached by a link that answers late', () => {
  const mirrorFiles = { 'mirror/objects/a': 'the only second copy', x: 'x' }

  async function withSlowLink() {
    const folder = await promises.realpath(await temporaryFolder())
    const to = join(folder, 'to')
    await writeTree(to, mirrorFiles)
    const link = join(folder, 'link')
    await symlink(join(to, 'mirror'), link)
    const answer = Promise.withResolvers<undefined>()
    const slow = surrounded(async (_, [path], call) => {
      if (path === link) await answer.promise
      return call()
    })
    const storeFolders = [{ kind: 'mirror', path: link }] as const
    await knownStoreFolders(slow, storeFolders, 0) // the limit passes once for all callers
    return { to, link, slow, answer, storeFolders }
  }

  test('refuses to remove other files until it has answered', async () => {
    const { to, link, slow, answer, storeFolders } = await withSlowLink()
    const options = { ...plain, others: 'remove', storeFolders } as const
    const restore = () => deliverToDirectory(to, deliveriesOf({ 'm.bin': 'm' }), options, slow)
    await expect(restore()).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: expect.stringContaining(`the mirror of the store (${link}) has not answered yet`) as unknown,
    })
    answer.resolve(undefined)
    await expect(restore()).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: expect.stringContaining('it contains the mirror of the store') as unknown,
    })
    expect(await readTree(to)).toEqual(mirrorFiles)
  })

  test('is not written to if it answers before the exchange', async () => {
    const { to, slow, answer, storeFolders } = await withSlowLink()
    const beforeExchange = async (): Promise<void> => {
      answer.resolve(undefined)
      await expect.poll(async () => (await knownStoreFolders(slow, storeFolders))[0]?.hasAnswered).toBe(true)
    }
    const files = deliveriesOf({ 'mirror/objects/a': 'overwritten' })
    const restored = deliverToDirectory(to, files, { ...plain, storeFolders, beforeExchange }, slow)
    expect(await codeOf(restored)).toBe('INVALID_ARGUMENT')
    expect(await readTree(to)).toEqual(mirrorFiles)
  })

  test('is not removed if it answers after the first check', async () => {
    const { to, slow, answer, storeFolders } = await withSlowLink()
    const destination = await destinationAt(slow, to, storeFolders)
    answer.resolve(undefined)
    await expect.poll(() => destination.stores[0]?.hasAnswered).toBe(true)
    expect(await codeOf(othersToRemove(slow, destination, ['x']))).toBe('INVALID_ARGUMENT')
  })
})

test('callers that look at a mirror at the same time all recognise it behind a link', async () => {
  const folder = await promises.realpath(await temporaryFolder())
  await mkdir(join(folder, 'real'))
  await symlink('real', join(folder, 'mirror'))
  const folders = [{ kind: 'mirror', path: join(folder, 'mirror') }] as const
  const found = await Promise.all([1, 2, 3].map(() => pathsOf(promises, folders)))
  expect(found.flat()).toEqual(Array(3).fill(join(folder, 'real')))
})
