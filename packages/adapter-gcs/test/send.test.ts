import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThroughClient } from 'google-auth-library'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { HoldfastError } from '@holdfast/core'
import { GcsBackend } from '../src/index.ts'
import { bodyOf, type HttpBody, type HttpRequest, type Requester, send } from '../src/send.ts'

const piece = Buffer.alloc(2 ** 20)
const pieces = 64

afterEach(() => {
  vi.useRealTimers()
})

function put(url: string, source: AsyncIterable<Uint8Array>): HttpRequest {
  const body: HttpBody = { size: pieces * piece.byteLength, pieces: source }
  return { method: 'PUT', url, body }
}

async function* steadily(onEnd: () => void = () => undefined): AsyncGenerator<Uint8Array> {
  try {
    for (let given = 0; given < pieces; given += 1) yield piece
  } finally {
    onEnd()
  }
}

async function served(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('allows a slow upload of a large body while it makes progress', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const minute = 60_000
  let taken: AsyncIterator<unknown> | undefined
  const silent: Requester = {
    request: ({ data, signal }) => {
      taken = data?.[Symbol.asyncIterator]()
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          reject(signal.reason as Error)
        })
      })
    },
  }
  let failure: unknown
  const sending = send(silent, put('http://127.0.0.1', steadily())).catch((error: unknown) => {
    failure = error
  })
  for (let turn = 0; turn < pieces / 2; turn += 1) {
    await taken?.next()
    await vi.advanceTimersByTimeAsync(minute)
  }
  expect(failure).toBeUndefined()
  await vi.advanceTimersByTimeAsync(2 * minute)
  await sending
  expect(failure).toMatchObject({ name: 'TimeoutError' })
})

test('hands a large piece to the connection in pieces, each of which restarts the limit', async () => {
  const received: number[] = []
  const counting: Requester = {
    async request({ data }) {
      for await (const { byteLength } of data as AsyncIterable<Uint8Array>) received.push(byteLength)
      return { status: 200, headers: new Headers(), data: undefined }
    },
  }
  const body = bodyOf(Buffer.alloc(10), Buffer.alloc(2.5 * 2 ** 20))
  await send(counting, { method: 'PUT', url: 'http://127.0.0.1', body })
  expect(received).toEqual([10, 2 ** 20, 2 ** 20, 2 ** 19])
})

test('rejects with the error of the source, not with that of the connection', async () => {
  const url = await served((request) => request.resume())
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield piece
    throw new HoldfastError('INVALID_ARGUMENT', 'The source has changed')
  }
  await expect(send(new PassThroughClient(), put(url, failing()))).rejects.toThrow('The source has changed')
})

test('releases a body if the response arrives before its end', async () => {
  const url = await served((_, response) => response.end('{"early":true}'))
  const end = Promise.withResolvers<undefined>()
  const source = steadily(() => {
    end.resolve(undefined)
  })
  const { data } = await send(new PassThroughClient(), put(url, source))
  expect(data).toEqual({ early: true })
  await end.promise
  expect(await source.next()).toEqual({ done: true, value: undefined })
})

test.each([
  ['a web page', { 'content-type': 'text/html' }, '<html><body>No server is available</body></html>', 3],
  ['an empty response', {}, '', 3],
  [
    'a refusal of the store',
    { 'content-type': 'application/json' },
    '{"error":{"code":503,"message":"Try again","errors":[{"reason":"backendError"}]}}',
    5,
  ],
  ['an empty response with an id', { 'x-guploader-uploadid': 'r' }, '', 5],
])('takes a 503 for an overload only if the store sent it: %s', async (_, headers, body, attempts) => {
  let requests = 0
  const endpoint = await served((request, response) => {
    requests += 1
    request.resume()
    response.writeHead(503, headers).end(body)
  })
  const retry = { attempts: 3, minDelay: 0, maxDelay: 0 }
  const backend = new GcsBackend('bucket', 'a', { endpoint, anonymous: true, retry })
  await expect(Array.fromAsync(backend.list(''))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  await backend.close()
  expect(requests).toBe(attempts)
})
