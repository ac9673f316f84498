import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { codeOf } from '@holdfast/conformance/testing'
import { chunk, withScriptedStore } from './on-scripted-store.ts'
import type { Fault, ScriptedStore } from './scripted-store.ts'

const bytes = randomBytes(3 * chunk + 1000)
const end = bytes.byteLength

/** What cannot be read again, so that it goes up chunk by chunk. */
function stream(of: Buffer = bytes): Readable {
  return Readable.from([of])
}

/** Does this once, to the first request whose range of bytes is so. */
function once(store: ScriptedStore, range: string, fault: Fault): void {
  let done = false
  store.fault = ({ headers }) => {
    if (done || headers['content-range'] !== `bytes ${range}`) return undefined
    done = true
    return fault
  }
}

test('a large stream goes up chunk by chunk, and the last one carries the checksum of the whole', async () => {
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

test('after a broken connection the store is asked how far it got, and is sent the rest', async () => {
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

test('a chunk whose answer was lost is not sent twice', async () => {
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

test('where the answer to the last chunk was lost, the store is asked what became of it', async () => {
  await withScriptedStore(async (backend, store) => {
    once(store, `${3 * chunk}-${end - 1}/${end}`, 'lose the answer')
    const { revision } = await backend.put('k', stream())
    expect(store.log.at(-1)).toBe('PUT bytes */*')
    expect(revision).toBe(String(store.objects.get('r/k')?.generation))
  })
})

test('what the store did not take of a chunk is sent again', async () => {
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

test('an object that ends with a chunk is ended by it', async () => {
  await withScriptedStore(async (backend, store) => {
    await backend.put('k', stream(bytes.subarray(0, 2 * chunk)))
    expect(store.log.at(-1)).toBe(`PUT bytes ${chunk}-${2 * chunk - 1}/${2 * chunk}`)
  })
})

test('a store that takes nothing is given up after the attempts allowed, and its upload discarded', async () => {
  await withScriptedStore(async (backend, store) => {
    store.fault = ({ method }) => (method === 'PUT' ? { status: 503, reason: 'backendError' } : undefined)
    expect(await codeOf(backend.put('k', stream()))).toBe('UNAVAILABLE')
    expect(store.log.filter((line) => line.startsWith('PUT'))).toHaveLength(4)
    expect(store.log.at(-1)).toBe('DELETE')
  })
})

test('a put that is stopped discards its upload', async () => {
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

test('an upload that the store has discarded is not asked for again', async () => {
  await withScriptedStore(async (backend, store) => {
    once(store, `${chunk}-${2 * chunk - 1}/*`, { status: 410 })
    await expect(backend.put('k', stream())).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false })
    expect(store.log).toHaveLength(4)
  })
})

test('an object that is not what was sent is deleted, and no other', async () => {
  await withScriptedStore(async (backend, store) => {
    once(store, `${3 * chunk}-${end - 1}/${end}`, 'damage')
    expect(await codeOf(backend.put('k', stream()))).toBe('UNAVAILABLE')
    const { query } = store.seen.find(({ method, path }) => method === 'DELETE' && path.includes('/o/')) ?? {}
    expect(query).toEqual({ generation: '1001', ifGenerationMatch: '1001' })
    expect(store.objects.size).toBe(0)
  })
})

test('sends bytes in memory again if the store made another object of them', async () => {
  await withScriptedStore(async (backend, store) => {
    once(store, `${3 * chunk}-${end - 1}/${end}`, 'damage')
    await backend.put('k', bytes)
    expect(store.log.filter((line) => line.startsWith('POST'))).toHaveLength(2)
    expect(store.objects.get('r/k')?.bytes.equals(bytes)).toBe(true)
  })
})

test('gives up bytes in memory of which the store makes another object each time', async () => {
  await withScriptedStore(async (backend, store) => {
    store.fault = ({ headers }) =>
      headers['content-range']?.endsWith(`/${end}`) === true ? 'damage' : undefined
    await expect(backend.put('k', bytes)).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false })
    expect(store.log.filter((line) => line.startsWith('POST'))).toHaveLength(3)
    expect(store.objects.size).toBe(0)
  })
})
