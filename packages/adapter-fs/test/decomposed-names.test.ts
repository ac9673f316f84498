import * as promises from 'node:fs/promises'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointStore } from '@holdfast/core'
import { expect, test } from 'vitest'
import { FileBackend, type FileSystem } from '../src/index.ts'
import { everythingIn, temporaryFolder } from './folders.ts'

/** A disk that stores and lists every name in NFD, like HFS+. */
const decomposing = new Proxy(promises, {
  get: (target, property) => {
    const method: unknown = Reflect.get(target, property, target)
    if (typeof method !== 'function') return method
    return (...parameters: readonly unknown[]): unknown =>
      Reflect.apply(
        method,
        target,
        parameters.map((each) => (typeof each === 'string' ? each.normalize('NFD') : each)),
      )
  },
}) as FileSystem

const backendAt = (root: string): FileBackend => new FileBackend(root, { fileSystem: decomposing })
const files = (step: number) => ({
  'Größe/Modèle.bin': Buffer.from(`weights ${step}`),
  'é.txt': Buffer.from('é'),
})

test('a store on a disk that decomposes names restores, verifies, deletes and repairs', async () => {
  const root = await temporaryFolder()
  {
    await using store = new CheckpointStore(backendAt(root))
    for (const step of [1, 2, 3]) await store.save({ step, files: files(step), unchanged: 'link' })
    expect(await readdir(join(root, 'data'), { recursive: true })).toContainEqual(
      expect.stringContaining('Größe/Modèle.bin'.normalize('NFD')),
    )
    await store.delete([1])
    await store.flush()
    expect(await store.sweep()).toMatchObject({ attempts: 0, foreign: [] })
  }
  for (const version of await readdir(join(root, 'catalog')))
    await promises.unlink(join(root, 'catalog', version))
  await using store = new CheckpointStore(backendAt(root))
  await store.repair()
  expect((await store.list()).map(({ step }) => step)).toEqual([2, 3])
  expect((await store.verify()).good).toBe(true)
  const restored = await store.restore('latest', { to: await temporaryFolder() })
  expect(restored?.files.map(({ name }) => name)).toEqual(Object.keys(files(3)))
  await store.unpin(2) // the lost catalog may have pinned it
  await store.delete([2])
  await store.flush()
  const left = await everythingIn(join(root, 'data'))
  expect(left.filter((path) => !path.includes('/'))).toHaveLength(1)
})
