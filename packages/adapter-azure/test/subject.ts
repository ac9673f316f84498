import type { Subject } from '@holdfast/conformance'
import { AzureBackend } from '../src/index.ts'
import { newContainer, noServer } from './server.ts'

const blockSize = 256 * 2 ** 10
/** Most other tests use one thread. */
const threads = 2
const adapter = new URL('../src/index.ts', import.meta.url).href
const once = { attempts: 1, minDelay: 0, maxDelay: 0 }
const container = noServer ? undefined : await newContainer()
const { account = '', name = '', connectionString } = container ?? {}
let opened = 0

export const subject: Subject = {
  open: async () => {
    opened += 1
    return new AzureBackend(account, name, `a/${opened}`, { connectionString, blockSize, threads })
  },
  reopen: async (backend) => {
    const path = new URL(backend.url).pathname.split('/').slice(2).join('/')
    return new AzureBackend(account, name, path, { connectionString, blockSize, threads })
  },
  partBytes: blockSize,
  failing: {
    UNAVAILABLE: async () =>
      new AzureBackend('account', 'container', 'a', {
        endpoint: 'http://127.0.0.1:9/account',
        anonymous: true,
        retry: once,
      }),
    PERMISSION_DENIED: async () =>
      new AzureBackend(account, name, 'a', {
        connectionString: connectionString?.replace(/AccountKey=[^;]+/, `AccountKey=${'A'.repeat(86)}==`),
      }),
  },
  racingPuts: 'one succeeds',
}

/** Options for the cases that start other processes. */
export const subjectOfProcesses: Subject = {
  ...subject,
  place: ({ url }) => ({ url, adapter, options: { connectionString, blockSize } }),
}
