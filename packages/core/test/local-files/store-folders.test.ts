import * as promises from 'node:fs/promises'
import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { LocalFileSystem } from '../../src/local-files/file-system.ts'
import { knownStoreFolders, type StoreFolder } from '../../src/local-files/store-folders.ts'
import { temporaryFolder } from '../stores.ts'

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

test('callers that look at a mirror at the same time all recognise it behind a link', async () => {
  const folder = await promises.realpath(await temporaryFolder())
  await mkdir(join(folder, 'real'))
  await symlink('real', join(folder, 'mirror'))
  const folders = [{ kind: 'mirror', path: join(folder, 'mirror') }] as const
  const found = await Promise.all([1, 2, 3].map(() => pathsOf(promises, folders)))
  expect(found.flat()).toEqual(Array(3).fill(join(folder, 'real')))
})
