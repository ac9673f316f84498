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
/** What a server does wrong, and the reason. */
const gaps: Readonly<Record<string, string>> = (await isFakeGcsServer())
  ? {
      'a key with a part of 255 bytes, the most that a part may have, is kept as it is':
        'it writes an object to a file with a longer name than the last part of its key, which may have 255 bytes',
    }
  : {}

async function isFakeGcsServer(): Promise<boolean> {
  return endpoint !== undefined && (await fetch(`${endpoint}/_internal/healthcheck`)).ok
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
  gaps,
})
