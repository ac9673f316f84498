import * as promises from 'node:fs/promises'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '@holdfast/conformance/testing'
import { sha256Hex } from '@holdfast/core/backend'
import { describe, expect, test } from 'vitest'
import { FileBackend, type FileSystem } from '../src/index.ts'
import { everythingIn, temporaryFolder } from './folders.ts'
import { systemError } from './recording.ts'

const ours = Buffer.from('ours')

/** The real file system, on which `link` fails while its request is still on the way to the server (soft mount of NFS). */
function linkingLate(
  code: string,
  arrives: 'before the unlink' | 'never',
  others: Partial<FileSystem> = {},
): FileSystem {
  let late = async (): Promise<void> => undefined
  return {
    ...promises,
    link: async (from, to) => {
      if (arrives === 'before the unlink') late = () => promises.link(from, to)
      throw systemError(code)
    },
    unlink: async (path) => {
      await late()
      late = async () => undefined
      await promises.unlink(path)
    },
    ...others,
  }
}

describe.each(['EIO', 'ETIMEDOUT', 'ESTALE'])('a commit whose link fails with %s', (code) => {
  test('is created if the server executes the link later', async () => {
    const root = await temporaryFolder()
    const backend = new FileBackend(root, { fileSystem: linkingLate(code, 'before the unlink') })
    const created: string[] = []
    expect(await backend.commit('file', ours, { onCreated: (revision) => created.push(revision) })).toBe(
      'created',
    )
    expect(created).toEqual([(await backend.stat('file'))?.revision])
    expect(await everythingIn(root)).toEqual(['file'])
  })

  test('exists if another writer creates the key meanwhile', async () => {
    const root = await temporaryFolder()
    const unlink: FileSystem['unlink'] = async (path) => {
      await writeFile(join(root, 'file'), 'else')
      await promises.unlink(path)
    }
    const backend = new FileBackend(root, { fileSystem: linkingLate(code, 'never', { unlink }) })
    expect(await backend.commit('file', ours)).toBe('exists')
    expect(await readFile(join(root, 'file'), 'utf8')).toBe('else')
  })

  test('fails if the key is absent after the temporary file was removed', async () => {
    const root = await temporaryFolder()
    const backend = new FileBackend(root, { fileSystem: linkingLate(code, 'never') })
    expect(await codeOf(backend.commit('file', ours))).toBe('UNAVAILABLE')
    expect(await everythingIn(root)).toEqual([])
  })

  test('has an unknown outcome if the temporary file cannot be removed', async () => {
    const root = await temporaryFolder()
    const unlink = async (): Promise<never> => Promise.reject(systemError(code))
    const backend = new FileBackend(root, { fileSystem: linkingLate(code, 'never', { unlink }) })
    expect(await codeOf(backend.commit('file', ours))).toBe('OUTCOME_UNKNOWN')
  })

  test('has an unknown outcome if the key cannot be read', async () => {
    const root = await temporaryFolder()
    const open: FileSystem['open'] = async (path, flags, mode) => {
      if (path === join(root, 'file')) throw systemError(code)
      return promises.open(path, flags, mode)
    }
    const backend = new FileBackend(root, { fileSystem: linkingLate(code, 'before the unlink', { open }) })
    expect(await codeOf(backend.commit('file', ours))).toBe('OUTCOME_UNKNOWN')
  })
})

describe.each([
  ['EROFS', 'PERMISSION_DENIED'],
  ['EACCES', 'PERMISSION_DENIED'],
  ['ENAMETOOLONG', 'INVALID_ARGUMENT'],
])('a commit whose link the file system refuses with %s', (refusal, code) => {
  test('fails with the reason, also if the temporary file cannot be removed', async () => {
    const root = await temporaryFolder()
    const refuse = async (): Promise<never> => Promise.reject(systemError(refusal))
    const fileSystem: FileSystem = { ...promises, link: refuse, unlink: refuse }
    const failed = await new FileBackend(root, { fileSystem })
      .commit('file', ours)
      .catch((error: unknown) => error)
    expect(failed).toMatchObject({
      code,
      message: expect.stringMatching(/The next sweep removes it/) as string,
    })
  })
})

const source = { open: async (start: number) => ReadableStream.from<Uint8Array>([ours.subarray(start)]) }

/** Each way of a put: of bytes, and one that a later put can continue. */
const puts: Readonly<Record<string, (backend: FileBackend) => Promise<unknown>>> = {
  'a put': (backend) => backend.put('a/file', ours),
  'a put that can be continued': (backend) =>
    backend.put('a/file', source, { size: ours.byteLength, resume: { sha256: sha256Hex(ours) } }),
}

describe.each(Object.entries(puts))('%s whose rename fails with ENOENT', (_, put) => {
  test('succeeds if the server had executed the rename', async () => {
    const root = await temporaryFolder()
    const rename: FileSystem['rename'] = async (from, to) => {
      await promises.rename(from, to)
      throw systemError('ENOENT')
    }
    const backend = new FileBackend(root, { fileSystem: { ...promises, rename } })
    await put(backend)
    expect(await everythingIn(root)).toEqual(['a', 'a/file'])
  })

  test('reports the disk if it fails to show the file of the key', async () => {
    const root = await temporaryFolder()
    const rename: FileSystem['rename'] = async () => {
      throw systemError('ENOENT')
    }
    const lstat = (async (path, options) => {
      if (String(path) === join(root, 'a/file')) throw systemError('EIO')
      return promises.lstat(path, options)
    }) as FileSystem['lstat']
    const backend = new FileBackend(root, { fileSystem: { ...promises, rename, lstat } })
    await expect(put(backend)).rejects.toMatchObject({
      message: expect.stringContaining('EIO') as string,
    })
  })

  test('states that a sweep discarded the file, and can be repeated', async () => {
    const root = await temporaryFolder()
    let sweeps = 1
    const rename: FileSystem['rename'] = async (from, to) => {
      if (sweeps > 0) await rm(String(from))
      sweeps -= 1
      await promises.rename(from, to)
    }
    const backend = new FileBackend(root, { fileSystem: { ...promises, rename } })
    await expect(put(backend)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      retryable: true,
      message: expect.stringMatching(/Another process removed the unfinished file .*Try again/) as string,
    })
    await put(backend)
    expect(await everythingIn(root)).toEqual(['a', 'a/file'])
  })
})
