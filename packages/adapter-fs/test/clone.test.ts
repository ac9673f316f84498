import * as promises from 'node:fs/promises'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '@holdfast/conformance/testing'
import { describe, expect, test } from 'vitest'
import { FileBackend, type FileSystem } from '../src/index.ts'
import { everythingIn, temporaryFolder } from './folders.ts'
import { systemError } from './recording.ts'

/** A store on a file system whose clones fail as `fault` decides, and succeed as copies otherwise. */
async function storeWhoseClones(fault: (clone: number) => string | undefined) {
  const root = await temporaryFolder()
  const clones: number[] = []
  const copyFile: FileSystem['copyFile'] = async (from, to) => {
    clones.push(clones.length)
    const code = fault(clones.length)
    if (code !== undefined) throw systemError(code)
    await promises.copyFile(from, to, promises.constants.COPYFILE_EXCL)
  }
  const source = join(await temporaryFolder(), 'model.bin')
  await writeFile(source, 'weights')
  const backend = new FileBackend(root, { fileSystem: { ...promises, copyFile } })
  return { root, backend, clones, source: { path: source } }
}

describe('a put of a file whose clone fails', () => {
  // OpenZFS answers EAGAIN while the blocks of the source are not in a synced transaction group:
  // https://github.com/openzfs/zfs/pull/17455
  test.each(['EAGAIN', 'EIO', 'EPERM', 'EACCES', 'EBUSY', 'EINVAL', 'EXDEV', 'ETXTBSY'])(
    'copies the file after %s, and clones the next one',
    async (code) => {
      const { root, backend, clones, source } = await storeWhoseClones((clone) =>
        clone === 1 ? code : undefined,
      )
      await backend.put('a/first', source)
      await backend.put('a/second', source)
      expect(await readFile(join(root, 'a/first'), 'utf8')).toBe('weights')
      expect(clones).toHaveLength(2)
      expect(await everythingIn(root)).toEqual(['a', 'a/first', 'a/second'])
    },
  )

  test.each(['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'ENOTTY'])(
    'copies the file after %s, and clones no other file',
    async (code) => {
      const { root, backend, clones, source } = await storeWhoseClones(() => code)
      await backend.put('first', source)
      await backend.put('second', source)
      expect(clones).toHaveLength(1)
      expect(await everythingIn(root)).toEqual(['first', 'second'])
    },
  )

  test.each([
    ['ENOSPC', 'INSUFFICIENT_SPACE'],
    ['EDQUOT', 'INSUFFICIENT_SPACE'],
    ['EMFILE', 'UNAVAILABLE'],
  ])('rejects after %s, since a copy would fail, too', async (code, expected) => {
    const { root, backend, source } = await storeWhoseClones(() => code)
    expect(await codeOf(backend.put('file', source))).toBe(expected)
    expect(await everythingIn(root)).toEqual([])
  })
})
