import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import * as promises from 'node:fs/promises'
import { chmod, mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PutResult, sha256Hex } from '@holdfast/core/backend'
import { expect, test } from 'vitest'
import { FileBackend, type FileSystem } from '../src/index.ts'

const bytes = randomBytes(3 * 2 ** 20 + 5)
const sha256 = sha256Hex(bytes)

/** A file system on which every clone succeeds. */
const cloning: FileSystem = {
  ...promises,
  copyFile: (from, to) => promises.copyFile(from, to, constants.COPYFILE_EXCL),
}

async function newBackend(fileSystem: FileSystem = cloning): Promise<{
  readonly folder: string
  readonly backend: FileBackend
}> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-clone-'))
  return { folder, backend: new FileBackend(folder, { fileSystem }) }
}

/** Puts the object `k` of a backend into another one. Returns how often its bytes were opened. */
async function putObjectOf(
  from: FileBackend,
  to: FileBackend,
): Promise<{ readonly opened: number; readonly result: PutResult }> {
  let opened = 0
  const source = {
    async open(start: number) {
      opened += 1
      return ReadableStream.from<Uint8Array>([bytes.subarray(start)])
    },
    object: { backend: from, key: 'k', size: bytes.byteLength, sha256 },
  }
  const result = await to.put('k', source, { size: bytes.byteLength, resume: { sha256 } })
  return { opened, result }
}

test('clones the file of another store without reading its source, and verifies the clone', async () => {
  const [from, to] = [await newBackend(), await newBackend()]
  await from.backend.put('k', bytes)
  const { opened, result } = await putObjectOf(from.backend, to.backend)
  expect(opened).toBe(0)
  expect(result.sha256).toBe(sha256)
  expect((await readFile(join(to.folder, 'k'))).equals(bytes)).toBe(true)
  expect((await stat(join(to.folder, 'k'))).mode).toBe((await stat(join(from.folder, 'k'))).mode)
})

test.each(['damaged', 'shorter', 'missing'])(
  'reads the source if the file of the other store is %s',
  async (how) => {
    const [from, to] = [await newBackend(), await newBackend()]
    await from.backend.put('k', bytes)
    const path = join(from.folder, 'k')
    await chmod(path, 0o600)
    if (how === 'damaged') await writeFile(path, randomBytes(bytes.byteLength))
    if (how === 'shorter') await writeFile(path, bytes.subarray(1))
    if (how === 'missing') await from.backend.delete(['k'])
    expect((await putObjectOf(from.backend, to.backend)).opened).toBe(1)
    expect(await readdir(to.folder)).toEqual(['k'])
    expect((await readFile(join(to.folder, 'k'))).equals(bytes)).toBe(true)
  },
)

test('reads the source if the file system has no clones', async () => {
  const refusing: FileSystem = {
    ...promises,
    copyFile: () => Promise.reject(Object.assign(new Error('no clones'), { code: 'ENOTSUP' })),
  }
  const [from, to] = [await newBackend(), await newBackend(refusing)]
  await from.backend.put('k', bytes)
  expect((await putObjectOf(from.backend, to.backend)).opened).toBe(1)
  expect((await readFile(join(to.folder, 'k'))).equals(bytes)).toBe(true)
})
