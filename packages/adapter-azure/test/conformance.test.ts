import { describeConformance } from '@holdfast/conformance'
import { describe, test } from 'vitest'
import { AzureBackend } from '../src/index.ts'
import { newContainer, noServer } from './server.ts'

const blockSize = 256 * 2 ** 10
const container = noServer ? undefined : await newContainer()
const { account = '', name = '', connectionString } = container ?? {}
let opened = 0
describeConformance({ describe: describe.skipIf(noServer), test }, 'AzureBackend', {
  open: async () => {
    opened += 1
    return new AzureBackend(account, name, `a/${opened}`, { connectionString, blockSize })
  },
  reopen: async (backend) => {
    const path = new URL(backend.url).pathname.split('/').slice(2).join('/')
    return new AzureBackend(account, name, path, { connectionString, blockSize })
  },
  partBytes: blockSize,
  racingPuts: 'one succeeds',
})
