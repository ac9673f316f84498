import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
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
    ['was removed', (path: string) => rm(path), 'does not exist'],
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
  expect(await reads?.read(order)).toMatchObject({ outcomes: [{ changed: 'grew' }] })
})

test('stops a thread at the first file that cannot be read, and states the error of the system', async () => {
  const files = await localFiles(3)
  const [, missing] = files
  if (missing === undefined) throw new Error('There is no file')
  await rm(pathOf(missing))
  using reads = await ThreadReads.begin()
  const asked = files.map((each) => ({ path: pathOf(each), size: each.size }))
  expect(await reads?.read({ files: asked, room: shared(9000) })).toMatchObject({
    outcomes: [
      { sha256: createHash('sha256').update(contentOf(0)).digest('hex') },
      { failed: { code: 'ENOENT', path: pathOf(missing), syscall: 'open' } },
    ],
    milliseconds: expect.any(Number) as number,
  })
})

describe('a thread that reads files', () => {
  /** Lets each order take some time by its own clock, and returns the numbers of files of the orders. */
  function ordersWith(millisecondsPerFile: number): readonly number[] {
    const orders: number[] = []
    const spied = vi.spyOn(ThreadReads.prototype, 'read').mockImplementation(async ({ files, room }) => {
      orders.push(files.length)
      let offset = 0
      const outcomes = files.map(({ path, size }) => {
        const bytes = readFileSync(path)
        room.set(bytes, offset)
        offset += size
        return { sha256: createHash('sha256').update(bytes).digest('hex') }
      })
      return { outcomes, milliseconds: millisecondsPerFile * files.length }
    })
    onTestFinished(() => {
      spied.mockRestore()
    })
    return orders
  }

  test('gets few files at once, however small they are', async () => {
    const orders = ordersWith(0.1)
    const files = await localFiles(300)
    await Array.fromAsync(packedSource(files, silent, going))
    expect(orders.reduce((sum, count) => sum + count, 0)).toBe(300)
    expect(Math.max(...orders)).toBe(32)
  })

  test('gets no further files once a file takes long, since several reads at once are faster then', async () => {
    const orders = ordersWith(5)
    const files = await localFiles(300)
    const all: Buffer[] = []
    for await (const chunk of packedSource(files, silent, going)) all.push(Buffer.from(chunk))
    expect(orders).toEqual([32])
    const expected = files.map((_, index) => contentOf(index))
    expect(Buffer.concat(all).equals(Buffer.concat(expected))).toBe(true)
  })

  test('is not waited for longer than one order after an abort', async () => {
    const orders = ordersWith(0.1)
    const stop = new AbortController()
    const abort = (): void => {
      stop.abort()
    }
    const files = await localFiles(300)
    const reading = packedSource(files, { ...silent, onFile: abort }, stop.signal)
    await expect(Array.fromAsync(reading)).rejects.toMatchObject({ code: 'ABORTED' })
    expect(orders.length).toBeLessThan(10)
  })
})

function shared(bytes: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(bytes))
}
