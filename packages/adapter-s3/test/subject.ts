import { randomUUID } from 'node:crypto'
import type { Subject } from '@holdfast/conformance'
import { S3Backend } from '../src/index.ts'
import type { TestServer } from './servers.ts'

const partSize = 5 * 2 ** 20
/** Most other tests use one thread. */
const threads = 2
const adapter = new URL('../src/index.ts', import.meta.url).href
const once = { attempts: 1, minDelay: 0, maxDelay: 0 }

export function subjectOn({ bucket, options, racingPuts, gaps, unsteady }: TestServer): Subject {
  const settings = { ...options, partSize, threads }
  return {
    open: async () => new S3Backend(bucket, randomUUID(), settings),
    reopen: async (backend) => new S3Backend(bucket, new URL(backend.url).pathname, settings),
    partBytes: partSize,
    ...(racingPuts === undefined ? {} : { racingPuts }),
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
  }
}

/** Options for the cases that start other processes. */
export function subjectOfProcesses(server: TestServer): Subject {
  const options = { ...server.options, partSize }
  return { ...subjectOn(server), place: ({ url }) => ({ url, adapter, options }) }
}
