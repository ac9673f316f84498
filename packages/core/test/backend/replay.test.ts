import { randomBytes } from 'node:crypto'
import { mkdtemp, open, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type ByteSource, Crc32c, sha256Hex, SourceReader } from '../../src/backend.ts'

const bytes = randomBytes(3 * 2 ** 20 + 5)
const middle = 2 ** 20 + 77
const options = { chunkBytes: 2 ** 20, chunksHeld: 1 }

const folder = await mkdtemp(join(tmpdir(), 'holdfast-source-'))
const path = join(folder, 'source.bin')

afterAll(async () => {
  await rm(folder, { recursive: true })
})

async function read(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(chunks))
}

const replayable: readonly (readonly [string, () => Promise<ByteSource>])[] = [
  ['bytes', async () => bytes],
  [
    'a file',
    async () => {
      await writeFile(path, bytes)
      return { path }
    },
  ],
]

describe.each(replayable)('%s', (_, sourceOf) => {
  test('reads again from any byte, and counts each byte once', async () => {
    const checksum = new Crc32c()
    await using reader = await SourceReader.open(await sourceOf(), { ...options, checksum })
    expect(reader.replayableBytes).toBe(bytes.byteLength)
    const end = 3 * 2 ** 20
    for await (const chunk of reader.replay(0, end)) if (chunk.byteLength > 0) break
    await read(reader.replay(0, middle))
    for (const start of [0, 1, middle, end])
      expect((await read(reader.replay(start, end))).equals(bytes.subarray(start, end))).toBe(true)
    expect((await read(reader.chunks(end))).equals(bytes.subarray(end))).toBe(true)
    expect(reader.result()).toEqual({ size: bytes.byteLength, sha256: sha256Hex(bytes) })
    expect(checksum.value).toBe(new Crc32c().update(bytes).value)
  })

  test('does not change a chunk of a replay before the second chunk after it is requested', async () => {
    await using reader = await SourceReader.open(await sourceOf(), options)
    const copies: Buffer[] = []
    let before: Uint8Array | undefined
    for await (const chunk of reader.replay(0, bytes.byteLength)) {
      const copy = copies.at(-1)
      if (before !== undefined) expect(copy?.equals(before)).toBe(true)
      copies.push(Buffer.from(chunk))
      before = chunk
    }
    expect(Buffer.concat(copies).equals(bytes)).toBe(true)
  })

  test('does not change the chunks of a replay while other bytes are read', async () => {
    await using reader = await SourceReader.open(await sourceOf(), options)
    const replay = reader.replay(0, bytes.byteLength)
    const chunks = [await replay.next(), await replay.next()].map(({ value }) => value ?? new Uint8Array())
    await read(reader.replay(0, middle))
    await read(reader.replay(middle, middle + 1))
    expect(Buffer.concat(chunks).equals(bytes.subarray(0, 2 ** 21))).toBe(true)
  })

  test('rejects skipping bytes that have not been hashed', async () => {
    await using reader = await SourceReader.open(await sourceOf(), options)
    await read(reader.replay(0, middle))
    await expect(read(reader.replay(middle + 1, bytes.byteLength))).rejects.toThrow('was read to')
    await expect(read(reader.chunks(middle + 1))).rejects.toThrow('was read to')
    await expect(read(reader.chunks())).rejects.toThrow('was read to')
  })
})

test('counts the bytes after a replay if another thread may hash them', async () => {
  const large = Buffer.concat(Array.from({ length: 11 }, () => bytes))
  const end = 2 ** 25
  await writeFile(path, large)
  for (const source of [large, { path }]) {
    await using reader = await SourceReader.open(source, { ...options, hashInThread: true })
    await read(reader.replay(0, middle))
    await read(reader.replay(1, end))
    expect((await read(reader.chunks(end))).equals(large.subarray(end))).toBe(true)
    expect(reader.result().sha256).toBe(sha256Hex(large))
  }
})

test('does not read again a stream or a source whose size differs from the announced one', async () => {
  await writeFile(path, bytes)
  const size = bytes.byteLength + 1
  const sources: ByteSource[] = [bytes, { path }, new Blob([bytes]).stream()]
  for (const source of sources) {
    await using reader = await SourceReader.open(source, { ...options, size })
    expect(reader.replayableBytes).toBe(0)
  }
})

test('rejects a file that changes between two replays', async () => {
  await writeFile(path, bytes)
  await utimes(path, 0, 0) // two writes within one tick of the clock have one time
  await using reader = await SourceReader.open({ path }, options)
  await read(reader.replay(0, middle))
  await using handle = await open(path, 'r+')
  await handle.write(Buffer.from('else'), 0, 4, 0)
  await read(reader.replay(0, middle))
  await expect(read(reader.chunks(middle))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})

test('rejects a file that ends before the end of the replay', async () => {
  await writeFile(path, bytes)
  await using reader = await SourceReader.open({ path }, options)
  await truncate(path, middle)
  await expect(read(reader.replay(0, bytes.byteLength))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})
