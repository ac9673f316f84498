import { describe, expect, test } from 'vitest'
import { chunksOf } from '../../../src/backend/index.ts'
import { bytesOf } from '../../../src/backend/source/chunks-of.ts'

const bytes = Uint8Array.from({ length: 5_000_001 }, (_, index) => (index * 7919) >> 8)

/** A stream that reads into the buffers of its reader, at most `most` bytes at once. */
function byteStream(most: number, onCancel: () => void = () => undefined): ReadableStream<Uint8Array> {
  let position = 0
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      const request = controller.byobRequest
      const view = request?.view
      const length = Math.min(most, bytes.byteLength - position, view?.byteLength ?? most)
      if (length === 0) {
        controller.close()
        request?.respond(0)
      } else {
        const part = bytes.subarray(position, position + length)
        position += length
        if (view == null) controller.enqueue(Uint8Array.from(part))
        else {
          new Uint8Array(view.buffer, view.byteOffset, length).set(part)
          request?.respond(length)
        }
      }
    },
    cancel: onCancel,
  })
}

/** A stream with its own buffers, which have these sizes in turn. */
function pieces(
  sizes: readonly number[],
  onCancel: () => void = () => undefined,
): ReadableStream<Uint8Array> {
  let position = 0
  let given = 0
  return new ReadableStream({
    pull(controller) {
      const end = position + (sizes[given % sizes.length] ?? 1)
      given += 1
      if (position < bytes.byteLength) controller.enqueue(bytes.subarray(position, end))
      else controller.close()
      position = end
    },
    cancel: onCancel,
  })
}

const bodies = {
  'a byte stream that fills every buffer': () => byteStream(Infinity),
  'a byte stream that reads little at once': () => byteStream(65_000),
  'small pieces': () => pieces([65_536, 1, 300_000]),
  'pieces that are larger than a chunk': () => pieces([2_500_000]),
}

describe.each(Object.entries(bodies))('chunksOf %s', (_, body) => {
  test('yields the bytes, and keeps each chunk intact until the next one has been used', async () => {
    const seen: Buffer[] = []
    let before: { readonly chunk: Uint8Array; readonly copy: Buffer } | undefined
    for await (const chunk of chunksOf({ body: body() }, bytes.byteLength)) {
      if (before !== undefined) expect(before.copy.equals(before.chunk)).toBe(true)
      before = { chunk, copy: Buffer.from(chunk) }
      seen.push(before.copy)
    }
    expect(Buffer.concat(seen).equals(bytes)).toBe(true)
  })

  test('copies pieces of other streams into the given buffers', async () => {
    const given: unknown[] = []
    const allocate = (length: number): Uint8Array => {
      const buffer = new Uint8Array(length)
      given.push(buffer.buffer)
      return buffer
    }
    const seen: Buffer[] = []
    for await (const chunk of chunksOf({ body: body() }, bytes.byteLength, allocate)) {
      if (given.length > 0) expect(given).toContain(chunk.buffer)
      seen.push(Buffer.from(chunk))
    }
    expect(Buffer.concat(seen).equals(bytes)).toBe(true)
  })

  test.each([
    ['the whole body', bytes.byteLength],
    ['the whole body if it is shorter than expected', bytes.byteLength + 1],
    ['as many bytes as asked for', 1_500_000],
  ])('reads %s into memory', async (__, size) => {
    const read = await bytesOf({ body: body() }, size)
    expect(Buffer.from(read).equals(bytes.subarray(0, size))).toBe(true)
  })

  test('yields all bytes even if fewer were expected', async () => {
    const seen: Buffer[] = []
    for await (const chunk of chunksOf({ body: body() }, 1000)) seen.push(Buffer.from(chunk))
    expect(Buffer.concat(seen).equals(bytes)).toBe(true)
  })
})

test('allocates one buffer for a body of one chunk', async () => {
  const rooms: number[] = []
  let left = 1000
  const body = new ReadableStream({
    type: 'bytes',
    pull(controller) {
      const { byobRequest } = controller
      rooms.push(byobRequest?.view?.byteLength ?? 0)
      if (left === 0) controller.close()
      byobRequest?.respond(left)
      left = 0
    },
  })
  expect((await Array.fromAsync(chunksOf({ body }, 1000))).map(({ byteLength }) => byteLength)).toEqual([
    1000,
  ])
  expect(rooms).toEqual([1000, 1])
})

test('cancels a body of any kind when the consumer returns early', async () => {
  for (const make of [byteStream.bind(undefined, 1000), pieces.bind(undefined, [1000])]) {
    let cancelled = false
    const body = make(() => {
      cancelled = true
    })
    for await (const chunk of chunksOf({ body }, bytes.byteLength)) {
      expect(chunk.byteLength).toBeGreaterThan(0)
      break
    }
    expect(cancelled).toBe(true)
  }
})

describe('the memory of pieces that were copied', () => {
  const whole = [new Uint8Array([1, 2, 3]), new Uint8Array([4])]
  const shared = new Uint8Array([5, 6, 7, 8])
  const halves = [shared.subarray(0, 2), shared.subarray(2)]
  const large = Uint8Array.from(bytes)

  async function given(given: readonly Uint8Array[], detachable: boolean | undefined): Promise<Buffer> {
    const seen: Buffer[] = []
    const size = given.reduce((sum, { byteLength }) => sum + byteLength, 0)
    const body = ReadableStream.from(given)
    for await (const chunk of chunksOf({ body, detachable }, size)) seen.push(Buffer.from(chunk))
    return Buffer.concat(seen)
  }

  test('is not freed while something else uses it', async () => {
    expect([...(await given(whole, undefined))]).toEqual([1, 2, 3, 4])
    expect(whole.map(({ byteLength }) => byteLength)).toEqual([3, 1])
  })

  test('is freed, except if several pieces share it or a piece was yielded', async () => {
    expect([...(await given([...whole, ...halves], true))]).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(whole.map(({ byteLength }) => byteLength)).toEqual([0, 0])
    expect([...shared]).toEqual([5, 6, 7, 8])

    expect((await given([large], true)).equals(bytes)).toBe(true)
    expect(large.byteLength).toBe(bytes.byteLength)
  })
})

test('rejects with the error of the stream', async () => {
  const body = new ReadableStream({ type: 'bytes', pull: () => Promise.reject(new Error('lost')) })
  await expect(Array.fromAsync(chunksOf({ body }, 10))).rejects.toThrow('lost')
})
