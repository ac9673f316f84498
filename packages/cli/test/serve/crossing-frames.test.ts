import { join } from 'node:path'
import { expect, test } from 'vitest'
import { maxPayload } from '../../src/serve/frames.ts'
import { streamWindow } from '../../src/serve/upload.ts'
import { TestClient } from './client.ts'

// What a client sends in one turn arrives as one chunk, so the helper handles it before a save can react.

/** Starts to save a stream in a store in memory. Resolves when the helper has given credit. */
async function startSave(client: TestClient, step: number) {
  const store = await client.openStore('mem:')
  const stream = client.newStream()
  const call = client.request('save', { store, step, files: { 'a.bin': { stream } } })
  await client.credited(stream)
  return { ...call, stream }
}

test('a client may send within its credit after a cancel, which ends only its own call', async () => {
  const client = await TestClient.start()
  const other = await startSave(client, 1)
  const { id, response, stream } = await startSave(client, 2)
  client.sendData(stream, Buffer.alloc(maxPayload))
  client.cancel(id)
  for (let sent = maxPayload; sent < streamWindow; sent += maxPayload)
    client.sendData(stream, Buffer.alloc(maxPayload))
  client.sendEnd(stream)
  expect((await response).error?.data).toMatchObject({ code: 'ABORTED' })
  client.sendData(other.stream, Buffer.alloc(1000))
  client.sendEnd(other.stream)
  expect((await other.response).result).toMatchObject({ step: 1, bytes: 1000 })
})

test('a client that exceeds its credit after a cancel ends the connection', async () => {
  const client = await TestClient.start()
  const { id, stream } = await startSave(client, 1)
  client.cancel(id)
  for (let sent = 0; sent <= streamWindow; sent += maxPayload)
    client.sendData(stream, Buffer.alloc(maxPayload))
  await expect(client.served).rejects.toThrow('Stream 1 exceeds its credit.')
})

test.each([
  ['its end', 'E'],
  ['its abort', 'A'],
])('a client that sends bytes behind %s ends the connection, also after a cancel', async (_, type) => {
  const client = await TestClient.start()
  const { id, stream } = await startSave(client, 1)
  client.cancel(id)
  if (type === 'E') client.sendEnd(stream)
  else client.sendAbort(stream, 'enough')
  client.sendData(stream, Buffer.alloc(1))
  await expect(client.served).rejects.toThrow('Stream 1 has ended already.')
})

test('a client may abort a stream directly behind the call that names it', async () => {
  const client = await TestClient.start()
  const store = await client.openStore('mem:')
  const stream = client.newStream()
  const { response } = client.request('save', { store, step: 1, files: { 'a.bin': { stream } } })
  client.sendAbort(stream, 'OSError: no such file')
  expect((await response).error?.message).toContain('OSError: no such file')
  expect(await client.call('list', { store })).toEqual([])
})

test('a client may give credit directly behind the call that reads', async () => {
  const client = await TestClient.start()
  const { response, stream } = await startSave(client, 1)
  client.sendData(stream, Buffer.alloc(1000, 'a'))
  client.sendEnd(stream)
  await response
  const down = client.newStream()
  const read = client.request('read', { store: 1, choice: 1, file: 'a.bin', stream: down })
  expect(await client.receiveStream(down, 1000)).toEqual(Buffer.alloc(1000, 'a'))
  expect((await read.response).result).toMatchObject({ size: 1000 })
})

test.each([
  ['for an unknown store', 'save', (stream: number) => ({ store: 9, step: 1, files: { a: { stream } } })],
  ['for wrong parameters', 'save', (stream: number) => ({ store: 1, step: '1', files: { a: { stream } } })],
  ['for an unknown method', 'saveAll', (stream: number) => ({ store: 1, files: { a: { stream } } })],
  ['for a read of an unknown store', 'read', (stream: number) => ({ store: 9, stream })],
])('frames of a call that is refused %s are ignored', async (_, method, paramsOf) => {
  const client = await TestClient.start()
  await client.openStore('mem:')
  const stream = client.newStream()
  const { response } = client.request(method, paramsOf(stream))
  client.sendAbort(stream, 'not needed')
  expect((await response).error).toBeDefined()
  client.sendAbort(stream, 'not needed')
  expect(await client.call('list', { store: 1 })).toEqual([])
  client.sendAbort(client.newStream(), 'not needed')
  await expect(client.served).rejects.toThrow('Stream 2 is not open.')
})

test('a call that arrives together with the end of the pipe is stopped', async () => {
  const client = await TestClient.start()
  const store = await client.openStore('mem:')
  const { id } = client.request('save', { store, step: 1, files: [join(import.meta.dirname, 'client.ts')] })
  client.toHelper.end()
  await client.served
  expect(client.messages.at(-1)).toMatchObject({ id, error: { data: { code: 'ABORTED' } } })
})
