import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '@holdfast/core'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { maxPayload, messageFrames } from '../../src/serve/frames.ts'
import { methods } from '../../src/serve/methods.ts'
import { parameters } from '../../src/serve/parameters.ts'
import { streamWindow } from '../../src/serve/upload.ts'
import { environment, main } from '../holdfast.ts'
import { TestClient } from './client.ts'

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-serve-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

/** Returns the paths of all files below the folder of a store, except the marker and the catalog. */
async function leftovers(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return names
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .filter((path) => path.startsWith('data') || path.includes('tmp'))
}

const bytesOf = (length: number): Uint8Array => Buffer.alloc(length, 'holdfast!')

describe('a client', () => {
  test('saves paths and streams, and reads and restores them', async () => {
    const folder = await temporaryFolder()
    const client = await TestClient.start()
    const store = await client.openStore(join(folder, 'store'))
    await writeFile(join(folder, 'log.txt'), 'epoch 1')
    const stream = client.newStream()
    const saved = client.request('save', {
      store,
      step: 3,
      files: { 'model.bin': { stream }, 'log.txt': { path: join(folder, 'log.txt') } },
      metrics: { loss: 0.5, best: 'Infinity' },
      metadata: '{"seed":12345678901234567890}',
      dataState: '{"position":640}',
    })
    await client.credited(stream)
    const bytes = bytesOf(2 * maxPayload)
    client.sendData(stream, bytes.subarray(0, maxPayload))
    client.sendData(stream, bytes.subarray(maxPayload))
    client.sendEnd(stream)
    const { result } = await saved.response
    expect(result).toMatchObject({
      step: 3,
      fileCount: 2,
      metrics: { loss: 0.5, best: 'Infinity' },
      dropped: [],
    })

    expect(await client.call('get', { store, choice: 'latest' })).toMatchObject({
      step: 3,
      metadata: { seed: 12345678901234567890n },
      dataState: { position: 640 },
    })
    const down = client.newStream()
    const opened = await client.call('read', { store, choice: 3, file: 'model.bin', stream: down })
    expect(opened).toMatchObject({ size: bytes.byteLength })
    expect(Buffer.compare(await client.receiveStream(down, bytes.byteLength), bytes)).toBe(0)

    const part = client.newStream()
    const range = { start: 10, end: 30 }
    await client.call('read', { store, choice: 3, file: 'model.bin', range, stream: part })
    expect(await client.receiveStream(part, 100)).toEqual(bytes.subarray(10, 30))

    const to = join(folder, 'resume')
    expect(await client.call('restore', { store, choice: 'latest', to })).toMatchObject({ step: 3 })
    expect(await readFile(join(to, 'log.txt'), 'utf8')).toBe('epoch 1')
    expect(await client.call('localPath', { store, choice: 3, file: 'log.txt' })).toContain('log.txt')
    expect(await client.call('list', { store })).toMatchObject([{ step: 3 }])
    const listed = await client.call('list', { store, metadata: true, orderBy: 'saves' })
    expect(listed).toMatchObject([{ step: 3, metadata: { seed: 12345678901234567890n } }])
  })

  test('uses several stores at once, and receives the events of each', async () => {
    const client = await TestClient.start()
    const one = await client.openStore('mem:')
    const other = await client.openStore('mem:', { retention: { keepLast: 1 } })
    const file = join(await temporaryFolder(), 'a.bin')
    await writeFile(file, 'a')
    const save = (store: number, step: number) => client.call('save', { store, step, files: [file] })
    await Promise.all([save(one, 1), save(other, 2)])
    await save(other, 3)
    expect(await client.call('list', { store: one })).toMatchObject([{ step: 1 }])
    expect(await client.call('list', { store: other })).toMatchObject([{ step: 3 }])
    expect(client.messages).toContainEqual({
      jsonrpc: '2.0',
      method: 'event',
      params: { store: other, name: 'dropped', event: expect.objectContaining({ step: 2 }) as unknown },
    })
    await client.call('closeStore', { store: one })
    await expect(client.call('list', { store: one })).rejects.toThrow('INVALID_ARGUMENT: No store 1 is open')
  })

  test('chooses the defaults of saves when it opens a store', async () => {
    const folder = await temporaryFolder()
    const client = await TestClient.start()
    const options = { packs: 'always', unchanged: 'link', background: { rateWhileBusy: 'unlimited' } }
    const store = await client.openStore(join(folder, 'store'), options)
    const files = ['a.bin', 'b.bin'].map((name) => join(folder, name))
    for (const file of files) await writeFile(file, 'a few bytes')
    await client.call('save', { store, step: 1, files })
    await expect(client.call('localPath', { store, choice: 1, file: 'a.bin' })).rejects.toThrow('UNSUPPORTED')
  })

  test('saves in the background, and may then wait for the save', async () => {
    const client = await TestClient.start()
    const store = await client.openStore('mem:')
    const stream = client.newStream()
    const saved = client.request('save', { store, step: 1, files: { 'a.bin': { stream } }, background: true })
    await client.credited(stream)
    expect(await client.call('hurry', { store })).toBe(null)
    client.sendData(stream, bytesOf(1000))
    client.sendEnd(stream)
    expect((await saved.response).result).toMatchObject({ step: 1, bytes: 1000 })
  })

  test('receives the error of a save in the background as that of its call', async () => {
    const client = await TestClient.start()
    const store = await client.openStore('mem:')
    const files = ['/no/such/file.bin']
    const { error } = await client.request('save', { store, step: 1, files, background: true }).response
    expect(error).toMatchObject({ code: -32000, data: { code: 'INVALID_ARGUMENT' } })
    expect(await client.call('closeStore', { store })).toBe(null)
  })

  test('is notified of the progress of a call that asks for it', async () => {
    const client = await TestClient.start()
    const store = await client.openStore('mem:')
    const file = join(await temporaryFolder(), 'a.bin')
    await writeFile(file, bytesOf(1000))
    await client.call('save', { store, step: 1, files: [file], progress: 42 })
    expect(client.messages).toContainEqual({
      jsonrpc: '2.0',
      method: 'progress',
      params: { progress: 42, bytes: 1000, total: 1000 },
    })
  })

  test('receives a typed error with the advice of core', async () => {
    const client = await TestClient.start()
    const store = await client.openStore('mem:')
    const { error } = await client.request('pin', { store, step: 9 }).response
    expect(error).toMatchObject({ code: -32000, data: { code: 'NOT_FOUND', retryable: false } })
  })
})

