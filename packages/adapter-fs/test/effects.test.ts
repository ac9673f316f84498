import * as promises from 'node:fs/promises'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { FileBackend, type FileSystem } from '../src/index.ts'
import { codeOf } from '@holdfast/conformance/testing'
import { everythingIn, temporaryFolder } from './folders.ts'
import { recordingFileSystem, systemError } from './recording.ts'

describe('the order of effects', () => {
  test('makes the bytes of a put durable before the name, and the name before it returns', async () => {
    const root = await temporaryFolder()
    const calls: string[] = []
    const backend = new FileBackend(root, {
      fileSystem: recordingFileSystem(root, (call) => calls.push(call)),
    })
    await backend.put('a/b/file', Buffer.from('bytes'))
    const [making, meanwhile, publishing] = [calls.slice(0, 3), calls.slice(3, -2), calls.slice(-2)]
    expect(making).toEqual(['mkdir a', 'mkdir a/b', 'create a/b/TMP'])
    // The entries of the folders and the bytes are synced concurrently.
    expect(meanwhile.toSorted()).toEqual(['sync .', 'sync a', 'sync a/b/TMP', 'write a/b/TMP'])
    expect(meanwhile.indexOf('write a/b/TMP')).toBeLessThan(meanwhile.indexOf('sync a/b/TMP'))
    expect(publishing).toEqual(['rename a/b/TMP a/b/file', 'sync a/b'])
  })

  test('repeats no effect for a put into an existing folder', async () => {
    const root = await temporaryFolder()
    const calls: string[] = []
    const backend = new FileBackend(root, {
      fileSystem: recordingFileSystem(root, (call) => calls.push(call)),
    })
    await backend.put('a/first', Buffer.from('bytes'))
    calls.length = 0
    await backend.put('a/second', Buffer.from('bytes'))
    expect(calls).toEqual(['create a/TMP', 'write a/TMP', 'sync a/TMP', 'rename a/TMP a/second', 'sync a'])
  })

  test('makes the bytes of a commit durable before the link, and the link before it returns', async () => {
    const root = await temporaryFolder()
    const calls: string[] = []
    const backend = new FileBackend(root, {
      fileSystem: recordingFileSystem(root, (call) => calls.push(call)),
    })
    expect(await backend.commit('file', Buffer.from('first'))).toBe('created')
    expect(calls).toEqual(['create TMP', 'write TMP', 'sync TMP', 'link TMP file', 'unlink TMP', 'sync .'])
    calls.length = 0
    expect(await backend.commit('file', Buffer.from('second'))).toBe('exists')
    // The creator may have died before its own sync, and this caller relies on the file.
    expect(calls).toEqual(['create TMP', 'write TMP', 'sync TMP', 'link TMP file', 'unlink TMP', 'sync .'])
  })
})

test.each(['put', 'commit'] as const)('a failed %s names the path', async (method) => {
  const root = await temporaryFolder()
  const fileSystem = recordingFileSystem(root, (call) => {
    if (call.startsWith('sync')) throw systemError('EACCES')
  })
  const backend = new FileBackend(root, { fileSystem })
  await expect(backend[method]('probe/file', Buffer.from('bytes'))).rejects.toThrow(
    `Writing ${join(root, 'probe/file')} failed (EACCES).`,
  )
})

