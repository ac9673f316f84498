import * as promises from 'node:fs/promises'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '@holdfast/conformance/testing'
import { describe, expect, test } from 'vitest'
import { FileBackend, type FileSystem } from '../src/index.ts'
import { everythingIn, temporaryFolder } from './folders.ts'
import { systemError } from './recording.ts'

const bytes = Buffer.from('weights')

/** A store with an object, on a file system whose clones fail as `fault` decides, and succeed as copies otherwise. */
async function storeWhoseClones(fault: (clone: number) => string | undefined) {
  const root = await temporaryFolder()
  const clones: number[] = []
  const copyFile: FileSystem['copyFile'] = async (from, to) => {
    clones.push(clones.length)
    const code = fault(clones.length)
    if (code !== undefined) throw systemError(code)
    await promises.copyFile(from, to, promises.constants.COPYFILE_EXCL)
  }
  const backend = new FileBackend(root, { fileSystem: { ...promises, copyFile } })
  const object = { backend, ...(await backend.put('object', bytes)) }
  const put = (key: string) => backend.put(key, bytes, { unchanged: { object } })
  const isLinked = async (key: string): Promise<boolean> => {
    expect(await readFile(join(root, key), 'utf8')).toBe('weights')
    return (await stat(join(root, key))).ino === (await stat(join(root, 'object'))).ino
  }
  return { root, clones, put, isLinked }
}

describe('a put of unchanged bytes whose clone fails', () => {
  // OpenZFS answers EAGAIN while the blocks of the source are not in a synced transaction group:
  // https://github.com/openzfs/zfs/pull/17455
  test.each(['EAGAIN', 'EIO', 'EPERM', 'EACCES', 'EBUSY', 'EINVAL', 'EXDEV', 'ETXTBSY'])(
    'links the file after %s, and clones the next one',
    async (code) => {
      const { root, put, clones, isLinked } = await storeWhoseClones((clone) =>
        clone === 1 ? code : undefined,
      )
      for (const key of ['a/first', 'a/second']) expect(await put(key)).toMatchObject({ reused: 'shared' })
      expect(await isLinked('a/first')).toBe(true)
      expect(await isLinked('a/second')).toBe(false)
      expect(clones).toHaveLength(2)
      expect(await everythingIn(root)).toEqual(['a', 'a/first', 'a/second', 'object'])
    },
  )

  test.each(['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'ENOTTY'])(
    'links the file after %s, and clones no other file',
    async (code) => {
      const { root, put, clones, isLinked } = await storeWhoseClones(() => code)
      for (const key of ['first', 'second']) {
        await put(key)
        expect(await isLinked(key)).toBe(true)
      }
      expect(clones).toHaveLength(1)
      expect(await everythingIn(root)).toEqual(['first', 'object', 'second'])
    },
  )

  test.each([
    ['ENOSPC', 'INSUFFICIENT_SPACE'],
    ['EDQUOT', 'INSUFFICIENT_SPACE'],
    ['EMFILE', 'UNAVAILABLE'],
  ])('rejects after %s, since a link would fail, too', async (code, expected) => {
    const { root, put } = await storeWhoseClones(() => code)
    expect(await codeOf(put('file'))).toBe(expected)
    expect(await everythingIn(root)).toEqual(['object'])
  })
})
