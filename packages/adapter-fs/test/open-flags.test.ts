import * as promises from 'node:fs/promises'
import { constants } from 'node:fs'
import { expect, test } from 'vitest'
import { FileBackend, type FileSystem } from '../src/index.ts'
import { temporaryFolder } from './folders.ts'

/** Returns the flags of each file that is opened for reading while a file is stored and read. */
async function flagsOn(platform: NodeJS.Platform): Promise<ReadonlySet<number>> {
  const flags = new Set<number>()
  const fileSystem: FileSystem = {
    ...promises,
    open: (path, given, mode) => {
      const isForReading = typeof given === 'number' && (given & constants.O_CREAT) === 0
      if (isForReading) flags.add(given)
      return promises.open(path, given, mode)
    },
  }
  const backend = new FileBackend(await temporaryFolder(), { fileSystem, platform })
  await backend.put('file', Buffer.from('bytes'))
  const { body } = await backend.read('file')
  expect(await new Response(body).text()).toBe('bytes')
  return flags
}

test('opens a file for reading without flags that Windows lacks', async () => {
  expect(await flagsOn('win32')).toEqual(new Set([constants.O_RDONLY]))
})

test.skipIf(process.platform === 'win32')('does not follow a link or wait for a pipe on Linux', async () => {
  const safe = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  expect(await flagsOn('linux')).toEqual(new Set([safe]))
})
