import dns from 'node:dns'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createPlainServer, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { expect, test, vi } from 'vitest'
import { mayHaveHappened } from '../../../src/backend.ts'
import type { Sender, UploadRequest } from '../../../src/connections.ts'
import { DirectConnections } from '../../../src/backend/direct/direct-connections.ts'
import { TransferThread } from '../../../src/backend/direct/threads/thread.ts'
import { ThreadedConnections } from '../../../src/backend/direct/threads/threaded-connections.ts'
import { Uploads } from '../../../src/backend/direct/uploads.ts'
import { BufferPool } from '../../../src/backend/source/buffer-pool.ts'
import { afterTest, bytes, head, received, startServer, whole } from './scripted-server.ts'

const size = bytes.byteLength
const body = Buffer.from(new SharedArrayBuffer(size))
body.set(bytes)

/** More bytes than the sockets of both sides hold. */
const largeSize = 32 * 2 ** 20

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

/** Responds with the number of received bytes, in pieces of a format of their own. */
const count: Handler = async (request, response) => {
  const arrived = await buffer(request)
  response.writeHead(200, { etag: `"${arrived.equals(bytes)}"` }).write(String(arrived.byteLength))
  response.end(' bytes')
}

/** Starts a server of HTTP, and returns a request to it. */
async function serving(handle: Handler) {
  const connections = new Set<unknown>()
  const server = createServer(handle)
  server.on('connection', (socket) => connections.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  afterTest(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const request: UploadRequest = {
    protocol: 'http:',
    host: '127.0.0.1',
    port,
    path: '/object?partNumber=1',
    method: 'PUT',
    headers: { host: 'h', 'content-length': String(size) },
    body,
  }
  return { request, connections: () => connections.size }
}

function uploads(): Uploads {
  const sender = new Uploads({}, undefined)
  afterTest(() => {
    sender.destroy()
  })
  return sender
}

/** `variables` is the environment of the threads. */
function threads(most: number, variables: Readonly<Record<string, string>> = {}): ThreadedConnections {
  const here = { receiver: new DirectConnections({}), sender: new Uploads({}, undefined) }
  const connections = new ThreadedConnections(most, { variables, authorities: undefined }, here)
  afterTest(() => {
    connections.destroy()
    here.receiver.destroy()
  })
  return connections
}

const ways: readonly (readonly [string, () => Sender])[] = [
  ['on this thread', uploads],
  ['in threads', () => threads(2)],
]

test.each(ways)('sends bytes, and returns the response with its whole body: %s', async (_, open) => {
  const { request } = await serving(count)
  const { status, headers, body: answer } = await open().send(request, undefined)
  expect([status, headers['etag'], Buffer.from(answer).toString()]).toEqual([200, '"true"', `${size} bytes`])
})

test.each(ways)(
  'sends the method, the path with the query, and the headers as they are: %s',
  async (_, open) => {
    const { request } = await serving(({ method, url, headers: { host, authorization } }, response) => {
      response.end(JSON.stringify({ method, url, host, authorization }))
    })
    const headers = { host: 'h', Authorization: 'signed' }
    const { body: answer } = await open().send({ ...request, headers }, undefined)
    expect(JSON.parse(Buffer.from(answer).toString())).toEqual({
      method: 'PUT',
      url: '/object?partNumber=1',
      host: 'h',
      authorization: 'signed',
    })
  },
)

test.each(ways)('returns a refusal of the store as it is: %s', async (_, open) => {
  const { request } = await serving((asked, response) => {
    asked.resume().on('end', () => response.writeHead(503, { 'x-id': '1' }).end('<Error>SlowDown</Error>'))
  })
  const { status, headers, body: answer } = await open().send(request, undefined)
  expect([status, headers['x-id']]).toEqual([503, '1'])
  expect(Buffer.from(answer).toString()).toBe('<Error>SlowDown</Error>')
})

test('sends several requests at once, each from a thread and over a connection of its own, and uses these again', async () => {
  const arrived: (() => void)[] = []
  const { request, connections } = await serving(async (asked, response) => {
    await buffer(asked)
    arrived.push(() => response.end())
    // Two requests are on their way at the same time.
    if (arrived.length === 2) for (const respond of arrived.splice(0)) respond()
  })
  const sender = threads(2)
  for (let round = 0; round < 3; round += 1)
    await Promise.all([sender.send(request, undefined), sender.send(request, undefined)])
  expect(connections()).toBe(2)
})

test.each(ways)('rejects with the code of the connection if it breaks: %s', async (_, open) => {
  const { request } = await serving(({ socket }) => socket.resetAndDestroy())
  const code = expect.stringMatching(/^(ECONNRESET|EPIPE)$/) as string
  await expect(open().send(request, undefined)).rejects.toMatchObject({ code })
  const nowhere = { ...request, port: 9 }
  await expect(open().send(nowhere, undefined)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test.each(ways)('rejects if the response breaks off: %s', async (_, open) => {
  const { request } = await serving(async (asked, response) => {
    await buffer(asked)
    response.writeHead(200, { 'content-length': 10 }).write('half', () => response.destroy())
  })
  await expect(open().send(request, undefined)).rejects.toMatchObject({ code: 'ECONNRESET' })
})

test.each(ways)('rejects with UNAVAILABLE if the response has more than 1 MiB: %s', async (_, open) => {
  const { request } = await serving((_asked, response) => {
    response.end(Buffer.alloc(2 ** 20 + 1))
  })
  await expect(open().send(request, undefined)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
})

test.each(ways)('rejects when the signal fires, and ends the connection: %s', async (_, open) => {
  const stop = new AbortController()
  const closed = Promise.withResolvers<undefined>()
  const { request } = await serving((asked) => {
    asked.resume().socket.on('close', () => {
      closed.resolve(undefined)
    })
    stop.abort()
  })
  const sender = open()
  await expect(sender.send(request, stop.signal)).rejects.toMatchObject({ name: 'AbortError' })
  await closed.promise
  await expect(sender.send(request, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' })
})

test.each(ways)('sends no more of a body after an early response: %s', async (_, open) => {
  const asked = Promise.withResolvers<Socket>()
  let arrived = 0
  const server = createPlainServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (part) => (arrived += part.byteLength))
    socket.once('data', () => {
      socket.pause()
      socket.write(head('403 Forbidden', 'content-length: 6') + 'denied')
      asked.resolve(socket)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  afterTest(() => server.close())
  const { port } = server.address() as AddressInfo
  const request: UploadRequest = {
    protocol: 'http:',
    host: '127.0.0.1',
    port,
    path: '/object',
    method: 'PUT',
    headers: { host: 'h', 'content-length': String(largeSize) },
    body: Buffer.from(new SharedArrayBuffer(largeSize)),
  }
  const { status, body: answer } = await open().send(request, undefined)
  expect([status, Buffer.from(answer).toString()]).toEqual([403, 'denied'])
  const socket = await asked.promise
  socket.resume()
  await once(socket, 'close')
  expect(arrived).toBeLessThan(largeSize)
})

test('rejects retriably if its thread dies, and starts another thread', async () => {
  const { request } = await serving(count)
  const { request: get } = await startServer([whole])
  const sender = threads(1)
  const arriving = Promise.withResolvers<undefined>()
  const { request: stalled } = await serving(() => {
    arriving.resolve(undefined)
  })
  const outcome = expect(sender.send(stalled, undefined)).rejects.toMatchObject({ code: 'ECONNRESET' })
  await arriving.promise
  // The thread finds no memory for a body while it receives, which it does not expect.
  let given = 0
  const tooSmall = new BufferPool(1_000_000, (length) => {
    given += 1
    return Buffer.from(new SharedArrayBuffer(given === 1 ? length : 10))
  })
  const response = await sender.get(get, undefined)
  await expect(received(response?.body.into(tooSmall))).rejects.toMatchObject({ code: 'ECONNRESET' })
  await outcome
  expect(await sender.send(request, undefined)).toMatchObject({ status: 200 })
})

test('ends its requests when it is destroyed', async () => {
  const sender = threads(2)
  const { request } = await serving(() => {
    sender.destroy()
  })
  await expect(sender.send(request, undefined)).rejects.toMatchObject({ code: 'ECONNRESET' })
})

test('warns, and sends from this thread, if no thread can be started', async () => {
  const { request } = await serving(count)
  const warned = vi.spyOn(process, 'emitWarning').mockReturnValue(undefined)
  afterTest(() => {
    warned.mockRestore()
  })
  // A function cannot be sent to a thread.
  const sender = threads(2, { broken: (() => 1) as unknown as string })
  for (let round = 0; round < 2; round += 1)
    expect(await sender.send(request, undefined)).toMatchObject({ status: 200 })
  expect(warned).toHaveBeenCalledOnce()
  expect(warned.mock.calls[0]?.[1]).toMatchObject({ code: 'HOLDFAST_NO_THREADS' })
})

test.each(['http:', 'https:'] as const)(
  'ends a connection of %s that is not accepted in time',
  async (protocol) => {
    const { request } = await serving(count)
    const lookup = vi.spyOn(dns, 'lookup').mockReturnValue(undefined) // which never calls back
    afterTest(() => {
      lookup.mockRestore()
    })
    const sender = new Uploads({}, undefined, 20)
    afterTest(() => {
      sender.destroy()
    })
    const failed: unknown = await sender
      .send({ ...request, protocol, host: 'store.invalid' }, undefined)
      .catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'ETIMEDOUT' })
    const { code: name, message } = failed as NodeJS.ErrnoException
    expect(mayHaveHappened({ name: String(name), message, status: undefined })).toBe(false)
  },
)

test('sends the whole URL to the proxy of the environment from a thread', async () => {
  const urls: string[] = []
  const { request: toProxy } = await serving(async (asked, response) => {
    urls.push(asked.url ?? '')
    await count(asked, response)
  })
  const sender = threads(2, { http_proxy: `http://127.0.0.1:${toProxy.port}` })
  expect(await sender.send({ ...toProxy, port: 1 }, undefined)).toMatchObject({ status: 200 })
  expect(urls).toEqual(['http://h/object?partNumber=1'])
})

test('sends from this thread, and remembers that, if a thread cannot connect to its proxy', async () => {
  const { request, connections } = await serving(count)
  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as AddressInfo
  await new Promise((resolve) => closed.close(resolve))
  const inThread = vi.spyOn(TransferThread.prototype, 'send')
  afterTest(() => {
    inThread.mockRestore()
  })
  // The main thread of this test uses no proxy.
  const sender = threads(2, { http_proxy: `http://127.0.0.1:${port}` })
  for (let part = 0; part < 3; part += 1)
    expect(await sender.send(request, undefined)).toMatchObject({ status: 200 })
  expect(connections()).toBe(1)
  expect(inThread).toHaveBeenCalledOnce()
})
