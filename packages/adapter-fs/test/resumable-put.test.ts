import { randomBytes } from 'node:crypto'
import * as promises from 'node:fs/promises'
import { chmod, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { codeOf } from '@holdfast/conformance/testing'
import { HoldfastError, type PutResult, type ReopenableSource, sha256Hex } from '@holdfast/core/backend'
import { expect, test } from 'vitest'
import { FileBackend, type FileSystem } from '../src/index.ts'
import { systemError } from './recording.ts'

const bytes = randomBytes(5 * 2 ** 20 + 17)
const sha256 = sha256Hex(bytes)

/** A source that counts the bytes that are read from it, and whose connection breaks after some bytes. */
class CountedSource implements ReopenableSource {
  read = 0
  readonly starts: number[] = []
  readonly #breaksAfter: number

  constructor(breaksAfter = Infinity) {
    this.#breaksAfter = breaksAfter
  }

  async open(start: number) {
    this.starts.push(start)
    return this.#chunks(start)
  }

  async *#chunks(start: number): AsyncGenerator<Uint8Array> {
    for (let at = start; at < bytes.byteLength; at += 2 ** 16) {
      if (at >= this.#breaksAfter) throw new HoldfastError('UNAVAILABLE', 'The connection broke.')
      const chunk = bytes.subarray(at, at + 2 ** 16)
      this.read += chunk.byteLength
      yield chunk
    }
  }
}

async function newDisk(): Promise<{ readonly folder: string; readonly backend: FileBackend }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-resume-'))
  return { folder, backend: new FileBackend(folder) }
}

async function put(backend: FileBackend, source: CountedSource): Promise<PutResult> {
  return backend.put('k', source, { size: bytes.byteLength, resume: { sha256 } })
}

test('reads only the rest of the source after a broken connection, and leaves only the file', async () => {
  const { folder, backend } = await newDisk()
  expect(await codeOf(put(backend, new CountedSource(4.5 * 2 ** 20)))).toBe('UNAVAILABLE')
  expect(await readdir(folder)).toEqual([expect.stringMatching(/^\.holdfast-tmp-[0-9a-f]{16}$/)])
  const source = new CountedSource()
  const { resumedBytes } = await put(backend, source)
  expect(resumedBytes).toBe(4 * 2 ** 20)
  expect(source.read).toBe(bytes.byteLength - 4 * 2 ** 20)
  expect(await readdir(folder)).toEqual(['k'])
  expect((await readFile(join(folder, 'k'))).equals(bytes)).toBe(true)
})

test('reads the whole source if a byte of the leftover was flipped', async () => {
  const { folder, backend } = await newDisk()
  await codeOf(put(backend, new CountedSource(4.5 * 2 ** 20)))
  const [name = ''] = await readdir(folder)
  const content = await readFile(join(folder, name))
  content[100] = (content[100] ?? 0) ^ 1
  await chmod(join(folder, name), 0o600)
  await writeFile(join(folder, name), content)
  const source = new CountedSource()
  const { resumedBytes } = await put(backend, source)
  expect(source.starts).toEqual([4 * 2 ** 20, 0])
  expect(resumedBytes).toBe(0)
  expect(await readdir(folder)).toEqual(['k'])
  expect((await readFile(join(folder, 'k'))).equals(bytes)).toBe(true)
})

test.each(['its copy cannot be read', 'it cannot be copied'])(
  'reads the whole source if a sector of the leftover is bad: %s',
  async (what) => {
    const { folder, backend } = await newDisk()
    await codeOf(put(backend, new CountedSource(4.5 * 2 ** 20)))
    const badSector = async (): Promise<never> => Promise.reject(systemError('EIO'))
    const open: FileSystem['open'] = async (path, flags, mode) => {
      const handle = await promises.open(path, flags, mode)
      return flags === 'r+' ? Object.assign(handle, { read: badSector }) : handle
    }
    const fileSystem =
      what === 'it cannot be copied' ? { ...promises, copyFile: badSector } : { ...promises, open }
    const source = new CountedSource()
    const { resumedBytes } = await put(new FileBackend(folder, { fileSystem }), source)
    expect(resumedBytes).toBe(0)
    expect(source.starts.at(-1)).toBe(0)
    expect(await readdir(folder)).toEqual(['k'])
    expect((await readFile(join(folder, 'k'))).equals(bytes)).toBe(true)
  },
)

test('does not continue a leftover that is longer than the source', async () => {
  const { folder, backend } = await newDisk()
  await codeOf(put(backend, new CountedSource(4.5 * 2 ** 20)))
  const [name = ''] = await readdir(folder)
  await chmod(join(folder, name), 0o600)
  await writeFile(join(folder, name), Buffer.concat([bytes, bytes]))
  await put(backend, new CountedSource())
  expect((await readFile(join(folder, 'k'))).equals(bytes)).toBe(true)
  expect(await readdir(folder)).toEqual(['k'])
})

test('does not continue a leftover of other bytes, and leaves it to the sweep', async () => {
  const { folder, backend } = await newDisk()
  await codeOf(put(backend, new CountedSource(4.5 * 2 ** 20)))
  const others = randomBytes(2 ** 21)
  await backend.put(
    'k',
    { open: async (start) => ReadableStream.from<Uint8Array>([others.subarray(start)]) },
    {
      size: others.byteLength,
      resume: { sha256: sha256Hex(others) },
    },
  )
  expect(await readdir(folder)).toHaveLength(2)
  expect((await backend.sweep({ olderThan: 0 })).discarded).toHaveLength(1)
  expect(await readdir(folder)).toEqual(['k'])
})

test('leaves nothing if the source is corrupt', async () => {
  const { folder, backend } = await newDisk()
  const corrupt: ReopenableSource = {
    async open() {
      return ReadableStream.from<Uint8Array>([randomBytes(bytes.byteLength)])
    },
  }
  const rejected = backend.put('k', corrupt, { size: bytes.byteLength, resume: { sha256 } })
  expect(await codeOf(rejected)).toBe('INVALID_ARGUMENT')
  expect(await readdir(folder)).toEqual([])
})
