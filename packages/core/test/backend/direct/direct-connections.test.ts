import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { isHoldfastError } from '../../../src/backend.ts'
import { DirectConnections } from '../../../src/connections.ts'
import { BufferPool } from '../../../src/backend/source/buffer-pool.ts'
import {
  afterTest,
  bytes,
  head,
  newPool,
  received,
  type Response,
  startServer,
  whole,
} from './scripted-server.ts'

/** Starts a server that answers each request by the next response of the script. */
async function serving(...script: readonly Response[]) {
  const { request, requests, sockets } = await startServer(script)
  const clock = { now: 0 }
  const direct = new DirectConnections({}, undefined, () => clock.now)
  afterTest(() => {
    direct.destroy()
  })
  const get = (signal?: AbortSignal) => direct.get(request, signal)
  return { get, direct, clock, request, requests, connections: () => sockets.size }
}

test('receives a body into the buffers of the reader', async () => {
  const { get } = await serving(whole)
  const response = await get()
  expect(response?.status).toBe(206)
  let allocated = 0
  const pool = new BufferPool(1_000_000, (length) => {
    allocated += 1
    return Buffer.from(new SharedArrayBuffer(length))
  })
  expect((await received(response?.body.into(pool), pool)).equals(bytes)).toBe(true)
  expect(allocated).toBeLessThanOrEqual(4)
})

test('lets a body be read as a stream', async () => {
  const { get } = await serving(whole)
  const response = await get()
  expect((await received(response?.body)).equals(bytes)).toBe(true)
})

test('uses a connection again, and another one if it was closed meanwhile', async () => {
  const { get, requests, connections } = await serving(whole, whole, (socket) => socket.destroy(), whole)
  for (let round = 0; round < 3; round += 1) {
    const response = await get()
    const pool = newPool()
    expect((await received(response?.body.into(pool), pool)).equals(bytes)).toBe(true)
  }
  expect(requests).toHaveLength(4)
  expect(connections()).toBe(2)
})

test('does not use a connection again that the store will close', async () => {
  const closing: Response = (socket) => {
    socket.write(head('200 OK', 'content-length: 1', 'connection: close') + 'x')
  }
  const { get, connections } = await serving(closing, closing)
  for (let round = 0; round < 2; round += 1) {
    expect((await received((await get())?.body)).toString()).toBe('x')
  }
  expect(connections()).toBe(2)
})

test('reads heads and bodies that arrive in any pieces, after informational responses', async () => {
  const { get } = await serving((socket) => {
    const text = head('103 Early Hints', 'link: </x>') + head('200 OK', 'content-length: 5') + 'hello'
    const send = (at: number): void => {
      if (at < text.length) socket.write(text.slice(at, at + 7), () => setImmediate(send, at + 7))
    }
    send(0)
  })
  expect((await received((await get())?.body)).toString()).toBe('hello')
})

test('ends an empty body, and receives the next body over the same connection', async () => {
  const empty: Response = (socket) => socket.write(head('200 OK', 'content-length: 0'))
  const { get, connections } = await serving(empty, whole)
  expect(await received((await get())?.body.into(newPool()))).toHaveLength(0)
  expect((await received((await get())?.body.into(newPool()))).equals(bytes)).toBe(true)
  expect(connections()).toBe(1)
})

test('does not use the connection of an empty body again if bytes follow it', async () => {
  const surplus: Response = (socket) => socket.write(head('200 OK', 'content-length: 0') + 'surplus')
  const { get, connections } = await serving(surplus, whole)
  expect(await received((await get())?.body.into(newPool()))).toHaveLength(0)
  expect((await received((await get())?.body.into(newPool()))).equals(bytes)).toBe(true)
  expect(connections()).toBe(2)
})

test('yields what has arrived, and then fails, if the connection breaks', async () => {
  const { get } = await serving((socket) => {
    socket.write(head('200 OK', 'content-length: 1000'))
    socket.end('some bytes')
  })
  const response = await get()
  const seen: string[] = []
  await expect(async () => {
    if (response === undefined) return
    for await (const chunk of response.body.into(newPool())) seen.push(Buffer.from(chunk).toString())
  }).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(seen).toEqual(['some bytes'])
})

test('stops receiving while the reader is busy', async () => {
  const sent = Promise.withResolvers<undefined>()
  const large = Buffer.alloc(64 * 2 ** 20)
  const { get } = await serving((socket) => {
    socket.write(head('200 OK', `content-length: ${large.byteLength}`))
    socket.write(large, () => {
      sent.resolve(undefined)
    })
  })
  const body = (await get())?.body
  const chunks = body?.into(newPool())
  await chunks?.next()
  // The rest does not fit into the memory of the sockets and of the chunks that are received ahead.
  const first = await Promise.race([sent.promise.then(() => 'sent'), idle().then(() => 'paused')])
  expect(first).toBe('paused')
  expect(body?.received).toBeLessThan(large.byteLength / 2)
  await chunks?.return()
})

