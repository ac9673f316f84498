import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ThreadReads } from '../../src/integrity/thread-reads.ts'
import { packedSource } from '../../src/store/attempts/packs/packed-source.ts'
import type { SizedFile } from '../../src/store/attempts/packs/plan-packs.ts'
import { temporaryFolder } from '../stores.ts'

const going = new AbortController().signal
const silent = { observe: () => undefined, onFile: () => undefined }

/** The content of one of many files. Some are empty, and all together are larger than the memory of one read. */
function contentOf(index: number): Buffer {
  return Buffer.alloc((index % 5) * 3000, `file ${index} `)
}

/** Writes files, and returns them as a save plans them. */
async function localFiles(count: number): Promise<SizedFile[]> {
  const folder = await temporaryFolder()
  const files = Array.from({ length: count }, (_, index) => ({
    name: String(index),
    source: { path: join(folder, String(index)) },
    size: contentOf(index).byteLength,
  }))
  await Promise.all(files.map(({ source }, index) => writeFile(source.path, contentOf(index))))
  return files
}

function pathOf({ source }: SizedFile): string {
  if ('path' in source && typeof source.path === 'string') return source.path
  throw new Error('The source is no file')
}

describe.each([
  ['few files, each by a call of its own', 20],
  ['many files, which another thread reads', 700],
])('a packed source of %s', (_, count) => {
  test('yields the bytes of all in their order, shows them to observers, and gives the digest of each', async () => {
    const files = await localFiles(count)
    const inMemory = { name: 'in memory', source: Buffer.from('bytes'), size: 5 }
    const streamed = { name: 'streamed', source: new Blob(['stream']).stream(), size: 6 }
    files.splice(10, 0, inMemory)
    files.push(streamed)
    const contents = new Map(Array.from({ length: count }, (_, index) => [String(index), contentOf(index)]))
    contents.set('in memory', Buffer.from('bytes')).set('streamed', Buffer.from('stream'))
    const digests = new Map<string, string>()
    const observed = new Map<string, Buffer>()
    const source = packedSource(
      files,
      {
        observe: ({ name }) => ({
          update: (bytes) => {
            observed.set(name, Buffer.concat([observed.get(name) ?? Buffer.alloc(0), bytes]))
          },
        }),
        onFile: ({ name }, sha256) => digests.set(name, sha256),
      },
      going,
    )
    const all: Buffer[] = []
    for await (const chunk of source) all.push(Buffer.from(chunk))
    const expected = files.map(({ name }) => contents.get(name) ?? Buffer.alloc(0))
    expect(Buffer.concat(all).equals(Buffer.concat(expected))).toBe(true)
    expect([...digests]).toEqual(
      files.map(({ name }, index) => [
        name,
        createHash('sha256')
          .update(expected[index] ?? '')
          .digest('hex'),
      ]),
    )
    for (const [index, { name }] of files.entries())
      expect((observed.get(name) ?? Buffer.alloc(0)).equals(expected[index] ?? Buffer.alloc(0))).toBe(true)
  })

  test.each([
    ['grew', (path: string) => writeFile(path, Buffer.alloc(50_000)), 'grew during the save'],
    ['shrank', (path: string) => truncate(path, 10), 'shrank during the save'],
    ['was removed', (path: string) => rm(path), 'It does not exist'],
    ['became a folder', (path: string) => rm(path).then(() => mkdir(path)), 'is not a regular file'],
  ])('rejects a file that %s since its folder was read', async (_, change, message) => {
    const files = await localFiles(count)
    const file = files[7]
    if (file === undefined) throw new Error('There is no such file')
    await change(pathOf(file))
    const call = Array.fromAsync(packedSource(files, silent, going))
    await expect(call).rejects.toThrow(pathOf(file))
    await expect(Array.fromAsync(packedSource(files, silent, going))).rejects.toThrow(message)
  })

  test('rejects a file that grew although it was empty', async () => {
    const files = await localFiles(count)
    const file = files[5]
    if (file?.size !== 0) throw new Error('The file is not empty')
    await writeFile(pathOf(file), 'no longer')
    await expect(Array.fromAsync(packedSource(files, silent, going))).rejects.toThrow('grew during the save')
  })

  test('reads nothing once its signal has fired', async () => {
    const files = await localFiles(count)
    const call = Array.fromAsync(packedSource(files, silent, AbortSignal.abort()))
    await expect(call).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

test.runIf(process.platform === 'linux')(
  'rejects a pipe in the place of one of many files without waiting for its writer',
  async () => {
    const files = await localFiles(300)
    const [first] = files
    if (first === undefined) throw new Error('There is no file')
    await rm(pathOf(first))
    execFileSync('mkfifo', [pathOf(first)])
    await expect(Array.fromAsync(packedSource(files, silent, going))).rejects.toThrow('is not a regular file')
  },
)

test.runIf(process.platform === 'linux')('takes a file of the system for one that grew', async () => {
  using reads = await ThreadReads.begin()
  const order = { files: [{ path: '/proc/self/status', size: 0 }], room: shared(1) }
  expect(await reads?.read(order)).toEqual([{ changed: 'grew' }])
})

test('states the error of the system for each file that cannot be read, and reads the others', async () => {
  const [file, other] = await localFiles(2)
  if (file === undefined || other === undefined) throw new Error('There are no files')
  await rm(pathOf(file))
  using reads = await ThreadReads.begin()
  const asked = [file, other].map((each) => ({ path: pathOf(each), size: each.size }))
  const outcomes = await reads?.read({ files: asked, room: shared(3000) })
  expect(outcomes).toMatchObject([
    { failed: { code: 'ENOENT', path: pathOf(file), syscall: 'open' } },
    { sha256: createHash('sha256').update(contentOf(1)).digest('hex') },
  ])
})

function shared(bytes: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(bytes))
}
