import * as promises from 'node:fs/promises'
import { codeOf } from '@holdfast/conformance/testing'
import { expect, onTestFinished, test } from 'vitest'
import { FileBackend, type FileSystem } from '../src/index.ts'
import { temporaryFolder } from './folders.ts'
import { systemError } from './recording.ts'

test('an aborted read ignores that its file cannot be closed', async () => {
  const root = await temporaryFolder()
  await new FileBackend(root).put('file', Buffer.alloc(5_000_000))
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))
  const closed = Promise.withResolvers<undefined>()
  const open: FileSystem['open'] = async (path, flags) => {
    const handle = await promises.open(path, flags)
    const close = handle.close.bind(handle)
    handle.close = async () => {
      await close()
      closed.resolve(undefined)
      throw systemError('EIO')
    }
    return handle
  }
  const stop = new AbortController()
  const backend = new FileBackend(root, { fileSystem: { ...promises, open } })
  const { body } = await backend.read('file', { signal: stop.signal })
  stop.abort()
  expect(await codeOf(Array.fromAsync(body))).toBe('ABORTED')
  await closed.promise
  await new Promise((resolve) => setImmediate(resolve)) // Node.js reports a rejection after the microtasks
  expect(unhandled).toEqual([])
})
