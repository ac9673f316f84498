import { randomUUID } from 'node:crypto'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { startS3Emulator } from '@holdfast/emulators'
import { isAvailable } from '@holdfast/test-servers'
import { afterAll, inject } from 'vitest'
import type { S3Options } from '../src/index.ts'

/** A server that speaks the language of S3, and a bucket on it. */
export interface TestServer {
  readonly name: string
  readonly bucket: string
  readonly endpoint: string
  readonly options: S3Options
  /** What it does not do right, by the name of the case that shows it. */
  readonly gaps: Readonly<Record<string, string>>
  /** What it does not do right now and then. */
  readonly unsteady: Readonly<Record<string, string>>
}

/** MinIO on a single disk removes folders that became empty. */
const unsteadyOfMinio = {
  'a folder that becomes empty does not take along what is being put into it':
    'a put beside a delete may be denied while a folder is removed',
}

/** S3Proxy keeps objects as files, and sorts in Java. */
const gapsOfS3Proxy = {
  'list keeps the order of UTF-8 also for keys beyond U+D7FF, and begins after any of them':
    'it lists in the order of UTF-16',
  'a key with a part of 255 bytes, the most that a part may have, is kept as it is':
    'its temporary file has a longer name than the file system takes',
  'what would lie below an object, as if that were a folder, is absent': 'it answers 500 there',
}

/** Every server that this run has; the emulator is always one of them. */
export async function testServers(): Promise<readonly TestServer[]> {
  const { minio, s3proxy } = inject('servers')
  const servers: TestServer[] = [await emulator()]
  for (const server of [minio, s3proxy]) {
    if (server === undefined || !isAvailable(server)) continue
    const { endpoint, region, bucket, accessKeyId, secretAccessKey } = server.connection
    const options = { endpoint, region, credentials: { accessKeyId, secretAccessKey } }
    servers.push({
      name: server.name,
      bucket: bucket ?? (await newBucket(endpoint, options)),
      endpoint,
      options,
      gaps: server === s3proxy ? gapsOfS3Proxy : {},
      unsteady: server === minio ? unsteadyOfMinio : {},
    })
  }
  return servers
}

async function emulator(): Promise<TestServer> {
  const emulated = await startS3Emulator({ buckets: ['emulated'] })
  afterAll(() => emulated.close())
  const { endpoint, region, credentials } = emulated
  const options = { endpoint, region, credentials }
  return { name: 'the emulator', bucket: 'emulated', endpoint, options, gaps: {}, unsteady: {} }
}

async function newBucket(endpoint: string, { region, credentials }: S3Options): Promise<string> {
  const bucket = `holdfast-${randomUUID()}`
  const client = new S3Client({
    endpoint,
    forcePathStyle: true,
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined
      ? {}
      : {
          credentials: { accessKeyId: credentials.accessKeyId, secretAccessKey: credentials.secretAccessKey },
        }),
  })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
  return bucket
}
