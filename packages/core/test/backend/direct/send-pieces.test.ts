import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { sendPieces } from '../../../src/connections.ts'
import type { BodyRequest } from '../../../src/backend/direct/requests.ts'
import { afterTest } from './scripted-server.ts'

const pieceBytes = 2 ** 20
const pieceCount = 32
const size = pieceCount * pieceBytes

/** Starts a server of HTTP, and returns a request to it. */
async function serving(handle: (...args: Parameters<RequestListener>) => unknown): Promise<BodyRequest> {
  const server = createServer(handle)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  afterTest(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return {
    protocol: 'http:',
    host: '127.0.0.1',
    port,
    path: '/object',
    method: 'PUT',
    headers: { host: 'h', 'content-length': String(size) },
  }
}

/** Yields pieces in one buffer, which is filled again for each. */
async function* reusing(onEnd: () => void = () => undefined): AsyncGenerator<Uint8Array> {
  const piece = Buffer.alloc(pieceBytes)
  try {
    for (let index = 0; index < pieceCount; index += 1) yield piece.fill(index)
  } finally {
    onEnd()
  }
}

test('sends each piece completely before it takes the next one', async () => {
  const request = await serving(async (asked, response) => {
    const arrived = await buffer(asked)
    const sent = Array.from({ length: pieceCount }, (_, index) => Buffer.alloc(pieceBytes, index))
    const isRight = arrived.equals(Buffer.concat(sent))
    response.writeHead(308, { range: `bytes=0-${arrived.byteLength - 1}` }).end(String(isRight))
  })
  const { status, headers, body } = await sendPieces(request, reusing(), undefined, undefined)
  expect([status, headers['range']]).toEqual([308, `bytes=0-${size - 1}`])
  expect(Buffer.from(body).toString()).toBe('true')
})

test('takes no more pieces after an early response', async () => {
  const ended = Promise.withResolvers<undefined>()
  const request = await serving((asked, response) => {
    asked.pause()
    response.writeHead(503).end('later')
  })
  const pieces = reusing(() => {
    ended.resolve(undefined)
  })
  const { status, body } = await sendPieces(request, pieces, undefined, undefined)
  expect([status, Buffer.from(body).toString()]).toEqual([503, 'later'])
  await ended.promise
})

test('rejects with the error of the pieces, and ends the connection', async () => {
  const closed = Promise.withResolvers<undefined>()
  const request = await serving((asked) => {
    asked
      .on('error', () => undefined)
      .on('close', () => {
        closed.resolve(undefined)
      })
      .resume()
  })
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(pieceBytes)
    throw new Error('The source changed')
  }
  await expect(sendPieces(request, failing(), undefined, undefined)).rejects.toThrow('The source changed')
  await closed.promise
})

test('rejects if the connection breaks while a piece is sent, and takes no more', async () => {
  const ended = Promise.withResolvers<undefined>()
  const request = await serving(({ socket }) => socket.resetAndDestroy())
  const pieces = reusing(() => {
    ended.resolve(undefined)
  })
  const code = expect.stringMatching(/^(ECONNRESET|EPIPE)$/) as string
  await expect(sendPieces(request, pieces, undefined, undefined)).rejects.toMatchObject({ code })
  await ended.promise
  const nowhere = { ...request, port: 9 }
  await expect(sendPieces(nowhere, reusing(), undefined, undefined)).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  })
})

test('rejects when the signal fires while a piece is sent, and takes no more', async () => {
  const stop = new AbortController()
  const ended = Promise.withResolvers<undefined>()
  const request = await serving((asked) => {
    asked.pause()
    stop.abort()
  })
  const pieces = reusing(() => {
    ended.resolve(undefined)
  })
  await expect(sendPieces(request, pieces, undefined, stop.signal)).rejects.toMatchObject({
    name: 'AbortError',
  })
  await ended.promise
})
