import { randomUUID } from 'node:crypto'
import { describeConformance } from '@holdfast/conformance'
import { describe, test } from 'vitest'
import { GcsBackend } from '../src/index.ts'
import { testServers } from './servers.ts'

const chunkSize = 256 * 2 ** 10
const adapter = new URL('../src/index.ts', import.meta.url).href
const once = { attempts: 1, minDelay: 0, maxDelay: 0 }

for (const { name, bucket, endpoint, gaps, unsteady } of await testServers()) {
  const options = { endpoint, chunkSize }
  describeConformance({ describe, test }, `GcsBackend on ${name}`, {
    open: async () => new GcsBackend(bucket, randomUUID(), options),
    reopen: async (backend) => new GcsBackend(bucket, new URL(backend.url).pathname, options),
    place: ({ url }) => ({ url, adapter, options }),
    partBytes: chunkSize,
    failing: {
      UNAVAILABLE: async () =>
        new GcsBackend(bucket, 'a', { ...options, endpoint: 'http://127.0.0.1:9', retry: once }),
    },
    gaps,
    unsteady,
  })
}
