import * as promises from 'node:fs/promises'
import { basename, join } from 'node:path'
import { CheckpointStore } from '@holdfast/core'
import { codeOf } from '@holdfast/conformance/testing'
import { expect, test } from 'vitest'
import { FileBackend, type FileSystem } from '../src/index.ts'
import { temporaryFolder } from './folders.ts'

/** Another writer takes the store over, saves twice, and deletes all older versions of the catalog. */
async function takeOver(root: string, step: number): Promise<void> {
  await using store = new CheckpointStore(new FileBackend(root))
  for (const each of [step, step + 1]) await store.save({ step: each, files: { a: Buffer.from('a') } })
  await store.sweep()
}

test('rejects an owner that slept, even if the store is taken over again while it looks for newer versions', async () => {
  const root = join(await temporaryFolder(), 'store')
  let onLook: (name: string) => Promise<void> = () => Promise.resolve()
  const lstat = (async (path: string, options?: { readonly bigint: true }) => {
    await onLook(basename(path))
    return promises.lstat(path, options)
  }) as FileSystem['lstat']
  const sleeper = new CheckpointStore(new FileBackend(root, { fileSystem: { ...promises, lstat } }))
  await sleeper.save({ step: 1, files: { a: Buffer.from('a') } })

  // The second takeover sweeps the number of the sleeper's next version.
  for (const step of [10, 20]) await takeOver(root, step)
  const versions = await promises.readdir(join(root, 'catalog'))
  let again: Promise<void> | undefined
  onLook = async (name) => {
    if (versions.includes(name)) await (again ??= takeOver(root, 30))
  }

  expect(await codeOf(sleeper.pin(1))).toBe('FENCED')
  expect(again).toBeDefined()
})
