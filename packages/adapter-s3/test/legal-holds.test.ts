import { randomUUID } from 'node:crypto'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectLegalHoldCommand,
  ListObjectVersionsCommand,
  type ObjectVersion,
  S3Client,
} from '@aws-sdk/client-s3'
import { conformanceCases } from '@holdfast/conformance'
import { codeOf } from '@holdfast/conformance/testing'
import { CheckpointStore } from '@holdfast/core'
import { startS3Emulator } from '@holdfast/emulators'
import { isAvailable } from '@holdfast/test-servers'
import { afterAll, expect, inject, test } from 'vitest'
import { S3Backend, type S3Options } from '../src/index.ts'
import { subjectOn } from './subject.ts'

const emulator = await startS3Emulator({ buckets: ['locked'], objectLock: true })
afterAll(() => emulator.close())
const { endpoint, region, credentials } = emulator
const options = { endpoint, region, credentials, legalHolds: true }

function clientOf({ endpoint: url, region: place, credentials: keys }: S3Options): S3Client {
  const client = new S3Client({
    forcePathStyle: true,
    ...(url === undefined ? {} : { endpoint: url }),
    ...(place === undefined ? {} : { region: place }),
    ...(keys === undefined
      ? {}
      : { credentials: { accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey } }),
  })
  afterAll(() => {
    client.destroy()
  })
  return client
}

async function saved(backend: S3Backend): Promise<CheckpointStore> {
  const store = new CheckpointStore(backend)
  await store.save({
    step: 1,
    files: { 'model.bin': Buffer.alloc(200_000, 1), 'state.json': Buffer.from('{}') },
  })
  await store.save({ step: 2, files: { 'model.bin': Buffer.alloc(200_000, 2) } })
  return store
}

/** A new folder of the locked bucket, and the keys of the objects in it that are held. */
function lockedFolder() {
  const root = randomUUID()
  const backend = new S3Backend('locked', root, options)
  const client = clientOf(options)
  const heldKeys = async (): Promise<readonly string[]> => {
    const held: string[] = []
    for await (const { key } of backend.list('')) {
      const command = new GetObjectLegalHoldCommand({ Bucket: 'locked', Key: `${root}/${key}` })
      if ((await client.send(command)).LegalHold?.Status === 'ON') held.push(key)
    }
    return held
  }
  return { backend, heldKeys }
}

test('a pin holds every object of its checkpoint and no other, and unpinning ends the holds', async () => {
  const { backend, heldKeys } = lockedFolder()
  await using store = await saved(backend)
  expect(await heldKeys()).toEqual([])
  await store.pin(1, 'paper')
  const held = await heldKeys()
  expect(held.length).toBeGreaterThan(1)
  expect(new Set(held.map((key) => key.split('/').slice(0, 2).join('/'))).size).toBe(1)
  await store.pin(1, 'another reason')
  expect(await heldKeys()).toEqual(held)
  await store.unpin(1)
  expect(await heldKeys()).toEqual([])
  await store.delete([1])
  expect((await store.list()).map(({ step }) => step)).toEqual([2])
})

test('each unpin ends the holds of one of several pinned checkpoints of a step', async () => {
  const { backend, heldKeys } = lockedFolder()
  await using store = new CheckpointStore(backend)
  await store.save({ step: 1, files: { 'model.bin': Buffer.alloc(200_000, 1) } })
  for (const byte of [2, 3]) {
    await store.save({ step: 2, files: { 'model.bin': Buffer.alloc(200_000, byte) } })
    await store.pin(2)
    await store.rewind(1)
  }
  const held = await heldKeys()
  await store.unpin(2)
  expect(await heldKeys()).toHaveLength(held.length / 2)
  await store.unpin(2)
  expect(await heldKeys()).toEqual([])
  expect(await store.delete([2])).toHaveLength(2)
})

