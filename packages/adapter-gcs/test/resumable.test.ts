import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { codeOf } from '@holdfast/conformance/testing'
import { chunk, withScriptedStore } from './on-scripted-store.ts'
import type { Fault, ScriptedStore } from './scripted-store.ts'

const bytes = randomBytes(3 * chunk + 1000)
const end = bytes.byteLength

/** Returns a source that cannot be read again, so it is uploaded in chunks. */
function stream(of: Buffer = bytes): Readable {
  return Readable.from([of])
}

/** Applies a fault to the first request with this range of bytes. */
function once(store: ScriptedStore, range: string, fault: Fault): void {
  let done = false
  store.fault = ({ headers }) => {
    if (done || headers['content-range'] !== `bytes ${range}`) return undefined
    done = true
    return fault
  }
}

test('uploads a large stream in chunks, and sends the checksum of the object with the last one', async () => {
  await withScriptedStore(async (backend, store) => {
    const stored = await backend.put('k', stream())
    expect(store.log).toEqual([
      'POST',
      `PUT bytes 0-${chunk - 1}/*`,
      `PUT bytes ${chunk}-${2 * chunk - 1}/*`,
      `PUT bytes ${2 * chunk}-${3 * chunk - 1}/*`,
      `PUT bytes ${3 * chunk}-${end - 1}/${end}`,
    ])
    expect(store.seen.filter(({ headers }) => 'x-goog-hash' in headers)).toEqual(store.seen.slice(-1))
    expect(stored.sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
    expect(stored.revision).toBe((await backend.stat('k'))?.revision)
    expect(stored.storeDigest).toEqual(await backend.hash('k'))
  })
})

test('asks the store for its progress after a broken connection, and sends the rest', async () => {
  await withScriptedStore(
    async (backend, store) => {
      once(store, `0-${2 * chunk - 1}/*`, { take: chunk + 5 })
      await backend.put('k', stream())
      expect(store.log.slice(1, 4)).toEqual([
        `PUT bytes 0-${2 * chunk - 1}/*`,
        'PUT bytes */*',
        `PUT bytes ${chunk}-${2 * chunk - 1}/*`,
      ])
      expect(store.objects.get('r/k')?.bytes.equals(bytes)).toBe(true)
    },
    { chunkSize: 2 * chunk },
  )
})

test('does not send a chunk again if only its response was lost', async () => {
  await withScriptedStore(async (backend, store) => {
    once(store, `${chunk}-${2 * chunk - 1}/*`, 'lose the answer')
    await backend.put('k', stream())
    expect(store.log.slice(2, 5)).toEqual([
      `PUT bytes ${chunk}-${2 * chunk - 1}/*`,
      'PUT bytes */*',
      `PUT bytes ${2 * chunk}-${3 * chunk - 1}/*`,
    ])
    expect(store.objects.get('r/k')?.bytes.equals(bytes)).toBe(true)
  })
})

test('asks the store for the outcome if the response to the last chunk was lost', async () => {
  await withScriptedStore(async (backend, store) => {
    once(store, `${3 * chunk}-${end - 1}/${end}`, 'lose the answer')
    const { revision } = await backend.put('k', stream())
    expect(store.log.at(-1)).toBe('PUT bytes */*')
    expect(revision).toBe(String(store.objects.get('r/k')?.generation))
  })
})

test('sends the bytes of a chunk again that the store did not accept', async () => {
  await withScriptedStore(
    async (backend, store) => {
      once(store, `0-${2 * chunk - 1}/*`, { takeAndTell: chunk })
      await backend.put('k', stream())
      expect(store.log.slice(1, 3)).toEqual([
        `PUT bytes 0-${2 * chunk - 1}/*`,
        `PUT bytes ${chunk}-${2 * chunk - 1}/*`,
      ])
      expect(store.objects.get('r/k')?.bytes.equals(bytes)).toBe(true)
    },
    { chunkSize: 2 * chunk },
  )
})

test('completes an object whose size is a multiple of the chunk size with its last chunk', async () => {
  await withScriptedStore(async (backend, store) => {
    await backend.put('k', stream(bytes.subarray(0, 2 * chunk)))
    expect(store.log.at(-1)).toBe(`PUT bytes ${chunk}-${2 * chunk - 1}/${2 * chunk}`)
  })
})

test('gives up after the allowed attempts if the store accepts nothing, and discards the upload', async () => {
  await withScriptedStore(async (backend, store) => {
    store.fault = ({ method }) => (method === 'PUT' ? { status: 500, reason: 'internalError' } : undefined)
    expect(await codeOf(backend.put('k', stream()))).toBe('UNAVAILABLE')
    expect(store.log.filter((line) => line.startsWith('PUT'))).toHaveLength(4)
    expect(store.log.at(-1)).toBe('DELETE')
  })
})

test('discards the upload of an aborted put', async () => {
  await withScriptedStore(async (backend, store) => {
    const stop = new AbortController()
    store.fault = (_, index) => {
      if (index === 2) stop.abort()
      return undefined
    }
    expect(await codeOf(backend.put('k', stream(), { signal: stop.signal }))).toBe('ABORTED')
    expect(store.log.at(-1)).toBe('DELETE')
    expect(store.objects.size).toBe(0)
  })
})

test('does not retry an upload that the store has discarded', async () => {
  await withScriptedStore(async (backend, store) => {
    once(store, `${chunk}-${2 * chunk - 1}/*`, { status: 410 })
    await expect(backend.put('k', stream())).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false })
    expect(store.log).toHaveLength(4)
  })
})

test('deletes an object that differs from the bytes sent, and no other object', async () => {
  await withScriptedStore(async (backend, store) => {
    once(store, `${3 * chunk}-${end - 1}/${end}`, 'damage')
    expect(await codeOf(backend.put('k', stream()))).toBe('UNAVAILABLE')
    const { query } = store.seen.find(({ method, path }) => method === 'DELETE' && path.includes('/o/')) ?? {}
    expect(query).toEqual({ generation: '1001', ifGenerationMatch: '1001' })
    expect(store.objects.size).toBe(0)
  })
})

test('sends bytes in memory again if the store holds other bytes', async () => {
  await withScriptedStore(async (backend, store) => {
    once(store, `${3 * chunk}-${end - 1}/${end}`, 'damage')
    await backend.put('k', bytes)
    expect(store.log.filter((line) => line.startsWith('POST'))).toHaveLength(2)
    expect(store.objects.get('r/k')?.bytes.equals(bytes)).toBe(true)
  })
})

test('gives up after several uploads if the store holds other bytes each time', async () => {
  await withScriptedStore(async (backend, store) => {
    store.fault = ({ headers }) =>
      headers['content-range']?.endsWith(`/${end}`) === true ? 'damage' : undefined
    await expect(backend.put('k', bytes)).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false })
    expect(store.log.filter((line) => line.startsWith('POST'))).toHaveLength(3)
    expect(store.objects.size).toBe(0)
  })
})
