import { randomBytes } from 'node:crypto'
import { CheckpointStore, copyCheckpoints } from '@holdfast/core'
import { startS3Emulator } from '@holdfast/emulators'
import { startProxy } from '@holdfast/emulators/proxy'
import { expect, test } from 'vitest'
import { S3Backend } from '../src/index.ts'

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