/** Resolves after the event loop has had time to receive more. */
async function idle(): Promise<void> {
  for (let turn = 0; turn < 2000; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

test.each([
  ['pieces without a size', head('200 OK', 'transfer-encoding: chunked') + '1\r\nx\r\n0\r\n\r\n'],
  ['an error of the request', head('404 Not Found', 'content-length: 3') + 'bad'],
  ['a redirect', head('307 Temporary Redirect', 'content-length: 0', 'location: /other')],
  ['another protocol', 'SSH-2.0-OpenSSH\r\n\r\n'],
  ['an endless head', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}`],
])('leaves to the SDK: %s', async (_, text) => {
  const { get } = await serving((socket) => socket.write(text))
  expect(await get()).toBeUndefined()
})

test('asks no server again whose successful responses have no size', async () => {
  const { get, requests } = await serving((socket) =>
    socket.write(head('200 OK', 'transfer-encoding: chunked')),
  )
  expect(await get()).toBeUndefined()
  expect(await get()).toBeUndefined()
  expect(requests).toHaveLength(1)
})

test('asks such a server again after ten minutes', async () => {
  const { get, clock, requests } = await serving(
    (socket) => socket.write(head('307 Temporary Redirect', 'content-length: 0')),
    whole,
  )
  expect(await get()).toBeUndefined()
  clock.now += 599_999
  expect(await get()).toBeUndefined()
  clock.now += 1
  expect((await get())?.status).toBe(206)
  expect(requests).toHaveLength(2)
})

test.each(['401 Unauthorized', '403 Forbidden'])(
  'leaves a server to the SDK that answers two requests in a row with %s',
  async (status) => {
    const refusing: Response = (socket) => socket.write(head(status, 'content-length: 0'))
    const { get, requests } = await serving(refusing, whole, refusing, refusing, whole)
    expect(await get()).toBeUndefined()
    ;(await get())?.body.destroy()
    expect([await get(), await get(), await get()]).toEqual([undefined, undefined, undefined])
    expect(requests).toHaveLength(4)
  },
)

test('continues to read from a server that refused two requests which were sent together', async () => {
  const refused: Socket[] = []
  const refusingBoth: Response = (socket) => {
    refused.push(socket)
    if (refused.length < 2) return
    for (const each of refused) each.write(head('401 Unauthorized', 'content-length: 0'))
  }
  const { get } = await serving(refusingBoth, refusingBoth, whole)
  expect(await Promise.all([get(), get()])).toEqual([undefined, undefined])
  expect((await get())?.status).toBe(206)
})

test('opens no connection after it is destroyed', async () => {
  const { get, direct, requests, connections } = await serving(whole, () => {
    direct.destroy()
  })
  expect((await received((await get())?.body.into(newPool()))).equals(bytes)).toBe(true)
  await expect(get()).rejects.toMatchObject({ code: 'ECONNRESET' })
  await expect(get()).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(requests).toHaveLength(2)
  expect(connections()).toBe(1)
})

test('leaves a server to the SDK that cannot be reached, or is behind a proxy', async () => {
  const { request, requests } = await serving(whole)
  const behindProxy = new DirectConnections({ http_proxy: 'http://proxy.example.com:3128' })
  expect(await behindProxy.get(request, undefined)).toBeUndefined()
  expect(requests).toHaveLength(0)
  const { get, direct } = await serving((socket) => socket.destroy())
  expect(await get()).toBeUndefined()
  direct.destroy()
})

test.each(['429 Too Many Requests', '503 Slow Down'])('fails with UNAVAILABLE for %s', async (status) => {
  const { get } = await serving((socket) => socket.write(head(status, 'content-length: 0')))
  const error: unknown = await get().catch((thrown: unknown) => thrown)
  expect(isHoldfastError(error, 'UNAVAILABLE') && error.retryable).toBe(true)
})

test('rejects when the signal fires before the response, and ends the connection', async () => {
  const stop = new AbortController()
  const { get } = await serving(() => {
    stop.abort()
  })
  await expect(get(stop.signal)).rejects.toMatchObject({ name: 'AbortError' })
  await expect(get(AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' })
})

test('delivers the announced bytes, and ends the connection, if more arrive', async () => {
  const tooMuch: Response = (socket) => socket.write(head('200 OK', 'content-length: 3') + 'hello')
  const { get, connections } = await serving(tooMuch, tooMuch)
  for (let round = 0; round < 2; round += 1)
    expect((await received((await get())?.body.into(newPool()))).toString()).toBe('hel')
  expect(connections()).toBe(2)
})

test('ends the connection of an empty body that is destroyed unread', async () => {
  const closed = Promise.withResolvers<undefined>()
  const { get } = await serving((socket) => {
    socket.on('close', () => {
      closed.resolve(undefined)
    })
    socket.write(head('200 OK', 'content-length: 0'))
  })
  ;(await get())?.body.destroy()
  await closed.promise
})

test('counts bytes when they are in the buffer of the reader', async () => {
  const { get } = await serving((socket) => socket.write(head('200 OK', 'content-length: 5') + 'hello'))
  const body = (await get())?.body
  const buffer = Buffer.alloc(10)
  const seen: string[] = []
  const chunks = body?.into({ take: () => buffer }, (count) => seen.push(buffer.toString('latin1', 0, count)))
  expect((await received(chunks)).toString()).toBe('hello')
  expect(seen.at(-1)).toBe('hello')
})
