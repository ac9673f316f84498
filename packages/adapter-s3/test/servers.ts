import { randomUUID } from 'node:crypto'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { type S3EmulatorOptions, startS3Emulator } from '@holdfast/emulators'
import { isAvailable } from '@holdfast/test-servers'
import { afterAll, inject } from 'vitest'
import type { S3Options } from '../src/index.ts'

/** A server with the API of S3, and a bucket on it. */
export interface TestServer {
  readonly name: string
  readonly bucket: string
  readonly endpoint: string
  readonly options: S3Options
  /** Whether puts of one key that race may fail, all but one. Without metadata, a lost upload cannot be told from a completed one. */
  readonly racingPuts?: 'one succeeds'
  /** The reasons of known faults of the server, by the title of the failing case. */
  readonly gaps: Readonly<Record<string, string>>
  /** The reasons of cases that sometimes fail, by title. */
  readonly unsteady: Readonly<Record<string, string>>
}

/** MinIO on a single disk removes folders that have become empty. */
const unsteadyOfMinio = {
  'a put succeeds while concurrent deletes empty its folder':
    'MinIO can deny a put while a concurrent delete removes the folder of the key',
}

/** S3Proxy stores objects as files, and sorts names in the order of Java strings. */
const gapsOfS3Proxy = {
  'list orders keys above U+D7FF by their UTF-8 bytes, and starts after any of them':
    'S3Proxy lists in the order of UTF-16',
  'a key with a part of 255 bytes, the maximum, is stored unchanged':
    'the name of the temporary file of S3Proxy is longer than the file system allows',
  'a key below an existing object, as if that object were a folder, is absent':
    'S3Proxy returns status 500 for such a key',
}

/** Returns emulators of services that differ from Amazon S3 with a general purpose bucket. */
export async function unusualServers(): Promise<readonly TestServer[]> {
  return [
    await emulator({ name: 'the emulator with a directory bucket', bucket: 'emulated--use1-az4--x-s3' }),
    await emulator({
      name: 'the emulator with unordered lists',
      emulates: { unorderedLists: true },
      options: { listOrder: 'none' },
    }),
    await emulator({
      name: 'the emulator with redirected reads and no metadata',
      emulates: { basePath: '/namespace', redirectsReads: true, keepsMetadata: false },
      options: { checksum: 'none' },
      racingPuts: 'one succeeds',
    }),
  ]
}

/** Returns the servers of this run, which always include the emulator. */
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

interface Emulated {
  readonly name?: string
  readonly bucket?: string
  readonly emulates?: S3EmulatorOptions
  readonly options?: S3Options
  readonly racingPuts?: TestServer['racingPuts']
}

async function emulator({
  name = 'the emulator',
  bucket = 'emulated',
  emulates = {},
  options = {},
  racingPuts,
}: Emulated = {}): Promise<TestServer> {
  const emulated = await startS3Emulator({ buckets: [bucket], ...emulates })
  afterAll(() => emulated.close())
  const { endpoint, region, credentials } = emulated
  return {
    name,
    bucket,
    endpoint,
    options: { endpoint, region, credentials, ...options },
    gaps: {},
    unsteady: {},
    ...(racingPuts === undefined ? {} : { racingPuts }),
  }
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
