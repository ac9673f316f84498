import * as promises from 'node:fs/promises'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withPatientChanges } from '@holdfast/core/backend'
import { expect, test } from 'vitest'
import { FileBackend, type FileSystem } from '../src/index.ts'
import { everythingIn, temporaryFolder } from './folders.ts'
import { systemError } from './recording.ts'

/** The real file system, in which a scanner holds each file for the first `times` calls that change its name. */
function scanned(times: number, code: string): FileSystem {
  let left = times
  const hold = (): void => {
    left -= 1
    if (left >= 0) throw systemError(code)
  }
  return {
    ...promises,
    rename: async (from, to) => {
      hold()
      await promises.rename(from, to)
    },
    unlink: async (path) => {
      hold()
      await promises.unlink(path)
    },
  }
}

test.each(['EPERM', 'EBUSY', 'EACCES'])(
  'repeats a rename and an unlink that fail with %s for a while',
  async (code) => {
    const root = await temporaryFolder()
    const pauses: number[] = []
    const fileSystem = withPatientChanges(scanned(3, code), async (ms) => {
      pauses.push(ms)
    })
    const backend = new FileBackend(root, { fileSystem })
    await backend.put('file', Buffer.from('bytes'))
    expect(await readFile(join(root, 'file'), 'utf8')).toBe('bytes')
    expect(pauses).toEqual([10, 20, 40])
    expect((await backend.delete(['file'])).deleted).toEqual(['file'])
    expect(await everythingIn(root)).toEqual([])
  },
)

test('reports a file that stays open, and leaves nothing of the put', async () => {
  const root = await temporaryFolder()
  const fileSystem = withPatientChanges(scanned(8, 'EBUSY'), async () => undefined)
  const backend = new FileBackend(root, { fileSystem })
  await expect(backend.put('file', Buffer.from('bytes'))).rejects.toThrow('EBUSY')
  expect(await everythingIn(root)).toEqual([])
})

test('does not repeat a rename that fails for another reason', async () => {
  const root = await temporaryFolder()
  const pauses: number[] = []
  const fileSystem = withPatientChanges(scanned(1, 'ENOSPC'), async (ms) => {
    pauses.push(ms)
  })
  await expect(new FileBackend(root, { fileSystem }).put('file', Buffer.from('x'))).rejects.toThrow()
  expect(pauses).toEqual([])
})

test('is patient on Windows', async () => {
  const root = await temporaryFolder()
  const backend = new FileBackend(root, { fileSystem: scanned(1, 'EPERM'), platform: 'win32' })
  await backend.put('file', Buffer.from('bytes'))
  expect(await readFile(join(root, 'file'), 'utf8')).toBe('bytes')
})