describe('a stream of a client', () => {
  test('saves nothing if it is aborted', async () => {
    const folder = await temporaryFolder()
    const client = await TestClient.start()
    const store = await client.openStore(folder)
    const stream = client.newStream()
    const saved = client.request('save', { store, step: 1, files: { 'a.bin': { stream } } })
    await client.credited(stream)
    client.sendData(stream, bytesOf(100_000))
    client.sendAbort(stream, 'ValueError: no tensor')
    const { error } = await saved.response
    expect(error?.data).toMatchObject({ code: 'ABORTED' })
    expect(error?.message).toContain('ValueError: no tensor')
    expect(await client.call('list', { store })).toEqual([])
    expect(await leftovers(folder)).toEqual([])
  })

  test('does not block a cancel, also while it has no credit left', async () => {
    const folder = await temporaryFolder()
    const client = await TestClient.start()
    const store = await client.openStore(folder)
    const [first, second] = [client.newStream(), client.newStream()]
    const files = { 'a.bin': { stream: first }, 'b.bin': { stream: second } }
    const { id, response } = client.request('save', { store, step: 1, files })
    await client.credited(first)
    for (let sent = 0; sent < streamWindow; sent += maxPayload) client.sendData(first, bytesOf(maxPayload))
    client.cancel(id)
    expect((await response).error?.data).toMatchObject({ code: 'ABORTED' })
    expect(await client.call('list', { store })).toEqual([])
    expect(await leftovers(folder)).toEqual([])
  })

  test('is aborted by the helper if the save fails', async () => {
    const client = await TestClient.start()
    const store = await client.openStore('mem:')
    const stream = client.newStream()
    const { response } = client.request('save', { store, step: -1, files: { 'a.bin': { stream } } })
    expect((await response).error?.data).toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(client.receiveStream(stream, 1)).rejects.toThrow('not needed')
  })

  test('must have a greater number than all streams before it', async () => {
    const client = await TestClient.start()
    const store = await client.openStore('mem:')
    const save = (stream: number) => client.call('save', { store, step: -1, files: { 'a.bin': { stream } } })
    await expect(save(7)).rejects.toThrow('INVALID_ARGUMENT')
    await expect(save(7)).rejects.toThrow('Stream 7 cannot be opened')
  })

  test('ends the connection if it exceeds its credit or was never opened', async () => {
    const greedy = await TestClient.start()
    const store = await greedy.openStore('mem:')
    const stream = greedy.newStream()
    const { response } = greedy.request('save', { store, step: 1, files: { 'a.bin': { stream } } })
    await greedy.credited(stream)
    for (let sent = 0; sent < 3 * streamWindow; sent += maxPayload)
      greedy.sendData(stream, bytesOf(maxPayload))
    await expect(greedy.served).rejects.toThrow('exceeds its credit')
    expect((await response).error?.data).toMatchObject({ code: 'ABORTED' })

    const confused = await TestClient.start()
    confused.sendData(9, bytesOf(1))
    await expect(confused.served).rejects.toThrow('Stream 9 is not open')
  })
})

