import { randomUUID } from 'node:crypto'
import { CheckpointStore } from '@holdfast/core'
import { type RetryEvent } from '@holdfast/core/backend'
import { type Fault, type FaultPlan, type Proxy, startProxy } from '@holdfast/emulators/proxy'
import { describe, expect, test } from 'vitest'
import { S3Backend, type S3Options } from '../src/index.ts'
import { codeOf, patterned } from '@holdfast/conformance/testing'
import { testServers } from './servers.ts'

const partSize = 5 * 2 ** 20
const retry = { attempts: 4, minDelay: 1, maxDelay: 2 }

/** Applies a fault to the first request of an operation. */
function once(operation: string, fault: Fault): FaultPlan {
  let given = false
  return (request) => {
    if (given || request.operation !== operation) return undefined
    given = true
    return fault
  }
}

describe.each(await testServers())('requests to $name', ({ bucket, endpoint, options }) => {
  async function through(
    plan: FaultPlan,
    more: S3Options = {},
  ): Promise<{ backend: S3Backend; proxy: Proxy }> {
    const proxy = await startProxy({ target: endpoint, plan })
    const backend = new S3Backend(bucket, randomUUID(), {
      ...options,
      endpoint: proxy.url,
      partSize,
      retry,
      ...more,
    })
    return { backend, proxy }
  }

  test('saves a small checkpoint with three requests if the writer has the newest catalog, and reads the latest step with two', async () => {
    const { backend, proxy } = await through(() => undefined)
    const store = new CheckpointStore(backend)
    await store.save({ step: 1, files: { a: Buffer.from('a') } })
    proxy.requests.clear()
    await store.save({ step: 2, files: { a: Buffer.from('a') } })
    expect(proxy.requests.counts()).toEqual({ PutObject: 2, ListObjectsV2: 1 })
    proxy.requests.clear()
    await store.save({ step: 3, files: { a: Buffer.alloc(2 ** 16) } })
    expect(proxy.requests.counts()).toEqual({ PutObject: 3, ListObjectsV2: 1 })
    await store.close()
    const reader = new CheckpointStore(
      new S3Backend(bucket, new URL(backend.url).pathname, { ...options, endpoint: proxy.url }),
    )
    proxy.requests.clear()
    expect((await reader.latest())?.step).toBe(3)
    expect(proxy.requests.counts()).toEqual({ ListObjectsV2: 1, GetObject: 1 })
    await reader.close()
    await proxy.close()
  })

  test.each<[string, Fault]>([
    ['PutObject', { kind: 'drop-answer' }],
    ['PutObject', { kind: 'cut-request' }],
    ['PutObject', { kind: 'status', status: 409 }],
    ['PutObject', { kind: 'status', status: 503 }],
    ['PutObject', { kind: 'reset' }],
  ])('creates a commit once and knows its outcome if its %s gets the fault %o', async (operation, fault) => {
    const { backend, proxy } = await through(once(operation, fault))
    expect(await backend.commit('truth', Buffer.from('ours'))).toBe('created')
    expect(await backend.commit('truth', Buffer.from('theirs'))).toBe('exists')
    await backend.close()
    await proxy.close()
  })

  test('reports exists for a commit that lost a race and whose response was lost', async () => {
    const { backend, proxy } = await through(once('PutObject', { kind: 'drop-answer' }))
    const direct = new S3Backend(bucket, new URL(backend.url).pathname, options)
    await direct.commit('truth', Buffer.from('theirs'))
    expect(await backend.commit('truth', Buffer.from('ours'))).toBe('exists')
    await Promise.all([direct.close(), backend.close(), proxy.close()])
  })

  test('rejects with an unknown outcome if no response to a commit arrives', async () => {
    const { backend, proxy } = await through(() => ({ kind: 'drop-answer' }))
    expect(await codeOf(backend.commit('truth', Buffer.from('ours')))).toBe('OUTCOME_UNKNOWN')
    expect(proxy.requests.count('PutObject')).toBe(retry.attempts)
    await Promise.all([backend.close(), proxy.close()])
  })

  test('confirms a put by a HEAD and a commit by a read if checksums are off', async () => {
    const { backend, proxy } = await through(() => undefined, { checksum: 'none' })
    await backend.put('small', Buffer.from('a'))
    expect(proxy.requests.counts()).toEqual({ PutObject: 1, HeadObject: 1 })
    proxy.requests.clear()
    expect(await backend.commit('truth', Buffer.from('ours'))).toBe('created')
    expect(proxy.requests.counts()).toEqual({ PutObject: 1, GetObject: 1 })
    await Promise.all([backend.close(), proxy.close()])
  })

  test.each<Fault>([
    { kind: 'html-page' },
    { kind: 'html-page', headers: { ETag: '"0123456789abcdef"', 'Content-Type': 'text/plain' } },
  ])('retries a put and a commit whose response is %o if checksums are off', async (page) => {
    const { backend, proxy } = await through(once('PutObject', page), { checksum: 'none' })
    await backend.put('small', Buffer.from('a'))
    expect((await backend.stat('small'))?.size).toBe(1)
    await Promise.all([backend.close(), proxy.close()])
    const other = await through(once('PutObject', page), { checksum: 'none' })
    expect(await other.backend.commit('truth', Buffer.from('ours'))).toBe('created')
    expect(await other.backend.commit('truth', Buffer.from('theirs'))).toBe('exists')
    await Promise.all([other.backend.close(), other.proxy.close()])
  })

  test.each<[string, Fault]>([
    ['CreateMultipartUpload', { kind: 'drop-answer' }],
    ['UploadPart', { kind: 'cut-request' }],
    ['UploadPart', { kind: 'status', status: 500 }],
    ['CompleteMultipartUpload', { kind: 'drop-answer' }],
    ['CompleteMultipartUpload', { kind: 'error-in-200' }],
    ['CompleteMultipartUpload', { kind: 'reset' }],
  ])(
    'completes an upload in parts if its %s gets %o, and retries only the part that failed',
    async (operation, fault) => {
      const { backend, proxy } = await through(once(operation, fault))
      const bytes = patterned(2 * partSize + 100)
      const put = await backend.put('large', bytes)
      expect(put.size).toBe(bytes.byteLength)
      expect((await backend.stat('large'))?.revision).toBe(put.revision)
      expect(proxy.requests.count('UploadPart')).toBe(operation === 'UploadPart' ? 4 : 3)
      await backend.sweep({ olderThan: 0 })
      expect(await backend.sweep({ olderThan: 0 })).toEqual({ discarded: [], left: 0 })
      await Promise.all([backend.close(), proxy.close()])
    },
  )

  test('fits a stream into few growing parts, and names the option to set if it does not fit', async () => {
    const { backend, proxy } = await through(() => undefined, { maxParts: 2 })
    async function* stream(size: number): AsyncGenerator<Uint8Array> {
      const bytes = patterned(size)
      for (let at = 0; at < size; at += 2 ** 20) yield bytes.subarray(at, at + 2 ** 20)
    }
    const size = 3 * partSize - 7
    await backend.put('large', stream(size))
    const { body } = await backend.read('large')
    expect(Buffer.compare(Buffer.concat(await Array.fromAsync(body)), patterned(size))).toBe(0)
    const parts = [...proxy.requests].filter(({ operation }) => operation === 'UploadPart')
    expect(parts.map(({ headers }) => Number(headers['content-length']))).toEqual([
      partSize,
      2 * partSize - 7,
    ])
    const tooLarge = backend.put('larger', stream(3 * partSize + 1))
    await expect(tooLarge).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(tooLarge).rejects.toThrow(/more than the 2 parts.*Set a larger partSize/)
    expect(await backend.sweep({ olderThan: 0 })).toEqual({ discarded: [], left: 0 })
    await Promise.all([backend.close(), proxy.close()])
  })

  test('sends parts over pooled connections without Expect: 100-continue', async () => {
    const { backend, proxy } = await through(() => undefined)
    await backend.put('large', patterned(2 * partSize))
    const parts = [...proxy.requests].filter(({ operation }) => operation === 'UploadPart')
    expect(parts.map(({ headers }) => [headers.connection, headers.expect])).toEqual([
      ['keep-alive', undefined],
      ['keep-alive', undefined],
    ])
    await Promise.all([backend.close(), proxy.close()])
  })

  test('discards an upload that fails permanently, and reports retries', async () => {
    const told: RetryEvent[] = []
    const broken = ({ operation }: { readonly operation: string }): Fault | undefined =>
      operation === 'UploadPart' ? { kind: 'status', status: 503 } : undefined
    const { backend, proxy } = await through(broken, { onRetry: (event) => told.push(event) })
    const failed = backend.put('large', patterned(2 * partSize))
    await expect(failed).rejects.toMatchObject({ code: 'UNAVAILABLE', key: 'large' })
    await expect(failed).rejects.toThrow(/too many requests.*SlowDown/)
    expect(told.length).toBeGreaterThanOrEqual(retry.attempts - 1)
    expect(proxy.requests.count('AbortMultipartUpload')).toBe(1)
    expect(await backend.stat('large')).toBeUndefined()
    expect(await backend.sweep({ olderThan: 0 })).toEqual({ discarded: [], left: 0 })
    await Promise.all([backend.close(), proxy.close()])
  })

  test('continues a read where its connection broke', async () => {
    const { backend, proxy } = await through(once('GetObject', { kind: 'cut-answer', afterBytes: 300_000 }))
    const bytes = patterned(1_000_000)
    await backend.put('read', bytes)
    const { body } = await backend.read('read')
    expect(Buffer.compare(Buffer.concat(await Array.fromAsync(body)), bytes)).toBe(0)
    expect(proxy.requests.count('GetObject')).toBe(2)
    await Promise.all([backend.close(), proxy.close()])
  })

  test('returns the checksum of the whole object that the store keeps, without reading the bytes', async () => {
    const { backend, proxy } = await through(() => undefined)
    for (const size of [10, 2 * partSize + 1]) {
      const put = await backend.put(`sum/${size}`, patterned(size))
      expect(put.storeDigest).toMatchObject({ algorithm: 'crc32', origin: 'store' })
      expect(await backend.hash(`sum/${size}`)).toEqual(put.storeDigest)
    }
    expect(proxy.requests.count('GetObject')).toBe(0)
    const plain = new S3Backend(bucket, new URL(backend.url).pathname, {
      ...options,
      checksum: 'none',
      partSize,
    })
    const put = await plain.put('plain', patterned(2 * partSize))
    expect(put.storeDigest).toBeUndefined()
    expect(await plain.hash('plain')).toEqual({ algorithm: 'sha256', value: put.sha256, origin: 'computed' })
    await Promise.all([plain.close(), backend.close(), proxy.close()])
  })

  test('deletes a thousand keys with one request, and finds unfinished uploads in a sweep', async () => {
    const { backend, proxy } = await through(() => undefined)
    const keys = Array.from({ length: 1001 }, (_, index) => `key/${index}`)
    expect(await backend.delete(keys)).toEqual({ deleted: keys, failed: [] })
    expect(proxy.requests.counts()).toEqual({ DeleteObjects: 2 })
    await Promise.all([backend.close(), proxy.close()])
  })

  test('counts objects below the root and later puts in a quota', async () => {
    const { backend, proxy } = await through(() => undefined, { quota: '1 MB' })
    await backend.put('a', patterned(1000))
    expect(await backend.freeSpace()).toMatchObject({
      kind: 'budgeted',
      total: 1_000_000,
      available: 999_000,
    })
    await backend.put('b', patterned(500))
    expect(await backend.freeSpace()).toMatchObject({ available: 998_500 })
    await backend.delete(['a'])
    expect(await backend.freeSpace()).toMatchObject({ available: 999_500 })
    expect(proxy.requests.count('ListObjectsV2')).toBe(2)
    await Promise.all([backend.close(), proxy.close()])
  })

  test('explains wrong credentials, buckets and endpoints in a helpful message', async () => {
    const wrongKey = { ...options, credentials: { accessKeyId: 'nobody', secretAccessKey: 'nothing' }, retry }
    const stranger = new S3Backend(bucket, 'a', wrongKey)
    await expect(stranger.put('a', Buffer.from('a'))).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
    await expect(stranger.commit('a', Buffer.from('a'))).rejects.toThrow(
      /does not know the access key|do not allow/,
    )
    const nowhere = new S3Backend('no-such-bucket-of-ours', 'a', { ...options, retry })
    await expect(nowhere.put('a', Buffer.from('a'))).rejects.toThrow(/bucket does not exist/)
    const offline = new S3Backend(bucket, 'a', { ...options, endpoint: 'http://127.0.0.1:1', retry })
    await expect(offline.commit('a', Buffer.from('a'))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(offline.commit('a', Buffer.from('a'))).rejects.toThrow(/Check the network, the endpoint/)
    await Promise.all([stranger.close(), nowhere.close(), offline.close()])
  })
})
