import { S3Client } from '@aws-sdk/client-s3'
import { type CheckpointBackend } from '@holdfast/core'
import { parseLocation } from '@holdfast/core/backend'
import { expect, onTestFinished, test, vi } from 'vitest'
import { adapter, S3Backend } from '../src/index.ts'

async function open(
  location: string,
  options?: Readonly<Record<string, unknown>>,
): Promise<CheckpointBackend> {
  return adapter.open(parseLocation(location), options)
}

test('reads the bucket, the root and public options from a URL, and prints only the place', async () => {
  const backend = await open(
    's3://bucket/runs/a%20b?region=eu-west-1&endpoint=https://example.com&pathStyle=true&partSize=16%20MiB&quota=5%20GB',
  )
  expect(backend.url).toBe('s3://bucket/runs/a%20b')
  expect(backend.capabilities).toMatchObject({
    freeSpace: 'budgeted',
    hash: 'store',
    maxKeyBytes: 1024 - 'runs/a b/'.length,
  })
  await backend.close()
  expect((await open('s3://bucket')).url).toBe('s3://bucket')
})

test.each([
  [
    's3://bucket/a?region=eu-west-1',
    undefined,
    's3://bucket/a?endpoint=https://bucket.s3.eu-west-1.amazonaws.com',
  ],
  ['s3://bucket/a?endpoint=http://minio:9000', undefined, 's3://bucket/a?endpoint=http://minio:9000/bucket'],
  ['s3://bucket/a?endpoint=https://host/s3', undefined, 's3://bucket/a?endpoint=https://host/s3/bucket'],
  [
    's3://bucket/a?region=eu-west-1',
    'http://from-environment',
    's3://bucket/a?endpoint=http://bucket.from-environment',
  ],
])('includes the endpoint that the SDK uses in the place of %s', async (location, fromEnvironment, place) => {
  vi.stubEnv('AWS_ENDPOINT_URL_S3', fromEnvironment)
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
  const backend = await open(location, { credentials: { accessKeyId: 'a', secretAccessKey: 'b' } })
  expect(decodeURIComponent(await backend.place())).toBe(place)
  await backend.close()
})

test.each([
  ['s3://bucket/a?rgion=eu', /no option rgion.*region/],
  ['s3://bucket/a?pathStyle=maybe', /pathStyle must be true or false/],
  ['s3://bucket/a?storageClass=GLACIER', /storageClass must be one of STANDARD/],
  ['s3://bucket/a?partSize=1%20MiB', /at least 5 MiB/],
  ['s3://bucket/a?parallel=0', /whole number of at least 1/],
  ['s3://bucket/run-50%', /^s3:\/\/bucket\/run-50%: write %25 for % in a path\.$/],
  [
    's3://bucket/a?endpoint=localhost:9000',
    /an http:\/\/ or https:\/\/ URL, such as http:\/\/localhost:9000/,
  ],
  ['s3://bucket/a?endpoint=minio.example.com', /such as http:\/\/minio\.example\.com/],
  ['s3://bucket/a?endpoint=u:PASS@host', /such as http:\/\/HOST:PORT/],
  ['s3://bucket:9000/a', /must not have a port.*\?endpoint=/],
  ['s3://bucket/a?credentials=x', /not allowed in a URL/],
  ['s3://key:secret@bucket/a', /not allowed in a URL/],
  ['s3:///a', /names no bucket/],
  ['s3://bucket/a#b', /%23/],
  ['s3://bucket/a//b', /not a valid location of a store/],
  [
    's3://d--use1-az4--x-s3/a?storageClass=STANDARD_IA',
    /directory bucket\. It has one storage class\. Leave/,
  ],
  ['s3://d--use1-az4--xa-s3/a?storageClass=STANDARD_IA', /is a directory bucket/],
  ['s3://d--use1-az4--x-s3/a?requesterPays=true', /Its owner pays/],
  ['s3://d--use1-az4--x-s3/a?listOrder=key', /Its lists are in no order/],
  ['s3://b/a?endpoint=https://s3.us-west-004.backblazeb2.com', /Backblaze B2 cannot create.*Amazon S3/],
  ['s3://b/a?endpoint=https://storage.googleapis.com', /Use gs:\/\/BUCKET/],
])('rejects %s', async (location, message) => {
  await expect(open(location)).rejects.toThrow(message)
})

test.each([
  [{ regoin: 'eu' }, /no option regoin/],
  [{ credentials: { accessKeyId: 'a' } }, /accessKeyId and secretAccessKey/],
  [{ client: {} }, /S3Client/],
  [{ retry: { attempts: 0 } }, /retry must be/],
  [{ retry: { tries: 3 } }, /retry must be/],
])('rejects the option %o', async (options, message) => {
  await expect(open('s3://bucket/a', options)).rejects.toThrow(message)
})

test.each([
  ['s3://b/a?region=r', 'store'],
  ['s3://b/a?region=r&endpoint=https://s3.hf.co/name', 'computed'],
  ['s3://b/a?region=r&endpoint=https://s3.hf.co/name&checksum=crc32', 'store'],
  ['s3://b/a?region=r&endpoint=https://hf.co.example.com', 'store'],
])('opens %s, whose checksums are: %s', async (location, hash) => {
  const backend = await open(location)
  expect(backend.capabilities.hash).toBe(hash)
  await backend.close()
})

test('rejects a commit to Backblaze B2 by its name if the environment has the address', async () => {
  const before = process.env
  process.env = { ...before, AWS_ENDPOINT_URL_S3: 'https://s3.us-west-004.backblazeb2.com' }
  try {
    const backend = new S3Backend('bucket', 'a', {
      region: 'us-west-004',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    })
    await expect(backend.commit('a', Buffer.from('a'))).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('Backblaze B2 cannot create') as string,
    })
    await backend.close()
  } finally {
    process.env = before
  }
})

test('rejects calls without credentials, states where to set them, and knows that nothing was committed', async () => {
  const before = process.env
  process.env = {
    ...Object.fromEntries(Object.entries(before).filter(([name]) => !name.startsWith('AWS_'))),
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/nowhere',
    AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
  }
  try {
    const backend = new S3Backend('bucket', 'a', { endpoint: 'http://127.0.0.1:1' })
    await expect(backend.stat('a')).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
    await expect(backend.commit('a', Buffer.from('a'))).rejects.toThrow(/No credentials were found/)
    await backend.close()
  } finally {
    process.env = before
  }
})

test('refuses a profile or credentials beside a ready-made client', () => {
  const client = new S3Client({ region: 'eu-west-1' })
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
  expect(() => new S3Backend('bucket', 'a', { client, credentials })).toThrow(
    'Pass one of client and credentials, not both.',
  )
  expect(() => new S3Backend('bucket', 'a', { client, profile: 'other' })).toThrow(
    'Pass one of client and profile, not both.',
  )
})

test('refuses a profile beside credentials', () => {
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
  expect(() => new S3Backend('bucket', 'a', { profile: 'other', credentials })).toThrow(
    'Pass one of profile and credentials, not both.',
  )
})