describe('a call that fails at any effect leaves no object and no temporary file', () => {
  test.each(['ENOSPC', 'EIO', 'EACCES', 'EMFILE', 'EROFS'])('leaves nothing after %s', async (code) => {
    const expected = {
      ENOSPC: 'INSUFFICIENT_SPACE',
      EIO: 'UNAVAILABLE',
      EACCES: 'PERMISSION_DENIED',
      EMFILE: 'UNAVAILABLE',
      EROFS: 'PERMISSION_DENIED',
    }[code]
    for (let failing = 0; ; failing += 1) {
      const root = await temporaryFolder()
      const failures: number[] = []
      const fileSystem = recordingFileSystem(root, (_, index) => {
        if (index !== failing) return
        failures.push(index)
        throw systemError(code)
      })
      const backend = new FileBackend(root, { fileSystem })
      const outcome = await codeOf(backend.put('a/b/file', Buffer.alloc(9_000_000)))
      if (failures.length === 0) {
        expect(outcome).toBe('no error')
        expect(failing).toBeGreaterThan(8)
        return
      }
      expect(outcome, `effect ${failing}`).toBe(expected)
      const left = await everythingIn(root)
      // If the name exists, only the fsync of the folder can have failed. The bytes are complete, and may not be
      // durable.
      if (left.includes('a/b/file')) expect(left).toEqual(['a', 'a/b', 'a/b/file'])
      else expect(left).toEqual([])
    }
  })

  test('reports an unknown outcome if the name of a commit exists but could not be made durable', async () => {
    const root = await temporaryFolder()
    const fileSystem = recordingFileSystem(root, (call) => {
      if (call === 'sync .') throw systemError('EIO')
    })
    expect(await codeOf(new FileBackend(root, { fileSystem }).commit('file', Buffer.from('x')))).toBe(
      'OUTCOME_UNKNOWN',
    )
    expect(await everythingIn(root)).toEqual(['file'])
  })
})

describe('a call whose clean-up also fails reports the first failure', () => {
  const failingUnlink = { unlink: async () => Promise.reject(systemError('EIO')) }

  test('in a put', async () => {
    const rename = async (): Promise<never> => Promise.reject(systemError('ENOSPC'))
    const backend = new FileBackend(await temporaryFolder(), {
      fileSystem: { ...promises, ...failingUnlink, rename },
    })
    const put = backend.put('file', Buffer.from('x'))
    expect(await codeOf(put)).toBe('INSUFFICIENT_SPACE')
    await expect(put).rejects.toThrow(/could not be removed\. The next sweep removes it/)
  })

  test.each(['EROFS', 'EACCES', 'EPERM'])('without a file that was never created (%s)', async (code) => {
    const refused = async (): Promise<never> => Promise.reject(systemError(code))
    const backend = new FileBackend(await temporaryFolder(), {
      fileSystem: { ...promises, open: refused, unlink: refused },
    })
    const put = backend.put('file', Buffer.from('x'))
    expect(await codeOf(put)).toBe('PERMISSION_DENIED')
    await expect(put).rejects.not.toThrow(/could not be removed/)
  })

  test('in a commit, whose outcome stays unknown', async () => {
    const root = await temporaryFolder()
    const backend = new FileBackend(root, { fileSystem: { ...promises, ...failingUnlink } })
    expect(await codeOf(backend.commit('file', Buffer.from('x')))).toBe('OUTCOME_UNKNOWN')
    expect(await everythingIn(root)).toContain('file')
  })
})

test.each(['put', 'commit'] as const)(
  'leaves no object if a %s is aborted during its fsync',
  async (method) => {
    const root = await temporaryFolder()
    const stop = new AbortController()
    const fileSystem = recordingFileSystem(root, (call) => {
      if (call.startsWith('sync') && call.endsWith('TMP')) stop.abort()
    })
    const call = new FileBackend(root, { fileSystem })[method]('a/file', Buffer.from('x'), {
      signal: stop.signal,
    })
    expect(await codeOf(call)).toBe('ABORTED')
    expect(await everythingIn(root)).toEqual([])
  },
)

test('reports only the keys of a folder that could not be synced after a delete', async () => {
  const root = await temporaryFolder()
  const fileSystem = recordingFileSystem(root, (call) => {
    if (call === 'sync bad' && failing) throw systemError('EIO')
  })
  let failing = false
  const backend = new FileBackend(root, { fileSystem })
  for (const key of ['good/1', 'bad/1', 'bad/2']) await backend.put(key, Buffer.from('x'))
  failing = true
  const { deleted, failed } = await backend.delete(['good/1', 'bad/1', 'bad/2', 'missing'])
  expect(deleted.toSorted()).toEqual(['good/1', 'missing'])
  expect(failed.map(({ key }) => key)).toEqual(['bad/1', 'bad/2'])
})

