import { randomUUID } from 'node:crypto'
import { BlobServiceClient } from '@azure/storage-blob'
import { describeConformance } from '@holdfast/conformance'
import { describe, test } from 'vitest'
import { AzureBackend } from '../src/index.ts'

const connectionString = process.env['HOLDFAST_TEST_AZURE_CONNECTION_STRING']
const service =
  connectionString === undefined ? undefined : BlobServiceClient.fromConnectionString(connectionString)
const account = service?.accountName ?? 'account'
const container = `conf-${randomUUID().slice(0, 8)}`
await service?.createContainer(container)
const blockSize = 256 * 2 ** 10
let opened = 0
describeConformance({ describe: describe.skipIf(service === undefined), test }, 'AzureBackend', {
  open: async () => {
    opened += 1
    return new AzureBackend(account, container, `a/${opened}`, { connectionString, blockSize })
  },
  reopen: async (backend) => {
    const path = new URL(backend.url).pathname.split('/').slice(2).join('/')
    return new AzureBackend(account, container, path, { connectionString, blockSize })
  },
  partBytes: blockSize,
  racingPuts: 'one succeeds',
})
