import { randomUUID } from 'node:crypto'
import { describeConformance } from '@holdfast/conformance'
import { describe, test } from 'vitest'
import { GcsBackend } from '../src/index.ts'
import { testServers } from './servers.ts'

const chunkSize = 256 * 2 ** 10

for (const { name, bucket, endpoint, gaps } of await testServers()) {
  const options = { endpoint, chunkSize }
  describeConformance({ describe, test }, `GcsBackend on ${name}`, {
    open: async () => new GcsBackend(bucket, randomUUID(), options),
    reopen: async (backend) => new GcsBackend(bucket, new URL(backend.url).pathname, options),
    partBytes: chunkSize,
    gaps,
  })
}
