import { appendFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { collect, pausingSource, patterned } from '@holdfast/conformance/testing'
import { startS3Emulator } from '../../src/index.ts'
import { Bucket, clientOf, emulatorOf, failure, streamed, temporaryFolder } from './emulators.ts'

async function textAt(client: S3Client, Key: string): Promise<string> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
  return Buffer.from(await collect(Body as AsyncIterable<Uint8Array>)).toString()
}

test('a restarted emulator continues with all its objects and an unfinished upload', async () => {
  const directory = await temporaryFolder()
  const first = await emulatorOf({ directory })
  const client = clientOf(first)
  await client.send(new PutObjectCommand({ Bucket, Key: 'kept/ü', Body: 'kept', Metadata: { a: 'b' } }))
  await client.send(new PutObjectCommand({ Bucket, Key: 'gone', Body: 'gone' }))
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'gone' }))
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'large' }))
  const part = { Bucket, Key: 'large', UploadId }
  const five = patterned(5 * 2 ** 20)
  const one = await client.send(new UploadPartCommand({ ...part, PartNumber: 1, Body: five }))
  await first.close()

  const again = clientOf(await emulatorOf({ directory }))
  expect(await textAt(again, 'kept/ü')).toBe('kept')
  const head = await again.send(new HeadObjectCommand({ Bucket, Key: 'kept/ü' }))
  expect(head.Metadata).toEqual({ a: 'b' })
  expect(await failure(textAt(again, 'gone'))).toBe('404 NoSuchKey')
  const two = await again.send(new UploadPartCommand({ ...part, PartNumber: 2, Body: 'end' }))
  const Parts = [one, two].map(({ ETag }, index) => ({ ETag, PartNumber: index + 1 }))
  await again.send(new CompleteMultipartUploadCommand({ ...part, MultipartUpload: { Parts } }))
  const { Contents } = await again.send(new ListObjectsV2Command({ Bucket }))
  expect(Contents?.map(({ Key, Size }) => [Key, Size])).toEqual([
    ['kept/ü', 4],
    ['large', five.byteLength + 3],
  ])
})

test('a restarted emulator ignores a change that a crash interrupted', async () => {
  const directory = await temporaryFolder()
  const first = await emulatorOf({ directory })
  await clientOf(first).send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'whole' }))
  await first.close()
  await appendFile(join(directory, 'journal.jsonl'), '["objects","checkpoints/k",{"pie')
  await appendFile(join(directory, 'pieces', 'half'), 'half')
  const client = clientOf(await emulatorOf({ directory }))
  expect(await textAt(client, 'k')).toBe('whole')
  expect(await readdir(join(directory, 'pieces'))).toHaveLength(1)
  await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'again' }))
  expect(await textAt(client, 'k')).toBe('again')
})

test('leaves no pieces of replaced, deleted, refused or cut objects in the folder', async () => {
  const directory = await temporaryFolder()
  const arrived = Promise.withResolvers<undefined>()
  const emulator = await startS3Emulator({
    directory,
    buckets: [Bucket],
    denies: ({ key }) => {
      if (key === 'cut') arrived.resolve(undefined)
      return false
    },
  })
  const client = clientOf(emulator)
  const put = (Key: string, options: object = {}): Promise<unknown> =>
    client.send(new PutObjectCommand({ Bucket, Key, Body: Key, ...options }))
  await put('replaced')
  await put('replaced')
  await put('deleted')
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'deleted' }))
  expect(await failure(put('replaced', { IfNoneMatch: '*' }))).toBe('412 PreconditionFailed')
  expect(await failure(put('wrong', { ChecksumCRC32: 'AAAAAA==' }))).toBe('400 BadDigest')
  const abort = new AbortController()
  const { source } = pausingSource(patterned(1000), patterned(1000))
  const cut = client.send(new PutObjectCommand({ Bucket, Key: 'cut', ...streamed(source, 2000) }), {
    abortSignal: abort.signal,
  })
  cut.catch(() => undefined)
  await arrived.promise
  abort.abort()
  await expect(cut).rejects.toThrow()
  await emulator.close()
  expect(await readdir(join(directory, 'pieces'))).toHaveLength(1)
})

test('does not buffer objects in memory if it has a folder', async () => {
  const client = clientOf(await emulatorOf({ directory: await temporaryFolder() }))
  const total = 256 * 2 ** 20
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  const measure = (): void => {
    most = Math.max(most, process.memoryUsage().arrayBuffers - before)
  }
  async function* source(): AsyncGenerator<Uint8Array> {
    const chunk = patterned(2 ** 20)
    for (let sent = 0; sent < total; sent += chunk.byteLength) {
      measure()
      yield chunk
    }
  }
  await client.send(new PutObjectCommand({ Bucket, Key: 'k', ...streamed(source(), total) }))
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'k' }))
  let read = 0
  for await (const chunk of Body as AsyncIterable<Uint8Array>) {
    read += chunk.byteLength
    measure()
  }
  expect(read).toBe(total)
  expect(most).toBeLessThan(total / 2)
})

test('can be closed twice', async () => {
  const emulator = await startS3Emulator()
  await emulator.close()
  await emulator.close()
})
