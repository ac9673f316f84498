import { Readable } from 'node:stream'
import { expect, test, vi } from 'vitest'
import { ReceivedBody } from '../../src/backend/direct/received-body.ts'
import { HoldfastError } from '../../src/index.ts'
import { chunksOf, messageOf, resumingStream, type ResumingStreamOptions } from '../../src/backend.ts'

const rangeBytes = 1000
const object = Buffer.from(Array.from({ length: 10 * rangeBytes + 7 }, (_, index) => index % 251))

interface Asked {
  readonly start: number
  readonly end: number
}

/** Reads the object over connections of one speed, in bytes per millisecond. `cut` truncates responses. */
function reading(
  speed: number,
  cut: (asked: Asked, index: number) => number = ({ end }) => end,
  threads?: number,
) {
  const asked: Asked[] = []
  const inThread: boolean[] = []
  let time = 0
  let open = 0
  let mostOpen = 0
  const answer = (start: number, end: number): Readable => {
    asked.push({ start, end })
    const until = cut({ start, end }, asked.length - 1)
    async function* chunks(): AsyncGenerator<Uint8Array> {
      open += 1
      mostOpen = Math.max(mostOpen, open)
      try {
        for (let at = start; at < until; at += 100) {
          time += 100 / speed
          yield object.subarray(at, Math.min(at + 100, until))
          await new Promise((resolve) => setImmediate(resolve))
        }
      } finally {
        open -= 1
      }
      if (until < end) throw new Error('cut off')
    }
    return Readable.from(chunks())
  }
  const options: ResumingStreamOptions = {
    start: 0,
    end: object.byteLength,
    first: answer(0, rangeBytes),
    firstBytes: rangeBytes,
    rangeBytes,
    rangesAtOnce: 4,
    threads,
    reopen: async (start, end, way) => {
      inThread.push(way)
      return answer(start, end)
    },
    errorOf: (error) =>
      error instanceof HoldfastError ? error : new HoldfastError('UNAVAILABLE', messageOf(error)),
    retry: { what: 'The read', policy: { attempts: 3, minDelay: 0, maxDelay: 0 } },
    now: () => time,
  }
  return { asked, inThread, open: () => open, mostOpen: () => mostOpen, body: resumingStream(options) }
}

type Body = ReturnType<typeof reading>['body']

/** Both ways to read a body. */
const ways: readonly [string, (body: Body) => AsyncIterable<Uint8Array>][] = [
  ['pieces', (body) => body],
  ['chunks', (body) => chunksOf({ body }, 700)],
]

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const seen: Buffer[] = []
  for await (const chunk of chunks) seen.push(Buffer.from(chunk))
  return Buffer.concat(seen)
}

const slow = 1000
const fast = 1_000_000

test.each(ways)(
  'reads the rest over several connections, in order, if a connection is slow: %s',
  async (_, way) => {
    const { asked, mostOpen, body } = reading(slow)
    expect((await bytesOf(way(body))).equals(object)).toBe(true)
    expect(asked.map(({ start }) => start)).toEqual(
      Array.from({ length: 11 }, (_, range) => range * rangeBytes),
    )
    expect(mostOpen()).toBeGreaterThan(2)
    expect(mostOpen()).toBeLessThanOrEqual(4)
  },
)

test.each(ways)('reads the rest with one request if a connection is fast: %s', async (_, way) => {
  const { asked, body } = reading(fast)
  expect((await bytesOf(way(body))).equals(object)).toBe(true)
  expect(asked).toEqual([
    { start: 0, end: rangeBytes },
    { start: rangeBytes, end: object.byteLength },
  ])
})

test.each(ways)('is not corrupt if the responses are longer than requested: %s', async (_, way) => {
  for (const speed of [slow, fast]) {
    const { body } = reading(speed, ({ end }) => end + 100)
    await expect(bytesOf(way(body))).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true })
  }
})

test('lets threads read the rest in ranges at any speed, if the reader has shared memory', async () => {
  const shared = (bytes: number): Uint8Array => Buffer.from(new SharedArrayBuffer(bytes))
  const { asked, inThread, mostOpen, body } = reading(fast, undefined, 2)
  expect((await bytesOf(chunksOf({ body }, 700, shared))).equals(object)).toBe(true)
  expect(asked).toHaveLength(11)
  expect(new Set(inThread)).toEqual(new Set([true]))
  expect(mostOpen()).toBeLessThanOrEqual(4)
})

test.each(ways)('uses no threads without shared memory: %s', async (_, way) => {
  const { asked, inThread, body } = reading(fast, undefined, 2)
  expect((await bytesOf(way(body))).equals(object)).toBe(true)
  expect(asked).toHaveLength(2)
  expect(inThread).toEqual([false])
})

test.each([slow, fast].flatMap((speed) => ways.map(([name, way]) => [speed, name, way] as const)))(
  'continues at the same byte after each broken response, at speed %i: %s',
  async (speed, _, way) => {
    const { asked, body } = reading(speed, ({ start, end }, index) =>
      index % 2 === 0 ? Math.min(start + 300, end) : end,
    )
    expect((await bytesOf(way(body))).equals(object)).toBe(true)
    expect(asked).toContainEqual({ start: 300, end: rangeBytes })
  },
)

test('fails the stream if a range fails permanently, and requests no more ranges', async () => {
  const { asked, body } = reading(slow, ({ start, end }) => (start === 3 * rangeBytes ? start : end))
  await expect(Array.fromAsync(body)).rejects.toThrow('cut off')
  expect(asked.length).toBeLessThan(11)
})

test('ends all requests in flight when the body is cancelled', async () => {
  const { asked, open, body } = reading(slow)
  const reader = body.getReader()
  while (asked.length === 1) await reader.read()
  await reader.cancel()
  await vi.waitFor(() => {
    expect(open()).toBe(0)
  })
  expect(asked).toHaveLength(4)
})

test('ends all requests in flight when its chunks are no longer read', async () => {
  const { asked, open, body } = reading(slow)
  const chunks = chunksOf({ body }, 300)
  while (asked.length === 1) await chunks.next()
  await chunks.return()
  await vi.waitFor(() => {
    expect(open()).toBe(0)
  })
  expect(asked.length).toBeLessThan(11)
})

/** A body that is longer than every request. */
class LongBody extends ReceivedBody {
  override readonly length = 2 * object.byteLength
  override readonly received = 0
  taken = false

  override async *into(): AsyncGenerator<Uint8Array, void, undefined> {
    this.taken = true
    yield object
  }
}

test('refuses a response that is longer than requested before it takes memory for it', async () => {
  const body = new LongBody()
  const stream = resumingStream({
    start: 0,
    end: rangeBytes,
    first: body,
    firstBytes: rangeBytes,
    rangeBytes,
    rangesAtOnce: 1,
    reopen: async () => body,
    errorOf: (error) =>
      error instanceof HoldfastError ? error : new HoldfastError('UNAVAILABLE', messageOf(error)),
    retry: { what: 'The read', policy: { attempts: 1, minDelay: 0, maxDelay: 0 } },
  })
  await expect(Array.fromAsync(chunksOf({ body: stream }, 100))).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: `The read got ${body.length} bytes instead of ${rangeBytes}.`,
  })
  expect([body.taken, body.destroyed]).toEqual([false, true])
})
