import { randomUUID } from 'node:crypto'
import type { Subject } from '@holdfast/conformance'
import { GcsBackend } from '../src/index.ts'
import type { TestServer } from './servers.ts'

const chunkSize = 256 * 2 ** 10
/** Most other tests use one thread. */
const threads = 2
const adapter = new URL('../src/index.ts', import.meta.url).href
const once = { attempts: 1, minDelay: 0, maxDelay: 0 }

export function subjectOn({ bucket, endpoint, gaps, unsteady }: TestServer): Subject {
  const options = { endpoint, chunkSize, threads }
  return {
    open: async () => new GcsBackend(bucket, randomUUID(), options),
    reopen: async (backend) => new GcsBackend(bucket, new URL(backend.url).pathname, options),
    partBytes: chunkSize,
    failing: {
      UNAVAILABLE: async () =>
        new GcsBackend(bucket, 'a', { ...options, endpoint: 'http://127.0.0.1:9', retry: once }),
    },
    gaps,
    unsteady,
  }
}

/** Options for the cases that start other processes. */
export function subjectOfProcesses(server: TestServer): Subject {
  const options = { endpoint: server.endpoint, chunkSize }
  return { ...subjectOn(server), place: ({ url }) => ({ url, adapter, options }) }
}