describe('a download', () => {
  test('waits for credit, and stops if the client aborts it', async () => {
    const client = await TestClient.start()
    const store = await client.openStore('mem:')
    const file = join(await temporaryFolder(), 'a.bin')
    await writeFile(file, bytesOf(3 * maxPayload))
    await client.call('save', { store, step: 1, files: [file] })
    const stream = client.newStream()
    await client.call('read', { store, choice: 1, file: 'a.bin', stream })
    const received = client.receiveStream(stream, 1000)
    client.sendAbort(stream, 'enough')
    await expect(received).rejects.toThrow('The client stopped reading: enough')
    expect(await client.call('latest', { store })).toMatchObject({ step: 1 })
  })

  test('ends with an abort, which has the code, if the bytes are corrupt', async () => {
    const folder = await temporaryFolder()
    const client = await TestClient.start()
    const store = await client.openStore(folder)
    const file = join(await temporaryFolder(), 'a.bin')
    await writeFile(file, bytesOf(1000))
    await client.call('save', { store, step: 1, files: [file] })
    const path = String(await client.call('localPath', { store, choice: 1, file: 'a.bin' }))
    await chmod(path, 0o600)
    await writeFile(path, bytesOf(999))
    const stream = client.newStream()
    await client.call('read', { store, choice: 1, file: 'a.bin', stream })
    await expect(client.receiveStream(stream, 2000)).rejects.toThrow('a.bin')
    expect(client.output).toContain('"code":"CORRUPT"')
  })
})

