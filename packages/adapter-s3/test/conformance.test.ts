import { randomUUID } from 'node:crypto'
import { describeConformance } from '@holdfast/conformance'
import { describe, test } from 'vitest'
import { S3Backend } from '../src/index.ts'
import { testServers } from './servers.ts'

const partSize = 5 * 2 ** 20
const adapter = new URL('../src/index.ts', import.meta.url).href
const once = { attempts: 1, minDelay: 0, maxDelay: 0 }

for (const { name, bucket, options, gaps, unsteady } of await testServers()) {
  describeConformance({ describe, test }, `S3Backend on ${name}`, {
    open: async () => new S3Backend(bucket, randomUUID(), { ...options, partSize }),
    reopen: async (backend) => new S3Backend(bucket, new URL(backend.url).pathname, { ...options, partSize }),
    place: ({ url }) => ({ url, adapter, options: { ...options, partSize } }),
    partBytes: partSize,
    failing: {
      UNAVAILABLE: async () =>
        new S3Backend(bucket, 'a', { ...options, endpoint: 'http://127.0.0.1:9', retry: once }),
      PERMISSION_DENIED: async () =>
        new S3Backend(bucket, 'a', {
          ...options,
          credentials: { accessKeyId: 'nobody', secretAccessKey: 'nothing' },
        }),
    },
    gaps,
    unsteady,
  })
}
