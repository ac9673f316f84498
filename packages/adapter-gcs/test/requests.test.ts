import { gzipSync } from 'node:zlib'
import { Storage } from '@google-cloud/storage'
import { OAuth2Client } from 'google-auth-library'
import { afterEach, expect, test, vi } from 'vitest'
import { GcsBackend } from '../src/index.ts'
import { codeOf } from '@holdfast/conformance/testing'
import { chunk, quick, withScriptedStore } from './on-scripted-store.ts'
import { ScriptedStore } from './scripted-store.ts'

const bytes = Buffer.from('{"step":1}')

afterEach(() => {
  vi.unstubAllEnvs()
})

test('commits with one conditional upload that has the checksum of the bytes', async () => {
  await withScriptedStore(async (backend, store) => {
    expect(await backend.commit('c', bytes)).toBe('created')
    const [{ query, text, headers } = { query: {}, text: '', headers: {} }] = store.seen
    expect(query).toEqual({ uploadType: 'multipart', ifGenerationMatch: '0' })
    expect(text).toContain('"crc32c":')
    expect(headers['content-length']).toBe(String(text.length))
    expect(store.seen).toHaveLength(1)
  })
})

test('sends a commit again if its response was lost, and recognises its bytes', async () => {
  await withScriptedStore(async (backend, store) => {
    store.fault = (_, index) => (index === 0 ? 'lose the answer' : undefined)
    expect(await backend.commit('c', bytes)).toBe('created')
    expect(await backend.commit('c', Buffer.from('{"step":2}'))).toBe('exists')
  })
})

test('sends each request as often as the policy allows, without retries of the SDK', async () => {
  await withScriptedStore(async (backend, store) => {
    store.fault = () => ({ status: 500, reason: 'internalError' })
    const calls = [
      () => backend.put('k', bytes),
      () => backend.stat('k'),
      () => backend.read('k'),
      () => backend.hash('k'),
      () => backend.delete(['k']),
      () => Array.fromAsync(backend.list('')),
    ]
    for (const call of calls) expect(await codeOf(call())).toBe('UNAVAILABLE')
    expect(store.seen).toHaveLength(calls.length * quick.attempts)
  })
})

test('continues a read at the same byte of the same body, never in another body', async () => {
  await withScriptedStore(async (backend, store) => {
    const body = Buffer.alloc(100_000, 'body')
    store.store('r/k', body)
    store.fault = (_, index) => (index === 0 ? { answer: 40_000 } : undefined)
    const whole = await backend.read('k')
    expect(Buffer.concat(await Array.fromAsync(whole.body)).equals(body)).toBe(true)
    expect(store.seen[1]).toMatchObject({
      query: { alt: 'media', generation: whole.stat.revision },
      headers: { range: 'bytes=40000-99999' },
    })

    store.fault = (_, index) => (index === 2 ? { answer: 40_000 } : undefined)
    const replaced = await backend.read('k')
    store.store('r/k', Buffer.alloc(100_000, 'else'))
    await expect(Array.fromAsync(replaced.body)).rejects.toThrow('was replaced')
  })
})

