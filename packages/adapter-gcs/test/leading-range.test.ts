import { randomBytes } from 'node:crypto'
import { utimesSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Storage } from '@google-cloud/storage'
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { startGcsEmulator } from '@holdfast/emulators'
import { type Fault as NetworkFault, startProxy } from '@holdfast/emulators/proxy'
import { type ByteSource, sha256Hex } from '@holdfast/core/backend'
import { GcsBackend } from '../src/index.ts'
import { codeOf } from '@holdfast/conformance/testing'
import { chunk, quick, withScriptedStore } from './on-scripted-store.ts'
import type { Fault, ScriptedStore } from './scripted-store.ts'

/** The leading range is all bytes except those of the last chunk. */
const leadingBytes = 8 * chunk
const bytes = randomBytes(leadingBytes + 1000)
const end = bytes.byteLength
const lastChunk = `PUT bytes ${leadingBytes}-${end - 1}/${end}`

const folder = await mkdtemp(join(tmpdir(), 'holdfast-leading-range-'))
const path = join(folder, 'source.bin')

/** Writes the file and sets its time, because two writes within one tick of the clock would have the same time. */
function writeSource(content: Uint8Array, time: number): void {
  writeFileSync(path, content)
  utimesSync(path, time, time)
}

beforeEach(() => {
  writeSource(bytes, 1)
})

afterAll(async () => {
  await rm(folder, { recursive: true })
})

const sources: readonly (readonly [string, ByteSource])[] = [
  ['bytes', bytes],
  ['a file', { path }],
]

/** Applies these faults in order to the requests that send bytes of the leading range. */
function faults(store: ScriptedStore, ...planned: readonly (Fault | (() => Fault))[]): void {
  const left = [...planned]
  store.fault = ({ headers }) => {
    if (!/^bytes \d+-\d+\/\*$/.test(headers['content-range'] ?? '')) return undefined
    const next = left.shift()
    return typeof next === 'function' ? next() : next
  }
}

describe.each(sources)('a large object of %s', (_, source) => {
  test('is sent as one range and a last chunk with the checksum of the object', async () => {
    await withScriptedStore(async (backend, store) => {
      const stored = await backend.put('k', source)
      expect(store.log).toEqual(['POST', `PUT bytes 0-${leadingBytes - 1}/*`, lastChunk])
      expect(store.seen.filter(({ headers }) => 'x-goog-hash' in headers)).toEqual(store.seen.slice(-1))
      expect(stored.sha256).toBe(sha256Hex(bytes))
      expect(stored.storeDigest).toEqual(await backend.hash('k'))
      expect(store.objects.get('r/k')?.bytes.equals(bytes)).toBe(true)
    })
  })

  test('is read again from the last byte that the store holds after a broken connection', async () => {
    await withScriptedStore(async (backend, store) => {
      faults(store, { take: 3 * chunk + 5 })
      const { sha256 } = await backend.put('k', source)
      expect(store.log.slice(1)).toEqual([
        `PUT bytes 0-${leadingBytes - 1}/*`,
        'PUT bytes */*',
        `PUT bytes ${3 * chunk}-${leadingBytes - 1}/*`,
        lastChunk,
      ])
      expect(sha256).toBe(sha256Hex(bytes))
      expect(store.objects.get('r/k')?.bytes.equals(bytes)).toBe(true)
    })
  })

  test('is not sent again if only the response was lost', async () => {
    await withScriptedStore(async (backend, store) => {
      faults(store, 'lose the answer')
      await backend.put('k', source)
      expect(store.log.slice(1)).toEqual([`PUT bytes 0-${leadingBytes - 1}/*`, 'PUT bytes */*', lastChunk])
      expect(store.objects.get('r/k')?.bytes.equals(bytes)).toBe(true)
    })
  })

  test('is continued with the bytes that the store did not accept', async () => {
    await withScriptedStore(async (backend, store) => {
      faults(store, { takeAndTell: chunk })
      await backend.put('k', source)
      expect(store.log[2]).toBe(`PUT bytes ${chunk}-${leadingBytes - 1}/*`)
      expect(store.objects.get('r/k')?.bytes.equals(bytes)).toBe(true)
    })
  })

  test('restarts the number of attempts after progress', async () => {
    await withScriptedStore(async (backend, store) => {
      faults(store, ...Array.from({ length: 2 * quick.attempts - 1 }, () => ({ take: chunk })))
      const told: number[] = []
      await backend.put('k', source, { onProgress: (count) => told.push(count) })
      expect(store.objects.get('r/k')?.bytes.equals(bytes)).toBe(true)
      expect(told).toEqual(told.toSorted((one, other) => one - other))
      expect(told.at(-1)).toBe(end)
    })
  })

  test('fails after the allowed attempts without progress', async () => {
    await withScriptedStore(async (backend, store) => {
      faults(store, { take: chunk }, ...Array.from({ length: 9 }, () => ({ status: 500 })))
      expect(await codeOf(backend.put('k', source))).toBe('UNAVAILABLE')
      // One request makes progress. Then all allowed attempts fail.
      expect(store.log.filter((line) => /bytes \d+-/.test(line))).toHaveLength(1 + quick.attempts)
      expect(store.log.at(-1)).toBe('DELETE')
      expect(store.objects.size).toBe(0)
    })
  })

  test('is sent with a new upload after the store has discarded its upload, and fails if that happens again and again', async () => {
    await withScriptedStore(async (backend, store) => {
      const once = ['POST', `PUT bytes 0-${leadingBytes - 1}/*`, 'DELETE']
      faults(store, { status: 410 })
      await backend.put('k', source)
      expect(store.log).toEqual([...once, 'POST', `PUT bytes 0-${leadingBytes - 1}/*`, lastChunk])
      const before = store.log.length
      faults(store, { status: 410 }, { status: 410 }, { status: 410 })
      await expect(backend.put('k', source)).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false })
      expect(store.log.slice(before)).toEqual([...once, ...once, ...once])
    })
  })

  test('is discarded if its put is aborted', async () => {
    await withScriptedStore(async (backend, store) => {
      const stop = new AbortController()
      faults(store, () => {
        stop.abort()
        return 'lose the answer'
      })
      expect(await codeOf(backend.put('k', source, { signal: stop.signal }))).toBe('ABORTED')
      expect(store.log.at(-1)).toBe('DELETE')
      expect(store.objects.size).toBe(0)
    })
  })

  const onTheWay: readonly (readonly [string, NetworkFault, number])[] = [
    ['its connection breaks in the middle', { kind: 'cut-request', afterBytes: 3 * chunk + 5 }, 3 * chunk],
    [
      'its connection breaks at its end',
      { kind: 'cut-request', afterBytes: leadingBytes },
      leadingBytes - chunk,
    ],
    ['its connection is reset', { kind: 'reset' }, 0],
    ['the store falters', { kind: 'status', status: 503 }, 0],
    ['the answer is lost', { kind: 'drop-answer' }, leadingBytes],
  ]

  test.each(onTheWay)('arrives completely although %s', async (__, fault, mostHeld) => {
    const emulator = await startGcsEmulator({ buckets: ['emulated'] })
    onTestFinished(() => emulator.close())
    let isDone = false
    await using proxy = await startProxy({
      target: emulator.endpoint,
      plan: ({ headers }) => {
        if (isDone || headers['content-range'] !== `bytes 0-${leadingBytes - 1}/*`) return undefined
        isDone = true
        return fault
      },
    })
    const backend = new GcsBackend('emulated', 'r', { endpoint: proxy.url, chunkSize: chunk, retry: quick })
    const { sha256, storeDigest } = await backend.put('k', source)
    const { body } = await backend.read('k')
    expect(sha256Hex(Buffer.concat(await Array.fromAsync(body)))).toBe(sha256)
    expect(storeDigest).toEqual(await backend.hash('k'))
    const [, asked, ...sent] = [...proxy.requests].slice(1, -2).map(({ headers }) => headers['content-range'])
    expect(asked).toBe('bytes */*')
    expect(sent.pop()).toBe(`bytes ${leadingBytes}-${end - 1}/${end}`)
    // A server may lose the last bytes that arrived before the connection broke.
    const [again] = sent.map((range) => Number(/^bytes (\d+)-/.exec(range ?? '')?.[1]))
    expect(again ?? leadingBytes).toBeLessThanOrEqual(mostHeld)
    expect(again === undefined).toBe(mostHeld === leadingBytes)
  })
})

