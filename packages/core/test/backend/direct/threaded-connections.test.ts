import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import type { Worker } from 'node:worker_threads'
import { expect, test, vi } from 'vitest'
import { isHoldfastError } from '../../../src/backend.ts'
import { DirectTransfers } from '../../../src/connections.ts'
import { DirectConnections } from '../../../src/backend/direct/direct-connections.ts'
import { ThreadedConnections } from '../../../src/backend/direct/threads/threaded-connections.ts'
import { Uploads } from '../../../src/backend/direct/uploads.ts'
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

/** Starts a server that answers each request by the next response of the script, and two threads that receive from it. */
async function serving(...script: readonly Response[]) {
  const { request, requests, sockets } = await startServer(script)
  const transfers = new DirectTransfers({}, 2)
  afterTest(() => {
    transfers.destroy()
  })
  const get = (signal?: AbortSignal) => transfers.receiver(true).get(request, signal)
  return { get, transfers, request, requests, connections: () => sockets.size }
}

test('receives bodies in shared memory, each over a connection of its own', async () => {
  const { get, connections } = await serving(whole, whole)
  const pool = newPool()
  const responses = await Promise.all([get(), get()])
  expect(responses.map((response) => response?.status)).toEqual([206, 206])
  const bodies = await Promise.all(responses.map((response) => received(response?.body.into(pool))))
  expect(bodies.map((body) => body.equals(bytes))).toEqual([true, true])
  expect(connections()).toBe(2)
})

test.each([
  ['one thread while it is not busy', undefined, 1],
  ['another thread when all are busy, up to the limit', 0, 2],
])('receives bodies at once with %s, and ends all threads', async (_, busyFrom, expected) => {
  const started: Worker[] = []
  const onWorker = (worker: Worker): void => {
    started.push(worker)
  }
  process.on('worker', onWorker)
  afterTest(() => {
    process.off('worker', onWorker)
  })
  const { request } = await startServer([whole, whole, whole])
  const here = { receiver: new DirectConnections({}), sender: new Uploads({}, undefined) }
  const threads = new ThreadedConnections(2, { variables: {}, authorities: undefined }, here, busyFrom)
  const bodies = await Promise.all(
    Array.from({ length: 3 }, async () =>
      received((await threads.get(request, undefined))?.body.into(newPool())),
    ),
  )
  expect(bodies.map((body) => body.equals(bytes))).toEqual([true, true, true])
  expect(started).toHaveLength(expected)
  const ended = started.map((worker) => once(worker, 'exit'))
  threads.destroy()
  await Promise.all(ended)
})

test('uses a connection again', async () => {
  const { get, connections } = await serving(whole, whole, whole)
  for (let round = 0; round < 3; round += 1) {
    const pool = newPool()
    expect((await received((await get())?.body.into(pool), pool)).equals(bytes)).toBe(true)
  }
  expect(connections()).toBe(1)
})

test('counts the bytes of a body while they arrive', async () => {
  const half = Promise.withResolvers<() => void>()
  const { get } = await serving((socket) => {
    socket.write(head('200 OK', 'content-length: 10'))
    socket.write('hello')
    half.resolve(() => socket.write('world'))
  })
  const body = (await get())?.body
  const text = received(body?.into(newPool()))
  await vi.waitFor(() => {
    expect(body?.received).toBe(5)
  })
  ;(await half.promise)()
  expect((await text).toString()).toBe('helloworld')
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
    for await (const chunk of response.body.into(newPool(4))) seen.push(Buffer.from(chunk).toString())
  }).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(seen).toEqual(['some', ' byt', 'es'])
})

test('delivers the announced bytes, and ends the connection, if more arrive', async () => {
  const tooMuch: Response = (socket) => socket.write(head('200 OK', 'content-length: 3') + 'hello')
  const { get, connections } = await serving(tooMuch, tooMuch)
  for (let round = 0; round < 2; round += 1)
    expect((await received((await get())?.body.into(newPool()))).toString()).toBe('hel')
  expect(connections()).toBe(2)
})

test.each([
  ['pieces without a size', head('200 OK', 'transfer-encoding: chunked') + '1\r\nx\r\n0\r\n\r\n'],
  ['an error of the request', head('404 Not Found', 'content-length: 3') + 'bad'],
])('leaves to the SDK: %s', async (_, text) => {
  const { get } = await serving((socket) => socket.write(text))
  expect(await get()).toBeUndefined()
})

test('fails with UNAVAILABLE if the store is overloaded', async () => {
  const { get } = await serving((socket) => socket.write(head('503 Slow Down', 'content-length: 0')))
  const error: unknown = await get().catch((thrown: unknown) => thrown)
  expect(isHoldfastError(error, 'UNAVAILABLE') && error.retryable).toBe(true)
})

