import * as promises from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { FileSystem } from '../src/index.ts'
import { FolderSyncs } from '../src/folder-syncs.ts'
import { systemError } from './recording.ts'

/** An fsync that has begun, and ends when the test ends it. */
interface Held {
  readonly end: () => void
  readonly fail: (error: Error) => void
}

/** Records the fsyncs of folders in the order in which they began. */
function heldSyncs(): { readonly syncs: FolderSyncs; readonly begun: readonly Held[] } {
  const begun: Held[] = []
  const sync = (): Promise<void> => new Promise((end, fail) => begun.push({ end, fail }))
  const handle = { sync, close: () => Promise.resolve() }
  const open: FileSystem['open'] = () => Promise.resolve(handle as unknown as FileHandle)
  return { syncs: new FolderSyncs({ ...promises, open }), begun }
}

async function settledOf(waiting: readonly Promise<void>[]): Promise<readonly string[]> {
  return (await Promise.allSettled(waiting)).map(({ status }) => status)
}

test('shares the next fsync among callers that arrive during one', async () => {
  const { syncs, begun } = heldSyncs()
  const first = syncs.sync('/a')
  await expect.poll(() => begun.length).toBe(1)
  const waiting = [syncs.sync('/a'), syncs.sync('/a'), syncs.sync('/a')]
  begun[0]?.end()
  await first
  await expect.poll(() => begun.length).toBe(2)
  begun[1]?.end()
  await Promise.all(waiting)
  expect(begun).toHaveLength(2)
})

test('syncs folders independently of each other', async () => {
  const { syncs, begun } = heldSyncs()
  const both = [syncs.sync('/a'), syncs.sync('/b')]
  await expect.poll(() => begun.length).toBe(2)
  for (const each of begun) each.end()
  expect(await settledOf(both)).toEqual(['fulfilled', 'fulfilled'])
})

test('rejects callers that wait for the next fsync if the running one fails, and syncs again for later callers', async () => {
  const { syncs, begun } = heldSyncs()
  const [first, second] = [syncs.sync('/a'), settledOf([syncs.sync('/a'), syncs.sync('/a')])]
  await expect.poll(() => begun.length).toBe(1)
  begun[0]?.fail(systemError('EIO'))
  await expect(first).rejects.toThrow('EIO')
  expect(await second).toEqual(['rejected', 'rejected'])
  const later = syncs.sync('/a')
  await expect.poll(() => begun.length).toBe(2)
  begun[1]?.end()
  await expect(later).resolves.toBeUndefined()
})

test('ignores a folder that was missing for callers that have created it again', async () => {
  const { syncs, begun } = heldSyncs()
  const [first, second] = [syncs.sync('/a'), syncs.sync('/a')]
  await expect.poll(() => begun.length).toBe(1)
  begun[0]?.fail(systemError('ENOENT'))
  await expect(first).rejects.toThrow('ENOENT')
  await expect.poll(() => begun.length).toBe(2)
  begun[1]?.end()
  await expect(second).resolves.toBeUndefined()
})

test('does not wait for the close of a folder until the backend closes, which reports a failure', async () => {
  const closing = Promise.withResolvers<undefined>()
  const handle = { sync: () => Promise.resolve(), close: () => closing.promise }
  const open: FileSystem['open'] = () => Promise.resolve(handle as unknown as FileHandle)
  const syncs = new FolderSyncs({ ...promises, open })
  await syncs.sync('/a')
  const closed = syncs.close()
  closing.reject(systemError('EIO'))
  await expect(closed).rejects.toThrow('EIO')
})

test('opens and syncs no folder on Windows, which cannot do it', async () => {
  const open: FileSystem['open'] = () => Promise.reject(systemError('EISDIR'))
  await expect(new FolderSyncs({ ...promises, open }, 'win32').sync('/a')).resolves.toBeUndefined()
  await expect(new FolderSyncs({ ...promises, open }, 'linux').sync('/a')).rejects.toThrow('EISDIR')
})