test('detects a file that changes before it is read again, and stores nothing', async () => {
  await withScriptedStore(async (backend, store) => {
    faults(store, () => {
      writeSource(randomBytes(end), 2)
      return { take: chunk }
    })
    expect(await codeOf(backend.put('k', { path }))).toBe('INVALID_ARGUMENT')
    expect(store.log.at(-1)).toBe('DELETE')
    expect(store.log).not.toContain(lastChunk)
  })
})

test('detects a changed file with an unchanged time by its checksum', async () => {
  await withScriptedStore(async (backend, store) => {
    faults(store, () => {
      writeSource(randomBytes(end), 1)
      return { take: chunk }
    })
    expect(await codeOf(backend.put('k', { path }))).toBe('UNAVAILABLE')
    expect(store.log).toContain(lastChunk)
    expect(store.log.at(-1)).toBe('DELETE')
    expect(store.objects.size).toBe(0)
  })
})

test('does not send a file again that has become shorter', async () => {
  await withScriptedStore(async (backend, store) => {
    faults(store, () => {
      writeSource(bytes.subarray(0, 2 * chunk), 1)
      return { take: chunk }
    })
    expect(await codeOf(backend.put('k', { path }))).toBe('INVALID_ARGUMENT')
    expect(store.log.at(-1)).toBe('DELETE')
  })
})

test.each([
  ['the client of the adapter', (endpoint: string) => ({ endpoint })],
  [
    'a ready-made client',
    (apiEndpoint: string) => ({ client: new Storage({ apiEndpoint, useAuthWithCustomEndpoint: false }) }),
  ],
])('a large file arrives completely by %s, which reuses a few buffers', async (_, optionsFor) => {
  const emulator = await startGcsEmulator({ buckets: ['emulated'] })
  onTestFinished(() => emulator.close())
  const large = randomBytes(12 * 2 ** 20)
  writeSource(large, 1)
  const backend = new GcsBackend('emulated', 'r', { ...optionsFor(emulator.endpoint), chunkSize: chunk })
  onTestFinished(() => backend.close())
  await backend.put('k', { path })
  const { body } = await backend.read('k')
  expect(Buffer.concat(await Array.fromAsync(body)).equals(large)).toBe(true)
})
