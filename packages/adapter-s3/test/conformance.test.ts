import { randomUUID } from 'node:crypto'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { describeConformance } from '@holdfast/conformance'
import { describe, test } from 'vitest'
import { S3Backend } from '../src/index.ts'

const endpoint = process.env['HOLDFAST_TEST_S3_ENDPOINT']
const credentials = { accessKeyId: 'holdfast', secretAccessKey: 'holdfast-secret' }
const client = new S3Client({
  ...(endpoint === undefined ? {} : { endpoint }),
  region: 'us-east-1',
  forcePathStyle: true,
  credentials,
})
const bucket = `conf-${randomUUID().slice(0, 8)}`
if (endpoint !== undefined) await client.send(new CreateBucketCommand({ Bucket: bucket }))
let opened = 0
describeConformance({ describe: describe.skipIf(endpoint === undefined), test }, 'S3Backend', {
  open: async () => {
    opened += 1
    return new S3Backend(bucket, `a/${opened}`, { endpoint, credentials, partSize: 5 * 2 ** 20 })
  },
  reopen: async (backend) =>
    new S3Backend(bucket, new URL(backend.url).pathname, { endpoint, credentials, partSize: 5 * 2 ** 20 }),
  partBytes: 5 * 2 ** 20,
})
