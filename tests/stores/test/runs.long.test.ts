import { adapter as s3 } from '@holdfast/adapter-s3'
import { listRuns } from '@holdfast/core'
import { startS3Emulator } from '@holdfast/emulators'
import { startProxy } from '@holdfast/emulators/proxy'
import { expect, onTestFinished, test } from 'vitest'
import { putRuns } from './support/some-runs.ts'

test('lists 500 runs on S3 with one request each beside the listing', async () => {
  const emulator = await startS3Emulator({ buckets: ['runs'] })
  const { endpoint, region, credentials } = emulator
  const proxy = await startProxy({ target: endpoint, plan: () => undefined })
  onTestFinished(async () => {
    await proxy.close()
    await emulator.close()
  })
  const backend = { endpoint, region, credentials }
  const filled = await s3.open(new URL('s3://runs/team'), backend)
  await putRuns(filled, 500, 'documents')
  await filled.close()
  const options = { adapters: [s3], config: false } as const
  const runs = await listRuns('s3://runs/team', {
    ...options,
    backend: { ...backend, endpoint: proxy.url },
  })
  expect(runs).toHaveLength(500)
  expect(runs.every((run) => run.state === 'readable')).toBe(true)
  expect(proxy.requests.counts()).toEqual({ ListObjectsV2: 2, GetObject: 500 })
})