describe('the helper', () => {
  test('refuses an unknown protocol, and every call before initialize', async () => {
    const client = new TestClient()
    await expect(client.call('list', { store: 1 })).rejects.toThrow('INVALID_ARGUMENT: Call initialize first')
    await expect(client.call('initialize', { protocol: 99 })).rejects.toThrow(
      'UNSUPPORTED: Version 1.2.3 of Holdfast serves protocol 1, not 99',
    )
    expect(await client.call('initialize', { protocol: 1 })).toMatchObject({ protocol: 1, version: '1.2.3' })
  })

  test.each([
    ['an unknown method', 'saveAll', {}, -32601],
    ['an inherited name', 'toString', {}, -32601],
    ['an unknown parameter', 'list', { store: 1, all: true }, -32602],
    ['a parameter of another type', 'pin', { store: 1, step: '7' }, -32602],
  ])('replies with an error to %s', async (_, method, params, code) => {
    const client = await TestClient.start()
    expect((await client.request(method, params).response).error).toMatchObject({ code })
  })

  test('replies with an error to text that is no message, and serves the next call', async () => {
    const client = await TestClient.start()
    for (const text of ['{', '[]', '{"jsonrpc":"2.0","method":"$/cancelRequest"}'])
      for (const frame of messageFrames(text)) client.toHelper.write(frame)
    expect(await client.openStore('mem:')).toBe(1)
    expect(client.messages.filter(({ id }) => id === null).map(({ error }) => error?.code)).toEqual([
      -32700, -32600, -32600,
    ])
  })

  test('ends and leaves nothing behind if the client disappears during a save', async () => {
    const folder = await temporaryFolder()
    const client = await TestClient.start()
    const store = await client.openStore(folder)
    const stream = client.newStream()
    client.request('save', { store, step: 1, files: { 'a.bin': { stream } } })
    await client.credited(stream)
    client.sendData(stream, bytesOf(1000))
    client.toHelper.end()
    await client.served
    expect(client.isOverdue).toBe(false)
    expect(await leftovers(folder)).toEqual([])
    await using opened = await openStore(folder, { config: false, mode: 'shared' })
    expect(await opened.list()).toEqual([])
  })

  test('is not overdue after it has ended with the error of a store', async () => {
    const folder = join(await temporaryFolder(), 'store')
    const client = await TestClient.start()
    const store = await client.openStore(folder)
    await writeFile(`${folder}.bin`, bytesOf(10))
    await client.call('save', { store, step: 1, files: [`${folder}.bin`] })
    await rm(folder, { recursive: true })
    await writeFile(folder, 'no folder') // the store cannot release its ownership
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    client.toHelper.end()
    await expect(client.served).rejects.toMatchObject({ url: expect.stringContaining(folder) as string })
    expect(vi.getTimerCount()).toBe(0)
  })

  test('refuses a process that is not its parent, and ends', async () => {
    const client = new TestClient()
    client.parent = 7
    await expect(client.call('initialize', { protocol: 1, process: 8 })).rejects.toThrow(
      'INVALID_ARGUMENT: Process 8 is not the parent of the helper, which process 7 has started.',
    )
    await client.served
    expect(client.toHelper.writableEnded).toBe(false)
  })

  test('ends if its parent changes while another process holds the pipe', async () => {
    const client = new TestClient()
    client.parent = 7
    await client.call('initialize', { protocol: 1, process: 7 })
    client.parent = 1
    await client.served
    expect(client.toHelper.writableEnded).toBe(false)
  })
})

test('docs/serve.md describes every method with its parameters', async () => {
  const text = await readFile(new URL('../../../../docs/serve.md', import.meta.url), 'utf8')
  const documented = [...text.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name)
  const known = ['initialize', ...Object.keys(methods)]
  expect(known.filter((name) => !documented.includes(name))).toEqual([])
  const names = Object.values(parameters).flatMap(({ entries }) => Object.keys(entries))
  expect(names.filter((name) => !text.includes(`\`${name}`))).toEqual([])
})

test('holdfast serve --stdio speaks only frames on standard output, and ends with its input', async () => {
  const child = spawn(process.execPath, [main, 'serve', '--stdio'], { env: environment() })
  const output: Uint8Array[] = []
  child.stdout.on('data', (chunk: Uint8Array) => output.push(chunk))
  const message = '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocol":1}}'
  for (const frame of messageFrames(message)) child.stdin.write(frame)
  await once(child.stdout, 'data')
  child.stdin.end()
  expect(await once(child, 'exit')).toEqual([0, null])
  const [type, ...rest] = Buffer.concat(output)
  expect([type, rest.length]).toEqual([0x43, Buffer.concat(output).readUInt32BE(5) + 8])
})
