import { randomUUID } from 'node:crypto'
import { describeConformance } from '@holdfast/conformance'
import { describe, test } from 'vitest'
import { S3Backend } from '../src/index.ts'
import { testServers } from './servers.ts'

const partSize = 5 * 2 ** 20

for (const { name, bucket, options, gaps, unsteady } of await testServers()) {
  describeConformance({ describe, test }, `S3Backend on ${name}`, {
    open: async () => new S3Backend(bucket, randomUUID(), { ...options, partSize }),
    reopen: async (backend) => new S3Backend(bucket, new URL(backend.url).pathname, { ...options, partSize }),
    partBytes: partSize,
    gaps,
    unsteady,
  })
}
