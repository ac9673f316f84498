import type { Bucket } from '@google-cloud/storage'
import { expect, onTestFinished, test } from 'vitest'
import { patterned } from '@holdfast/conformance/testing'
import { type Fault, type FaultPlan, type Proxy, startProxy } from '../../src/proxy/index.ts'
import { bucketName, emulatorOf, failure, storageOf } from './emulators.ts'

const body = patterned(600_000)

async function proxied(
  plan: FaultPlan,
): Promise<{ readonly proxy: Proxy; readonly bucket: Bucket; readonly direct: Bucket }> {
  const emulator = await emulatorOf()
  const proxy = await startProxy({ target: emulator.endpoint, plan })
  onTestFinished(async () => {
    await proxy.close()
  })
  const retryOptions = { autoRetry: true, maxRetries: 3, retryDelayMultiplier: 1, maxRetryDelay: 1 }
  const bucket = storageOf({ endpoint: proxy.url }, { retryOptions }).bucket(bucketName)
  return { proxy, bucket, direct: storageOf(emulator).bucket(bucketName) }
}

/** Applies the fault to the first request of this operation only. */
function first(name: string, fault: Fault): FaultPlan {
  let happened = false
  return ({ operation }) => {
    if (happened || operation !== name) return undefined
    happened = true
    return fault
  }
}

test('passes requests of every kind, and keeps a resumable upload on the proxy', async () => {
  const { proxy, bucket } = await proxied(() => undefined)
  const file = bucket.file('a b/ü')
  await file.save(body, { resumable: true, chunkSize: 262_144 })
  expect(Buffer.compare((await file.download())[0], body)).toBe(0)
  await bucket.getFiles({ prefix: 'a' })
  await file.delete()
  expect(proxy.requests.counts()).toEqual({
    'objects.insert (start)': 1,
    'objects.insert (chunk)': 3,
    'objects.get (media)': 1,
    'objects.list': 1,
    'objects.delete': 1,
  })
})

test('a retried create fails with 412 if the response to its success was dropped', async () => {
  const { proxy, bucket, direct } = await proxied(first('objects.insert', { kind: 'drop-answer' }))
  const options = { resumable: false, validation: false, preconditionOpts: { ifGenerationMatch: 0 } } as const
  expect(await failure(bucket.file('k').save('x', options))).toMatch(/^412/)
  expect((await direct.file('k').download())[0].toString()).toBe('x')
  expect(proxy.requests.count('objects.insert')).toBe(2)
})

test.each<readonly [string, Fault]>([
  ['objects.insert (chunk)', { kind: 'drop-answer' }],
  ['objects.insert (chunk)', { kind: 'cut-request' }],
  ['objects.insert (chunk)', { kind: 'status', status: 503 }],
  ['objects.insert (start)', { kind: 'reset' }],
])('a resumable upload succeeds despite a fault in %s: %j', async (operation, fault) => {
  const { bucket, direct } = await proxied(first(operation, fault))
  const preconditionOpts = { ifGenerationMatch: 0 }
  await bucket.file('k').save(body, { resumable: true, chunkSize: 262_144, preconditionOpts })
  expect(Buffer.compare((await direct.file('k').download())[0], body)).toBe(0)
})

test('a delete that gets 503 fails, and deletes nothing', async () => {
  const { bucket, direct } = await proxied(() => ({ kind: 'status', status: 503 }))
  await direct.file('k').save('x', { resumable: false })
  expect(await failure(bucket.file('k').delete())).toBe('503 backendError')
  expect(await direct.file('k').exists()).toEqual([true])
})