test('rejects a read of a file that is truncated during the read', async () => {
  const root = await temporaryFolder()
  const backend = new FileBackend(root)
  await backend.put('file', Buffer.alloc(5_000_000))
  const { body } = await backend.read('file')
  const reading = (async () => {
    await promises.chmod(join(root, 'file'), 0o600)
    for await (const _ of body) await promises.truncate(join(root, 'file'), 1_500_000)
  })()
  expect(await codeOf(reading)).toBe('CORRUPT')
})

describe('a link over NFS whose response was lost', () => {
  function losing(link: FileSystem['link']): FileSystem {
    return { ...promises, link }
  }

  test('is recognized as successful by the number of links', async () => {
    const root = await temporaryFolder()
    const backend = new FileBackend(root, {
      fileSystem: losing(async (from, to) => {
        await promises.link(from, to)
        throw systemError('ETIMEDOUT')
      }),
    })
    expect(await backend.commit('file', Buffer.from('ours'))).toBe('created')
    expect(await everythingIn(root)).toEqual(['file'])
  })

  test('is recognized as our own if the NFS client repeated it and got EEXIST', async () => {
    const root = await temporaryFolder()
    const backend = new FileBackend(root, {
      fileSystem: losing(async (from, to) => {
        await promises.link(from, to)
        throw systemError('EEXIST')
      }),
    })
    expect(await backend.commit('file', Buffer.from('ours'))).toBe('created')
  })

  test('fails if the link was not created, and leaves nothing', async () => {
    const root = await temporaryFolder()
    const backend = new FileBackend(root, {
      fileSystem: losing(async () => {
        throw systemError('ETIMEDOUT')
      }),
    })
    expect(await codeOf(backend.commit('file', Buffer.from('ours')))).toBe('UNAVAILABLE')
    expect(await everythingIn(root)).toEqual([])
  })

  test('has an unknown outcome if the number of links cannot be read', async () => {
    const root = await temporaryFolder()
    let linked = false
    const backend = new FileBackend(root, {
      fileSystem: {
        ...promises,
        link: async (from, to) => {
          await promises.link(from, to)
          linked = true
          throw systemError('ETIMEDOUT')
        },
        lstat: (async (path: string) => {
          if (linked) throw systemError('ESTALE')
          return promises.lstat(path)
        }) as FileSystem['lstat'],
      },
    })
    expect(await codeOf(backend.commit('file', Buffer.from('ours')))).toBe('OUTCOME_UNKNOWN')
  })

  test('has an unknown outcome if all later calls to the file system fail', async () => {
    const root = await temporaryFolder()
    let gone = false
    const unlessGone =
      <Parameters extends unknown[], Result>(call: (...parameters: Parameters) => Promise<Result>) =>
      async (...parameters: Parameters): Promise<Result> => {
        if (gone) throw systemError('ESTALE')
        return call(...parameters)
      }
    const backend = new FileBackend(root, {
      fileSystem: {
        ...promises,
        link: async (from, to) => {
          await promises.link(from, to)
          gone = true
          throw systemError('ETIMEDOUT')
        },
        lstat: unlessGone(promises.lstat) as FileSystem['lstat'],
        unlink: unlessGone(promises.unlink),
        rmdir: unlessGone(promises.rmdir),
      },
    })
    expect(await codeOf(backend.commit('folder/file', Buffer.from('ours')))).toBe('OUTCOME_UNKNOWN')
    expect(await readFile(join(root, 'folder/file'), 'utf8')).toBe('ours')
  })

  test.each(['EPERM', 'ENOTSUP', 'ENOSYS'])(
    'rejects a file system without hard links (%s), and explains why',
    async (code) => {
      const root = await temporaryFolder()
      const backend = new FileBackend(root, {
        fileSystem: losing(async () => {
          throw systemError(code)
        }),
      })
      await expect(backend.commit('file', Buffer.from('x'))).rejects.toThrow(/does not support hard links/)
      expect(await codeOf(backend.commit('file', Buffer.from('x')))).toBe('UNSUPPORTED')
      expect(await everythingIn(root)).toEqual([])
    },
  )
})
