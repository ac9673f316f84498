import { expect, test } from 'vitest'
import { growthOf, partsAtOnce, partsOf, planParts, sendParts, SourceReader } from '../../src/backend.ts'

const chunkBytes = 16

async function* stream(chunks: number): AsyncGenerator<Uint8Array> {
  for (let chunk = 0; chunk < chunks; chunk += 1) yield Buffer.alloc(chunkBytes, chunk)
}

test('keeps the bytes of a slow part while many other parts are sent', async () => {
  const limit = 3
  await using reader = await SourceReader.open(stream(20), { chunkBytes, chunksHeld: limit })
  const slow = Promise.withResolvers<undefined>()
  const begun: number[] = []
  const sending = sendParts(partsOf(reader.chunks()), limit, undefined, async ({ index, bytes }) => {
    begun.push(index)
    if (index === 4) await slow.promise
    return bytes.every((byte) => byte === index)
  })
  // By now, all work that does not depend on part 4 has run.
  await new Promise((resolve) => setImmediate(resolve))
  expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6])
  slow.resolve(undefined)
  expect(await sending).toEqual(Array.from({ length: 20 }, () => true))
})

test('yields parts in order and marks the last one', async () => {
  const parts = await Array.fromAsync(partsOf(stream(3)))
  expect(parts.map(({ index, offset, last }) => ({ index, offset, last }))).toEqual([
    { index: 0, offset: 0, last: false },
    { index: 1, offset: chunkBytes, last: false },
    { index: 2, offset: 2 * chunkBytes, last: true },
  ])
  expect(await Array.fromAsync(partsOf(stream(0)))).toEqual([])
})

test('sends no more parts after a failure, and waits for the parts in flight', async () => {
  const ended: number[] = []
  const sending = sendParts(partsOf(stream(10)), 3, undefined, async ({ index }, signal) => {
    if (index === 1) throw new Error('part 1 failed')
    await new Promise((resolve) => setImmediate(resolve))
    ended.push(index)
    return signal.aborted
  })
  await expect(sending).rejects.toThrow('part 1 failed')
  expect(ended.length).toBeLessThan(4)
})

test('uses larger parts for a large object, and sends fewer at once', () => {
  const wanted = { partBytes: 8 * 2 ** 20, parallel: 4 }
  expect(planParts(wanted, 10 * 2 ** 30, 10_000)).toEqual(wanted)
  const plan = planParts(wanted, 5 * 2 ** 40, 10_000)
  expect(plan.partBytes * 10_000).toBeGreaterThanOrEqual(5 * 2 ** 40)
  expect(plan.parallel).toBe(1)
})

test('grows the parts of a stream of unknown size, and sends every byte', async () => {
  const limits = {
    partBytes: chunkBytes,
    parallel: 3,
    maxParts: 11,
    maxPartBytes: 8 * chunkBytes,
    sizeOption: 'partSize',
  }
  const chunks = 36
  await using reader = await SourceReader.open(stream(chunks), { chunkBytes, chunksHeld: limits.parallel })
  const sizes: number[] = []
  const sent = await sendParts(
    partsOf(reader.chunks(), 0, growthOf(limits)),
    ({ bytes }) => partsAtOnce(limits, bytes.byteLength),
    undefined,
    async ({ index, bytes }) => {
      sizes[index] = bytes.byteLength / chunkBytes
      // Reads ahead as far as possible before it compares the bytes.
      await new Promise((resolve) => setImmediate(resolve))
      return Buffer.from(bytes)
    },
  )
  expect(sizes).toEqual([1, 1, 1, 1, 1, 1, 2, 4, 8, 8, 8])
  expect(Buffer.concat(sent).equals(Buffer.concat(await Array.fromAsync(stream(chunks))))).toBe(true)
})

test('fits the largest object of S3 into the parts of a stream, and grows parts after 39 GiB', () => {
  const mebibyte = 2 ** 20
  const limits = {
    partBytes: 8 * mebibyte,
    parallel: 4,
    maxParts: 10_000,
    maxPartBytes: 5 * 2 ** 30,
    sizeOption: 'partSize',
  }
  const { bytesOf } = growthOf(limits)
  const sizes = Array.from({ length: limits.maxParts }, (_, index) => bytesOf(index))
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(5 * 2 ** 40)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(limits.maxPartBytes)
  expect(sizes.slice(0, 5000)).toEqual(Array.from({ length: 5000 }, () => limits.partBytes))
})