test('rejects when the signal fires before the response', async () => {
  const stop = new AbortController()
  const { get } = await serving(() => {
    stop.abort()
  })
  await expect(get(stop.signal)).rejects.toMatchObject({ name: 'AbortError' })
  await expect(get(AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' })
})

test('ends the connection of a body that is destroyed, and fails with its error', async () => {
  const closed = Promise.withResolvers<undefined>()
  const { get } = await serving((socket) => {
    socket.on('close', () => {
      closed.resolve(undefined)
    })
    socket.write(head('200 OK', 'content-length: 10') + 'hello')
  })
  const body = (await get())?.body
  const text = received(body?.into(newPool()))
  body?.destroy(new Error('no longer needed'))
  await expect(text).rejects.toThrow('no longer needed')
  await closed.promise
})

test('fails a request retriably if its thread dies, and starts another thread', async () => {
  const { get } = await serving(whole, whole, whole)
  expect((await received((await get())?.body.into(newPool()))).equals(bytes)).toBe(true)
  // The thread finds no memory for the body while it receives, which it does not expect.
  let given = 0
  const tooSmall = new BufferPool(1_000_000, (length) => {
    given += 1
    return Buffer.from(new SharedArrayBuffer(given === 1 ? length : 10))
  })
  await expect(received((await get())?.body.into(tooSmall))).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect((await received((await get())?.body.into(newPool()))).equals(bytes)).toBe(true)
})

test('ends its threads when it is destroyed, which fails their requests', async () => {
  const { get, transfers } = await serving((socket) => socket.write(head('200 OK', 'content-length: 10')))
  const text = received((await get())?.body.into(newPool()))
  transfers.destroy()
  await expect(text).rejects.toMatchObject({ code: 'ECONNRESET' })
})

test.each([0, 1, 5])(
  'fails a request when it is destroyed %i turns later, without a warning',
  async (turns) => {
    const { get, transfers } = await serving()
    const warned = vi.spyOn(process, 'emitWarning')
    afterTest(() => {
      warned.mockRestore()
    })
    const response = get()
    const outcome = expect(response).rejects.toMatchObject({ code: 'ECONNRESET' })
    for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    transfers.destroy()
    await outcome
    expect(warned).not.toHaveBeenCalled()
  },
)

test('warns, and receives on this thread, if no thread can be started', async () => {
  const { request } = await startServer([whole, whole])
  const warned = vi.spyOn(process, 'emitWarning').mockReturnValue(undefined)
  afterTest(() => {
    warned.mockRestore()
  })
  const here = new DirectConnections({})
  // A function cannot be sent to a thread.
  const settings = { variables: { broken: (() => 1) as unknown as string }, authorities: undefined }
  const threads = new ThreadedConnections(2, settings, { receiver: here, sender: new Uploads({}, undefined) })
  afterTest(() => {
    here.destroy()
  })
  for (let round = 0; round < 2; round += 1) {
    const response = await threads.get(request, undefined)
    expect((await received(response?.body.into(newPool()))).equals(bytes)).toBe(true)
  }
  expect(warned).toHaveBeenCalledOnce()
  expect(warned.mock.calls[0]?.[1]).toMatchObject({ code: 'HOLDFAST_NO_THREADS' })
})

test('starts no thread with threads: 1, and none without the permission', async () => {
  const alone = new DirectTransfers({}, 1)
  expect(alone.receiver(true)).toBe(alone.receiver(false))
  expect(alone.sender).toBeUndefined()
  const source = new URL('../../../src/connections.ts', import.meta.url).href
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--permission',
    '--allow-fs-read=*',
    '--input-type=module',
    '--eval',
    `import { DirectTransfers } from ${JSON.stringify(source)}; console.log(new DirectTransfers({}, 2).threads)`,
  ])
  expect(stdout).toBe('1\n')
})

test('does not keep the process alive', async () => {
  const { request } = await startServer([whole])
  const source = new URL('../../../src/connections.ts', import.meta.url).href
  const program = `
    import { DirectTransfers } from ${JSON.stringify(source)}
    const pool = { bytes: 1e6, take: () => Buffer.from(new SharedArrayBuffer(1e6)), give: () => undefined }
    const response = await new DirectTransfers({}, 2).receiver(true).get(${JSON.stringify(request)})
    let size = 0
    for await (const chunk of response.body.into(pool)) size += chunk.byteLength
    console.log(size)`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program])
  expect(stdout).toBe(`${bytes.byteLength}\n`)
})
