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

test('a commit is one conditional upload with the checksum of its bytes', async () => {
  await withScriptedStore(async (backend, store) => {
    expect(await backend.commit('c', bytes)).toBe('created')
    const [{ query, text, headers } = { query: {}, text: '', headers: {} }] = store.seen
    expect(query).toEqual({ uploadType: 'multipart', ifGenerationMatch: '0' })
    expect(text).toContain('"crc32c":')
    expect(headers['content-length']).toBe(String(text.length))
    expect(store.seen).toHaveLength(1)
  })
})

test('a commit whose answer was lost is made again, and known by its bytes', async () => {
  await withScriptedStore(async (backend, store) => {
    store.fault = (_, index) => (index === 0 ? 'lose the answer' : undefined)
    expect(await backend.commit('c', bytes)).toBe('created')
    expect(await backend.commit('c', Buffer.from('{"step":2}'))).toBe('exists')
  })
})

test('each request is made as often as the policy says, by us alone', async () => {
  await withScriptedStore(async (backend, store) => {
    store.fault = () => ({ status: 503, reason: 'backendError' })
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

test('a read goes on at the very byte of the very body, and not in another', async () => {
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

test('what is stored compressed is read as it is stored', async () => {
  await withScriptedStore(async (backend, store) => {
    const compressed = gzipSync(bytes)
    store.store('r/k', compressed, 'gzip')
    const { stat, body } = await backend.read('k')
    expect(stat.size).toBe(compressed.byteLength)
    expect(Buffer.concat(await Array.fromAsync(body)).equals(compressed)).toBe(true)
  })
})

test('a key that a retention policy holds is reported, and the others are deleted', async () => {
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

test('a put whose answer was lost is known by its bytes, where a policy forbids to store them again', async () => {
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

test('a list of many pages asks for no more than it needs, and leaves out where it begins', async () => {
  await withScriptedStore(async (backend, store) => {
    store.fault = () => ({ status: 404, message: 'The specified bucket does not exist.' })
    await expect(Array.fromAsync(backend.list('p', { startAfter: 'pa', limit: 3 }))).rejects.toThrow(
      'There is no such bucket',
    )
    expect(store.seen[0]?.query).toMatchObject({ prefix: 'r/p', startOffset: 'r/pa', maxResults: '4' })
  })
})

test('requests name who pays, and uploads how to store', async () => {
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

test('an emulator that the environment names is reached without credentials', async () => {
  await using store = await ScriptedStore.start()
  vi.stubEnv('STORAGE_EMULATOR_HOST', store.endpoint)
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', '/nowhere')
  await new GcsBackend('b', 'r').put('k', bytes)
  expect(store.seen[0]?.path).toBe('/upload/storage/v1/b/b/o')
  expect(await new GcsBackend('b', 'r').stat('k')).toMatchObject({ key: 'k', size: bytes.byteLength })
})

test('an endpoint of the options comes before that of the environment', async () => {
  vi.stubEnv('STORAGE_EMULATOR_HOST', 'http://127.0.0.1:1')
  await withScriptedStore(async (backend) => {
    expect(await backend.commit('c', bytes)).toBe('created')
  })
})

test('a ready-made client brings its credentials', async () => {
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

test('without credentials nothing is sent, and it is said what to do', async () => {
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