test('reports objects that a hold protects by their keys, and deletes the others', async () => {
  const backend = new S3Backend('locked', randomUUID(), options)
  for (const key of ['held', 'free']) await backend.put(key, Buffer.from(key))
  await backend.setHold(['held'], { on: true })
  const { deleted, failed } = await backend.delete(['held', 'free'])
  expect(deleted).toEqual(['free'])
  expect(failed).toMatchObject([{ key: 'held', error: { code: 'PERMISSION_DENIED' } }])
  expect(failed[0]?.error.message).toContain('object lock protects the object, which is unchanged.')
  await expect(backend.delete(['held'])).rejects.toThrow(/object lock protects the object/)
  await backend.close()
})

test('says that a step is pinned if its objects cannot be held', async () => {
  await using unlocked = await startS3Emulator({ buckets: ['unlocked'] })
  const own = { endpoint: unlocked.endpoint, region, credentials, legalHolds: true }
  await using store = await saved(new S3Backend('unlocked', 'a', own))
  const pin = store.pin(1)
  await expect(pin).rejects.toThrow(/Step 1 is pinned, but not all its objects are held.*has no object lock/)
  expect(await codeOf(pin)).toBe('UNSUPPORTED')
  expect((await store.list())[0]?.pinned).toBeDefined()
})

/** Returns the versions that have a legal hold. */
async function heldBy(
  client: S3Client,
  Bucket: string,
  versions: readonly ObjectVersion[],
): Promise<readonly ObjectVersion[]> {
  const statuses = await Promise.all(
    versions.map(({ Key, VersionId }) =>
      client.send(new GetObjectLegalHoldCommand({ Bucket, Key, VersionId })).then(
        ({ LegalHold }) => LegalHold?.Status,
        () => undefined, // an object without a hold has no such document
      ),
    ),
  )
  return versions.filter((_, index) => statuses[index] === 'ON')
}

const { minio } = inject('servers')
test.skipIf(!isAvailable(minio) || minio.how === 'environment')(
  'on MinIO, nobody destroys a version of a pinned checkpoint, until it is unpinned',
  async () => {
    if (!isAvailable(minio)) return
    const { accessKeyId, secretAccessKey } = minio.connection
    const locked = {
      endpoint: minio.connection.endpoint,
      region: minio.connection.region,
      credentials: { accessKeyId, secretAccessKey },
      legalHolds: true,
    }
    const client = clientOf(locked)
    const Bucket = `locked-${randomUUID()}`
    await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
    const backend = new S3Backend(Bucket, 'a', locked)
    await using store = await saved(backend)
    await store.pin(1)
    const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket, Prefix: 'a/data/' }))
    const [, attempt] =
      /^a\/(data\/[^/]+\/)/.exec((await heldBy(client, Bucket, Versions))[0]?.Key ?? '') ?? []
    const versions = Versions.filter(({ Key }) => Key?.startsWith(`a/${attempt}`))
    const destroyed = async (): Promise<number> => {
      const calls = versions.map(({ Key, VersionId }) =>
        client.send(new DeleteObjectCommand({ Bucket, Key, VersionId })),
      )
      const outcomes = await Promise.allSettled(calls)
      return outcomes.filter(({ status }) => status === 'fulfilled').length
    }
    expect(versions.length).toBeGreaterThan(1)
    expect(await destroyed()).toBe(0)
    expect((await store.verify({ steps: [1] })).good).toBe(true)
    await store.unpin(1)
    expect(await destroyed()).toBe(versions.length)
  },
)

test('keeps the guarantees of holds', async () => {
  const subject = subjectOn({ name: '', bucket: 'locked', endpoint, options, gaps: {}, unsteady: {} })
  let passed = 0
  for (const each of conformanceCases.filter(({ name }) => name.startsWith('setHold'))) {
    const backend = await subject.open()
    if (each.notApplicable?.(backend.capabilities) === undefined) {
      await each.run(backend, subject)
      passed += 1
    }
    await backend.close()
  }
  expect(passed).toBeGreaterThan(0)
})
