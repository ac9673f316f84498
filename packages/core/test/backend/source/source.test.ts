import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ByteSource, SourceReader } from '../../../src/backend/index.ts'
import { sha256Hex } from '../../../src/integrity/index.ts'

const mebibyte = 2 ** 20
const bytes = Buffer.alloc(40 * mebibyte + 1)
for (let index = 0; index < bytes.byteLength; index += 4093) bytes[index] = index >> 12

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-source-'))
  await writeFile(join(folder, 'source'), bytes)
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

const sources: Readonly<Record<string, () => ByteSource>> = {
  bytes: () => bytes,
  'a file': () => ({ path: join(folder, 'source') }),
  'a stream that uses its buffer again': async function* () {
    const buffer = Buffer.alloc(65_536)
    for (let start = 0; start < bytes.byteLength; start += buffer.byteLength) {
      const piece = bytes.subarray(start, start + buffer.byteLength)
      buffer.set(piece)
      yield buffer.subarray(0, piece.byteLength)
    }
  },
}

describe.each(Object.entries(sources))('the source reader reads %s', (_, sourceOf) => {
  test.each([
    { hashInThread: false, chunksHeld: 0 },
    { hashInThread: false, chunksHeld: 2 },
    { hashInThread: true, chunksHeld: 0 },
    { hashInThread: true, chunksHeld: 1 },
    { hashInThread: true, chunksHeld: 2 },
  ])(
    'is read completely, and does not change chunks that the consumer keeps: %o',
    async ({ hashInThread, chunksHeld }) => {
      const size = bytes.byteLength
      await using reader = await SourceReader.open(sourceOf(), {
        chunkBytes: 3 * mebibyte,
        chunksHeld,
        hashInThread,
        size,
      })
      const held: { readonly chunk: Uint8Array; readonly start: number }[] = []
      let start = 0
      const lookAtOldest = (): void => {
        const oldest = held.shift()
        if (oldest === undefined) return
        const expected = bytes.subarray(oldest.start, oldest.start + oldest.chunk.byteLength)
        expect(expected.equals(oldest.chunk)).toBe(true)
      }
      for await (const chunk of reader.chunks()) {
        held.push({ chunk, start })
        start += chunk.byteLength
        if (held.length > chunksHeld) lookAtOldest()
      }
      while (held.length > 0) lookAtOldest()
      expect(reader.result()).toEqual({ size, sha256: sha256Hex(bytes) })
    },
  )
})

test('reads a stream that is smaller than a chunk into a buffer of its size', async () => {
  const small = bytes.subarray(0, 1000)
  const source = { open: async () => ReadableStream.from<Uint8Array>([small]) }
  await using reader = await SourceReader.open(source, {
    chunkBytes: 8 * mebibyte,
    chunksHeld: 1,
    size: 1000,
  })
  const chunks = await Array.fromAsync(reader.chunks())
  expect(chunks.map(({ buffer }) => buffer.byteLength)).toEqual([1000])
  expect(reader.result().sha256).toBe(sha256Hex(small))
})

test.each([0, 999])('rejects a stream that is longer than the announced %i bytes', async (size) => {
  const source = { open: async () => ReadableStream.from<Uint8Array>([bytes.subarray(0, 1000)]) }
  await using reader = await SourceReader.open(source, { chunkBytes: mebibyte, chunksHeld: 1, size })
  await expect(Array.fromAsync(reader.chunks())).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})
