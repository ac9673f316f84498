import { randomUUID } from 'node:crypto'
import { describeConformance } from '@holdfast/conformance'
import { describe, test } from 'vitest'
import { GcsBackend } from '../src/index.ts'

const endpoint = process.env['HOLDFAST_TEST_GCS_ENDPOINT']
const bucket = `conf-${randomUUID().slice(0, 8)}`
if (endpoint !== undefined) {
  await fetch(`${endpoint}/storage/v1/b`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: bucket }),
  })
}
const options = { endpoint, chunkSize: 256 * 2 ** 10 }
let opened = 0
describeConformance({ describe: describe.skipIf(endpoint === undefined), test }, 'GcsBackend', {
  open: async () => {
    opened += 1
    return new GcsBackend(bucket, `a/${opened}`, options)
  },
  reopen: async (backend) => new GcsBackend(bucket, new URL(backend.url).pathname, options),
  partBytes: options.chunkSize,
})