test('does not mistake the whole object for a range of it, and calls no object corrupt for that', async () => {
  await withScriptedStore(async (backend, store) => {
    store.store('r/large', Buffer.alloc(9 * 2 ** 20, 1))
    store.ignoresRanges = true
    await expect(backend.read('large')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(backend.read('large')).rejects.toThrow(/not the requested range.*proxy/)
  })
})

test('reads compressed objects as they are stored', async () => {
  await withScriptedStore(async (backend, store) => {
    const compressed = gzipSync(bytes)
    store.store('r/k', compressed, 'gzip')
    const { stat, body } = await backend.read('k')
    expect(stat.size).toBe(compressed.byteLength)
    expect(Buffer.concat(await Array.fromAsync(body)).equals(compressed)).toBe(true)
  })
})

test('reports a key that a retention policy protects, and deletes the others', async () => {
  await withScriptedStore(async (backend, store) => {
    for (const key of ['a', 'b', 'c']) await backend.put(key, bytes)
    store.fault = ({ path }) =>
      path.endsWith('/b') ? { status: 403, reason: 'retentionPolicyNotMet' } : undefined
    const { deleted, failed } = await backend.delete(['a', 'b', 'c'])
    expect(deleted).toEqual(['a', 'c'])
    expect(failed).toEqual([
      { key: 'b', error: expect.objectContaining({ code: 'PERMISSION_DENIED' }) as unknown },
    ])
    expect([...store.objects.keys()]).toEqual(['r/b'])
  })
})

test('recognises the bytes of a put whose response was lost if a policy forbids storing them again', async () => {
  await withScriptedStore(async (backend, store) => {
    store.fault = ({ method }, index) => {
      if (method !== 'POST') return undefined
      return index === 0 ? 'lose the answer' : { status: 403, reason: 'retentionPolicyNotMet' }
    }
    const { revision } = await backend.put('k', bytes)
    expect(revision).toBe(String(store.objects.get('r/k')?.generation))
    expect(await codeOf(backend.put('k', Buffer.from('else')))).toBe('PERMISSION_DENIED')
  })
})

test('requests only the pages that a list needs, and excludes its starting key', async () => {
  await withScriptedStore(async (backend, store) => {
    store.fault = () => ({ status: 404, message: 'The specified bucket does not exist.' })
    await expect(Array.fromAsync(backend.list('p', { startAfter: 'pa', limit: 3 }))).rejects.toThrow(
      'The bucket does not exist',
    )
    expect(store.seen[0]?.query).toMatchObject({ prefix: 'r/p', startOffset: 'r/pa', maxResults: '4' })
  })
})

test('sends the paying project with requests and the storage options with uploads', async () => {
  const options = { userProject: 'payer', storageClass: 'NEARLINE', kmsKeyName: 'projects/p/k' } as const
  await withScriptedStore(async (backend, store) => {
    await backend.put('small', bytes, { contentType: 'text/plain' })
    await backend.put('large', Buffer.alloc(chunk + 1), { contentType: 'text/plain' })
    await backend.delete(['small'])
    expect(store.seen.every(({ query }) => query['userProject'] === 'payer')).toBe(true)
    const uploads = store.seen.filter(({ method }) => method === 'POST')
    expect(uploads).toHaveLength(2)
    for (const { query, text } of uploads) {
      expect(query['kmsKeyName']).toBe('projects/p/k')
      expect(text).toContain('"storageClass":"NEARLINE"')
      expect(text).toContain('"contentType":"text/plain"')
    }
  }, options)
})

test('sends no credentials to an emulator that the environment names', async () => {
  await using store = await ScriptedStore.start()
  vi.stubEnv('STORAGE_EMULATOR_HOST', store.endpoint)
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', '/nowhere')
  await new GcsBackend('b', 'r').put('k', bytes)
  expect(store.seen[0]?.path).toBe('/upload/storage/v1/b/b/o')
  expect(await new GcsBackend('b', 'r').stat('k')).toMatchObject({ key: 'k', size: bytes.byteLength })
})

test('prefers the endpoint of the options to that of the environment', async () => {
  vi.stubEnv('STORAGE_EMULATOR_HOST', 'http://127.0.0.1:1')
  await withScriptedStore(async (backend) => {
    expect(await backend.commit('c', bytes)).toBe('created')
  })
})

test('uses the credentials of a ready-made client', async () => {
  await using store = await ScriptedStore.start()
  const authClient = new OAuth2Client()
  authClient.setCredentials({ access_token: 'secret-token', expiry_date: Date.now() + 3_600_000 })
  const { endpoint: apiEndpoint } = store
  const client = new Storage({ apiEndpoint, authClient, useAuthWithCustomEndpoint: true })
  const backend = new GcsBackend('b', 'r', { client, chunkSize: chunk })
  await backend.put('small', bytes)
  await backend.put('large', Buffer.alloc(chunk + 1))
  expect(store.seen.map(({ headers }) => headers.authorization)).toEqual(
    store.seen.map(() => 'Bearer secret-token'),
  )
})

test('sends nothing without credentials, and states what to do', async () => {
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', '/nowhere/key.json')
  await withScriptedStore(
    async (backend, store) => {
      await expect(backend.commit('c', bytes)).rejects.toMatchObject({
        code: 'CONFIG',
        message: expect.stringContaining('GOOGLE_APPLICATION_CREDENTIALS') as unknown,
      })
      expect(store.seen).toEqual([])
    },
    { anonymous: false },
  )
})
