import { startS3Emulator } from '@holdfast/emulators'
import { startProxy } from '@holdfast/emulators/proxy'
import { expect, test } from 'vitest'
import { S3Backend } from '../src/index.ts'

const retry = { attempts: 2, minDelay: 1, maxDelay: 1 }
const keys = ['a', 'b', 'c']

test.each(['none', 'crc32'] as const)(
  'deletes several keys on a service that requires Content-MD5 for a batch, with the checksum %s',
  async (checksum) => {
    await using emulator = await startS3Emulator({ buckets: ['bucket'], requiresContentMd5: true })
    const { endpoint, region, credentials } = emulator
    const backend = new S3Backend('bucket', 'r', { endpoint, region, credentials, checksum, retry })
    for (const key of keys) await backend.put(key, Buffer.from(key))
    expect(await backend.delete(keys)).toEqual({ deleted: keys, failed: [] })
    expect(await Array.fromAsync(backend.list(''))).toEqual([])
    await backend.close()
  },
)

test('reports the keys that a service refuses to delete one by one', async () => {
  await using emulator = await startS3Emulator({
    buckets: ['bucket'],
    requiresContentMd5: true,
    denies: ({ operation, key }) => operation === 'DeleteObject' && key === 'r/b',
  })
  const { endpoint, region, credentials } = emulator
  const backend = new S3Backend('bucket', 'r', { endpoint, region, credentials, checksum: 'none', retry })
  for (const key of keys) await backend.put(key, Buffer.from(key))
  const { deleted, failed } = await backend.delete(keys)
  expect(deleted).toEqual(['a', 'c'])
  expect(failed).toMatchObject([{ key: 'b', error: { code: 'PERMISSION_DENIED' } }])
  await backend.close()
})

test('deletes several keys with one request if checksums are off', async () => {
  await using emulator = await startS3Emulator({ buckets: ['bucket'] })
  await using proxy = await startProxy({ target: emulator.endpoint, plan: () => undefined })
  const { region, credentials } = emulator
  const options = { endpoint: proxy.url, region, credentials, checksum: 'none', retry } as const
  const backend = new S3Backend('bucket', 'r', options)
  for (const key of keys) await backend.put(key, Buffer.from(key))
  proxy.requests.clear()
  expect(await backend.delete(keys)).toEqual({ deleted: keys, failed: [] })
  expect(proxy.requests.counts()).toEqual({ DeleteObjects: 1 })
  await backend.close()
})
