import { createHook } from 'node:async_hooks'
import * as promises from 'node:fs/promises'
import { basename } from 'node:path'
import { codeOf } from '@holdfast/conformance/testing'
import { describe, expect, test } from 'vitest'
import { FileBackend, type FileSystem } from '../src/index.ts'
import { temporaryFolder } from './folders.ts'
import { systemError } from './recording.ts'

type Look = 'readdir' | 'lstat'

const objects = ['a/1', 'a/b/2', 'c/3']

/** A store whose `readdir` or `lstat` of one name fails, at most `times` times. */
async function storeWhose(look: Look, name: string, code: string, times: number): Promise<FileBackend> {
  const root = await temporaryFolder()
  const whole = new FileBackend(root)
  for (const key of objects) await whole.put(key, Buffer.from(key))
  let left = times
  const attempt = (call: Look, path: string): void => {
    if (call !== look || basename(path) !== name || left === 0) return
    left -= 1
    throw systemError(code)
  }
  const readdir = async (path: string, options: never): Promise<unknown> => {
    attempt('readdir', path)
    return promises.readdir(path, options)
  }
  const lstat = async (path: string, options?: never): Promise<unknown> => {
    attempt('lstat', path)
    return promises.lstat(path, options)
  }
  const fileSystem = { ...promises, readdir, lstat } as unknown as FileSystem
  return new FileBackend(root, { fileSystem })
}

async function keysIn(backend: FileBackend, prefix = ''): Promise<readonly string[]> {
  return (await Array.fromAsync(backend.list(prefix))).map(({ key }) => key)
}

describe('a list', () => {
  test.each(['EIO', 'ESTALE', 'ETIMEDOUT', 'EBUSY'])(
    'shows every object, with its size, if the disk fails twice with %s',
    async (code) => {
      for (const [look, name] of [
        ['readdir', 'b'],
        ['lstat', '2'],
      ] as const) {
        const backend = await storeWhose(look, name, code, 2)
        const listed = await Array.fromAsync(backend.list(''))
        expect(listed.map(({ key, size }) => [key, size])).toEqual(objects.map((key) => [key, key.length]))
      }
    },
  )

  test('looks again for the folder of its prefix', async () => {
    expect(await keysIn(await storeWhose('lstat', 'b', 'ESTALE', 2), 'a/b/')).toEqual(['a/b/2'])
  })

  test('shows the other objects if a folder stays unreadable', async () => {
    expect(await keysIn(await storeWhose('readdir', 'b', 'EIO', Infinity))).toEqual(['a/1', 'c/3'])
  })

  test('shows a file that stays unreadable', async () => {
    expect(await keysIn(await storeWhose('lstat', '2', 'EIO', Infinity))).toEqual(objects)
  })

  test.each(['EIO', 'ESTALE'])('rejects if the folder of its prefix stays unreadable (%s)', async (code) => {
    const backend = await storeWhose('readdir', 'a', code, Infinity)
    expect(await codeOf(keysIn(backend, 'a/'))).toBe('UNAVAILABLE')
  })

  test('rejects if a network disk does not respond', async () => {
    expect(await codeOf(keysIn(await storeWhose('readdir', 'b', 'ESTALE', Infinity)))).toBe('UNAVAILABLE')
  })
})

test('examines a file without the promises of a retry, since a list may have a million files', async () => {
  const root = await temporaryFolder()
  const backend = new FileBackend(root)
  const keys = Array.from({ length: 200 }, (_, index) => `folder/${index}`)
  await Promise.all(keys.map((key) => backend.put(key, Buffer.from(key))))
  let made = 0
  const hook = createHook({
    init: (_, type) => {
      if (type === 'PROMISE') made += 1
    },
  }).enable()
  const listed = await keysIn(backend)
  hook.disable()
  expect(listed).toHaveLength(keys.length)
  expect(made / keys.length).toBeLessThan(40)
})
