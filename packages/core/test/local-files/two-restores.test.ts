import { lstat, readdir, rename, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { hiddenPrefix } from '../../src/local-files/delivery/hidden-folder.ts'
import { deliverToDirectory, type DeliveryOptions } from '../../src/local-files/delivery/to-directory.ts'
import { temporaryFolder } from '../stores.ts'
import { readTree, writeTree } from '../trees.ts'
import { deliveriesOf, plain } from './deliveries.ts'
import { gated, surrounded, systemError } from './gated.ts'

const before = { 'other.bin': 'old other', 'step-6/model.bin': 'model 6' }
const files = { 'last/deep/log.txt': 'log 5', 'last/model.bin': 'model 5', 'other.bin': 'new other' }
const hiddenFolder = /\.holdfast-restore-[^/]*$/

type Moment = (method: string, from: string, to: string) => boolean

const beforeTheLinkMoves: Moment = (method, _, to) => method === 'rename' && to.endsWith('/link-0')
const beforeTheHiddenFolderIsSynced: Moment = (method, path) => method === 'open' && hiddenFolder.test(path)

const beforeTheLastFileMoves: Moment = (method, from, to) =>
  method === 'rename' && from.endsWith('/new-2') && to.endsWith('/other.bin')
const beforeAnotherFileIsRemoved: Moment = (method, _, to) => method === 'rename' && to.endsWith('/gone-0')
const beforeTheJournalIsRead: Moment = (method, path) => method === 'readFile' && path.endsWith('/journal')
const beforeTheCompletionEnds: Moment = (method, from, to) =>
  method === 'rename' && from.endsWith('/exchanging') && to.endsWith('/ended')
const beforeTheLinkIsPutBack: Moment = (method, from) => method === 'rename' && from.endsWith('/link-0')
const beforeTheUndoEnds: Moment = (method, path) => method === 'rename' && path.endsWith('/undoing')
const beforeTheHiddenFolderIsListed: Moment = (method, path) =>
  method === 'readdir' && hiddenFolder.test(path)
const beforeTheHiddenFolderIsRemoved: Moment = (method, path) => method === 'rmdir' && hiddenFolder.test(path)

/** Returns a folder in which a restore was interrupted after its journal was written. Its process has ended. */
async function interruptedRestore(options: Partial<DeliveryOptions> = {}): Promise<string> {
  const to = await temporaryFolder()
  await writeTree(to, before)
  await symlink('step-6', join(to, 'last'))
  let hasEnded = false
  const fileSystem = gated((method, from, path) => {
    hasEnded ||= beforeTheLinkMoves(method, String(from), String(path))
    if (hasEnded) throw systemError('EIO')
  })
  await expect(
    deliverToDirectory(to, deliveriesOf(files), { ...plain, ...options }, fileSystem),
  ).rejects.toThrow('EIO')
  for (const name of await readdir(to)) {
    if (!name.startsWith(hiddenPrefix)) continue
    const gone = name.replace(/^(\.holdfast-restore-[0-9a-f]{16})-\d+/, `$1-${2 ** 22 + 1}`)
    await rename(join(to, name), join(to, gone))
  }
  return to
}

/** Restores a file, and lets another call run once when this restore reaches a moment. */
async function restoreAround(to: string, moment: Moment, other: () => Promise<unknown>): Promise<void> {
  let ended: Promise<unknown> | undefined
  const fileSystem = surrounded(async (method, [from, path], call) => {
    if (ended === undefined && moment(method, String(from), String(path))) {
      ended = other()
      await Promise.allSettled([ended]) // a failure is that of the test, not of this call
    }
    return call()
  })
  await deliverToDirectory(to, deliveriesOf({ one: 'one' }), plain, fileSystem)
  expect(ended).toBeDefined()
  await ended
}

test.each([
  ['before it moves a link', beforeTheLinkMoves],
  ['before it syncs the hidden folder', beforeTheHiddenFolderIsSynced],
])('keeps the files of an interrupted restore that another restore completes %s', async (_, moment) => {
  const to = await interruptedRestore()
  await restoreAround(to, moment, () => deliverToDirectory(to, deliveriesOf({ two: 'two' }), plain))
  expect(await readTree(to)).toEqual({ ...before, ...files, one: 'one', two: 'two' })
  expect((await lstat(join(to, 'last'))).isDirectory()).toBe(true)
})

/** Starts another restore, and returns when it reaches a moment. The returned function lets it continue to its end. */
async function restoreUntil(
  to: string,
  moment: Moment,
  failing: Moment = () => false,
): Promise<() => Promise<void>> {
  const reached = Promise.withResolvers<'reached'>()
  const continued = Promise.withResolvers<undefined>()
  let hasFailed = false
  const fileSystem = surrounded(async (method, [from, path], call) => {
    if (!hasFailed && failing(method, String(from), String(path))) {
      hasFailed = true
      throw systemError('EIO')
    }
    if (moment(method, String(from), String(path))) {
      reached.resolve('reached')
      await continued.promise
    }
    return call()
  })
  const restored = deliverToDirectory(to, deliveriesOf({ two: 'two' }), plain, fileSystem)
  expect(await Promise.race([reached.promise, restored])).toBe('reached')
  return async () => {
    continued.resolve(undefined)
    await restored
  }
}

/** Restores a file. At one moment, another restore runs until a moment of its own. It continues after this one. */
async function restoreAmid(
  to: string,
  moment: Moment,
  other: { readonly until: Moment; readonly failing?: Moment },
): Promise<void> {
  let finish: (() => Promise<void>) | undefined
  await restoreAround(to, moment, async () => {
    finish = await restoreUntil(to, other.until, other.failing)
  })
  await finish?.()
}

test.each([
  ['reads the journal as the undo begins', beforeTheJournalIsRead, beforeTheLinkIsPutBack],
  ['moves a file before the undo ends', beforeTheLastFileMoves, beforeTheUndoEnds],
  ['moves a file after the undo ends', beforeTheLastFileMoves, beforeTheHiddenFolderIsListed],
])('undoes an interrupted restore if another restore that undoes it %s', async (_, moment, until) => {
  const to = await interruptedRestore()
  await restoreAmid(to, moment, { until, failing: beforeTheLastFileMoves })
  expect(await readTree(to)).toEqual({ ...before, one: 'one', two: 'two' })
  expect((await lstat(join(to, 'last'))).isSymbolicLink()).toBe(true)
})

test('ends an undo that another restore began and did not end, although all files were in place', async () => {
  const to = await interruptedRestore()
  await restoreAround(to, beforeTheCompletionEnds, async () => {
    let hasFailed = false
    let hasEnded = false
    const fileSystem = gated((method, from, path) => {
      const call = [method, String(from), String(path)] as const
      hasEnded ||= beforeTheLinkIsPutBack(...call)
      const isFirstFailure = !hasFailed && beforeTheHiddenFolderIsSynced(...call)
      hasFailed ||= isFirstFailure
      if (hasEnded || isFirstFailure) throw systemError('EIO')
    })
    const other = deliverToDirectory(to, deliveriesOf({ two: 'two' }), plain, fileSystem)
    await expect(other).rejects.toThrow('cannot be completed or undone')
  })
  expect(await readTree(to)).toEqual({ ...before, one: 'one' })
  expect((await lstat(join(to, 'last'))).isSymbolicLink()).toBe(true)
})

test('removes no other file for an interrupted restore that another restore undoes', async () => {
  const to = await interruptedRestore({ others: 'remove' })
  await restoreAround(to, beforeAnotherFileIsRemoved, async () => {
    const finish = await restoreUntil(to, beforeTheUndoEnds, beforeTheHiddenFolderIsSynced)
    await finish()
  })
  expect(await readTree(to)).toEqual({ ...before, one: 'one', two: 'two' })
  expect((await lstat(join(to, 'last'))).isSymbolicLink()).toBe(true)
})

test('keeps a folder that takes the place of a link just before the link is moved', async () => {
  const to = await interruptedRestore()
  await restoreAmid(to, beforeTheLinkMoves, { until: beforeTheHiddenFolderIsRemoved })
  expect(await readTree(to)).toEqual({ ...before, ...files, one: 'one', two: 'two' })
})
