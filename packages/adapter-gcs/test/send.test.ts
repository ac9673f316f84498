import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThroughClient } from 'google-auth-library'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { HoldfastError } from '@holdfast/core'
import { type HttpBody, type HttpRequest, type Requester, send } from '../src/send.ts'

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
