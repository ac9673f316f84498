import { randomBytes } from 'node:crypto'
import { CheckpointStore, copyCheckpoints } from '@holdfast/core'
import { startS3Emulator } from '@holdfast/emulators'
import { startProxy } from '@holdfast/emulators/proxy'
import { expect, test } from 'vitest'
import { S3Backend } from '../src/index.ts'

const retry = { attempts: 4, minDelay: 1, maxDelay: 2 }

/** Stores an object, and returns it as the source of a copy within the service. */
async function storedObject(backend: S3Backend, bytes: Uint8Array) {
  const { sha256, revision, storeDigest } = await backend.put('source', bytes)
  return {
    open: async (start: number) => ReadableStream.from<Uint8Array>([bytes.subarray(start)]),
    object: { backend, key: 'source', size: bytes.byteLength, sha256, revision, storeDigest },
  }
}

test('lets the service copy the objects of one bucket to another bucket at the same endpoint', async () => {
  await using emulator = await startS3Emulator({ buckets: ['source', 'target'] })
  const { endpoint, region, credentials } = emulator
  await using proxy = await startProxy({ target: endpoint })
  const backends = ['source', 'target'].map(
    (bucket) => new S3Backend(bucket, 'runs/a', { endpoint: proxy.url, region, credentials }),
  )
  const [from, to] = backends.map((backend) => new CheckpointStore(backend, { mode: 'shared' }))
  if (from === undefined || to === undefined) throw new Error('There are two stores')
  await from.save({ step: 1, files: { 'model.bin': randomBytes(100_000) } })
  proxy.requests.clear()
  const { outcomes } = await copyCheckpoints(from, to)
  expect(outcomes).toMatchObject([{ kind: 'copied', step: 1 }])
  expect(proxy.requests.count('CopyObject')).toBe(1)
  expect((await to.verify()).good).toBe(true)
  await Promise.all([from.close(), to.close()])
})

test('does not cut off a copy that the service may still finish', async () => {
  await using emulator = await startS3Emulator({ buckets: ['bucket'] })
  const { endpoint, region, credentials } = emulator
  const stop = new AbortController()
  await using proxy = await startProxy({
    target: endpoint,
    plan: ({ operation }) => {
      if (operation === 'CopyObject') stop.abort()
      return undefined
    },
  })
  const backend = new S3Backend('bucket', 'a', { endpoint: proxy.url, region, credentials, retry })
  const bytes = randomBytes(100_000)
  const source = await storedObject(backend, bytes)
  const { revision } = await backend.put('copy', source, { size: bytes.byteLength, signal: stop.signal })
  expect(proxy.requests.count('CopyObject')).toBe(1)
  expect((await backend.stat('copy'))?.revision).toBe(revision)
  await backend.close()
})

test('finds the object of a copy in parts whose completion was answered by a lost response', async () => {
  await using emulator = await startS3Emulator({ buckets: ['bucket'] })
  const { endpoint, region, credentials } = emulator
  let isCopying = false
  let completions = 0
  await using proxy = await startProxy({
    target: endpoint,
    plan: ({ operation }) => {
      if (!isCopying || operation !== 'CompleteMultipartUpload') return undefined
      completions += 1
      return completions === 1
        ? { kind: 'drop-answer' }
        : { kind: 'status', status: 409, code: 'NoSuchUpload' }
    },
  })
  const backend = new S3Backend('bucket', 'a', { endpoint: proxy.url, region, credentials, retry })
  const bytes = Buffer.alloc(65 * 2 ** 20, 1)
  const source = await storedObject(backend, bytes)
  isCopying = true
  proxy.requests.clear()
  await backend.put('copy', source, { size: bytes.byteLength })
  expect(completions).toBe(2)
  expect(proxy.requests.count('UploadPart')).toBe(0)
  expect(proxy.requests.count('AbortMultipartUpload')).toBe(0)
  expect((await backend.stat('copy'))?.size).toBe(bytes.byteLength)
  await backend.close()
})
