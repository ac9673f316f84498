import { lstat, readdir, rename, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { hiddenPrefix } from '../../src/local-files/hidden-folder.ts'
import { deliverToDirectory } from '../../src/local-files/to-directory.ts'
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

/** Returns a folder in which a restore was interrupted after its journal was written. Its process has ended. */
async function interruptedRestore(): Promise<string> {
  const to = await temporaryFolder()
  await writeTree(to, before)
  await symlink('step-6', join(to, 'last'))
  let hasEnded = false
  const fileSystem = gated((method, from, path) => {
    hasEnded ||= beforeTheLinkMoves(method, String(from), String(path))
    if (hasEnded) throw systemError('EIO')
  })
  await expect(deliverToDirectory(to, deliveriesOf(files), plain, fileSystem)).rejects.toThrow('EIO')
  for (const name of await readdir(to)) {
    if (!name.startsWith(hiddenPrefix)) continue
    const gone = name.replace(/^(\.holdfast-restore-[0-9a-f]{16})-\d+/, `$1-${2 ** 22 + 1}`)
    await rename(join(to, name), join(to, gone))
  }
  return to
}

/** Restores a file, and lets another call run once when this restore reaches a moment. */
async function restoreAround(to: string, moment: Moment, other: () => Promise<unknown>): Promise<void> {
  let isReached = false
  const fileSystem = surrounded(async (method, [from, path], call) => {
    if (!isReached && moment(method, String(from), String(path))) {
      isReached = true
      await other()
    }
    return call()
  })
  await deliverToDirectory(to, deliveriesOf({ one: 'one' }), plain, fileSystem)
  expect(isReached).toBe(true)
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
