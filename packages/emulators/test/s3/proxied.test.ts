import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { describe, expect, onTestFinished, test } from 'vitest'
import { collect, patterned } from '@holdfast/conformance/testing'
import { type Fault, type FaultPlan, type Proxy, seededPlan, startProxy } from '../../src/proxy/index.ts'
import { Bucket, clientOf, emulatorOf, failure } from './emulators.ts'

interface Proxied {
  readonly proxy: Proxy
  /** A client through the proxy. */
  readonly client: S3Client
  /** A client that bypasses the proxy. */
  readonly direct: S3Client
}

async function proxied(plan: FaultPlan, maxAttempts = 1): Promise<Proxied> {
  const emulator = await emulatorOf()
  const proxy = await startProxy({ target: emulator.endpoint, plan })
  onTestFinished(async () => {
    await proxy.close()
  })
  const client = clientOf({ ...emulator, endpoint: proxy.url }, { maxAttempts })
  return { proxy, client, direct: clientOf(emulator) }
}

/** Applies the fault to the first PutObject only. */
function first(fault: Fault): FaultPlan {
  let happened = false
  return ({ operation }) => {
    if (happened || operation !== 'PutObject') return undefined
    happened = true
    return fault
  }
}

const body = patterned(3_000_000)
const put = (): PutObjectCommand =>
  new PutObjectCommand({ Bucket, Key: 'a b/ü', Body: body, IfNoneMatch: '*' })
const head = (): HeadObjectCommand => new HeadObjectCommand({ Bucket, Key: 'a b/ü' })

test('passes signed requests of every kind', async () => {
  const { client, proxy } = await proxied(() => undefined)
  await client.send(put())
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'a b/ü' }))
  expect(Buffer.compare(await collect(Body as AsyncIterable<Uint8Array>), body)).toBe(0)
  await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'a b/' }))
  expect(proxy.requests.counts()).toEqual({ PutObject: 1, GetObject: 1, ListObjectsV2: 1 })
  const [stored, read] = [...proxy.requests]
  expect(stored?.requestBytes).toBe(body.byteLength)
  expect(read?.answerBytes).toBe(body.byteLength)
})

describe('a PutObject', () => {
  test('has succeeded if only its response is dropped, so its retry fails with 412', async () => {
    const { client, proxy, direct } = await proxied(first({ kind: 'drop-answer' }), 2)
    expect(await failure(client.send(put()))).toBe('412 PreconditionFailed')
    expect((await direct.send(head())).ContentLength).toBe(body.byteLength)
    expect([...proxy.requests].map(({ status }) => status)).toEqual([200, 412])
  })

  test.each<Fault>([
    { kind: 'cut-request' },
    { kind: 'reset' },
    { kind: 'status', status: 503 },
    { kind: 'status', status: 500 },
    { kind: 'error-in-200' },
  ])('has no effect with the fault $kind, and its retry succeeds', async (fault) => {
    const { client, proxy, direct } = await proxied(first(fault), 2)
    await client.send(put())
    expect((await direct.send(head())).ContentLength).toBe(body.byteLength)
    expect(proxy.requests.count('PutObject')).toBe(2)
  })

  test('is not retried by the SDK after status 409', async () => {
    const { client, proxy, direct } = await proxied(first({ kind: 'status', status: 409 }), 3)
    expect(await failure(client.send(put()))).toBe('409 ConditionalRequestConflict')
    expect(proxy.requests.count()).toBe(1)
    expect(await failure(direct.send(head()))).toBe('404 NotFound')
  })
})

test('a read fails if its response body is cut', async () => {
  const { client, direct } = await proxied(() => ({ kind: 'cut-answer' }))
  await direct.send(put())
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'a b/ü' }))
  await expect(collect(Body as AsyncIterable<Uint8Array>)).rejects.toThrow()
})

test('keeps every acknowledged write under a seeded plan of faults', async () => {
  const plan = seededPlan({
    seed: 11,
    rate: 0.4,
    faults: [
      { kind: 'drop-answer' },
      { kind: 'cut-request' },
      { kind: 'cut-answer' },
      { kind: 'reset' },
      { kind: 'status', status: 503 },
      { kind: 'delay', milliseconds: 1 },
    ],
  })
  const { client, proxy, direct } = await proxied(plan)
  let acknowledged = 0
  for (let index = 0; index < 60; index += 1) {
    const Key = `key-${index}`
    const stored = await client.send(new PutObjectCommand({ Bucket, Key, Body: Key })).then(
      () => true,
      () => false,
    )
    if (!stored) continue
    acknowledged += 1
    const { ContentLength } = await direct.send(new HeadObjectCommand({ Bucket, Key }))
    expect(ContentLength).toBe(Key.length)
  }
  const faults = [...proxy.requests].flatMap(({ fault }) => fault?.kind ?? [])
  expect(new Set(faults).size).toBe(6)
  expect(acknowledged).toBe(60 - faults.filter((kind) => kind !== 'delay').length)
})
