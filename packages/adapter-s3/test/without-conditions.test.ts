import { CheckpointStore } from '@holdfast/core'
import { startS3Emulator } from '@holdfast/emulators'
import { startProxy } from '@holdfast/emulators/proxy'
import { expect, test } from 'vitest'
import { S3Backend } from '../src/index.ts'

test('retries a commit in a directory bucket whose session cannot be begun at first', async () => {
  const bucket = 'runs--use1-az4--x-s3'
  await using emulator = await startS3Emulator({ buckets: [bucket] })
  await using proxy = await startProxy({
    target: emulator.endpoint,
    plan: ({ index }) => (index === 0 ? { kind: 'status', status: 503 } : undefined),
  })
  const { region, credentials } = emulator
  const retry = { attempts: 2, minDelay: 1, maxDelay: 1 }
  const backend = new S3Backend(bucket, 'a', { endpoint: proxy.url, region, credentials, retry })
  expect(await backend.commit('truth', Buffer.from('ours'))).toBe('created')
  expect(proxy.requests.count('CreateSession')).toBe(2)
  await backend.close()
})

test.each([
  ['ignored', /does not enforce conditional creation/],
  ['refused', /rejects the condition of a commit \(If-None-Match\), use another store/],
] as const)('stores no checkpoint if conditions of writes are %s', async (conditionalWrites, message) => {
  await using emulator = await startS3Emulator({ buckets: ['bucket'], conditionalWrites })
  const { endpoint, region, credentials } = emulator
  const backend = new S3Backend('bucket', 'a', { endpoint, region, credentials })
  await using store = new CheckpointStore(backend)
  const save = store.save({ step: 1, files: { 'model.bin': Buffer.alloc(100_000, 1) } })
  await expect(save).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  await expect(save).rejects.toThrow(message)
  expect(await Array.fromAsync(backend.list('data/'))).toEqual([])
  expect(await Array.fromAsync(backend.list('catalog/'))).toEqual([])
})
