import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { BlobServiceClient } from '@azure/storage-blob'
import { startGcsEmulator, startS3Emulator } from '@holdfast/emulators'
import { startServer } from '@holdfast/test-servers'
import { expect, type TestContext } from 'vitest'
import { emptyFolder } from './bundles.ts'

const execute = promisify(execFile)

/** A place in an object store, and the credentials for it. */
interface Place extends AsyncDisposable {
  readonly url: string
  readonly env: Readonly<Record<string, string>>
}

/** Starts a server, and returns a place on it, or the reason why there is none. */
type Start = () => Promise<Place | string>

/** A server for each adapter of an object store. */
export const objectStores = {
  s3: async () => {
    const server = await startS3Emulator({ buckets: ['checkpoints'] })
    const { endpoint, region, credentials } = server
    return {
      url: `s3://checkpoints/a?endpoint=${endpoint}&region=${region}`,
      env: { AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey },
      [Symbol.asyncDispose]: () => server.close(),
    }
  },
  gcs: async () => {
    const server = await startGcsEmulator({ buckets: ['checkpoints'] })
    return {
      url: `gs://checkpoints/a?endpoint=${server.endpoint}`,
      env: {},
      [Symbol.asyncDispose]: () => server.close(),
    }
  },
  azure: async () => {
    const server = await startServer('azurite')
    if (server.how === 'unavailable') return `Azurite is not available: ${server.reason}`
    const { connectionString } = server.connection
    const { accountName } = await createContainer(connectionString)
    return {
      url: `az://${accountName}/checkpoints/a`,
      env: { AZURE_STORAGE_CONNECTION_STRING: connectionString },
      [Symbol.asyncDispose]: () => server.stop(),
    }
  },
} as const satisfies Readonly<Record<string, Start>>

async function createContainer(connectionString: string): Promise<BlobServiceClient> {
  const service = BlobServiceClient.fromConnectionString(connectionString)
  await service.getContainerClient('checkpoints').createIfNotExists()
  return service
}

/** Expects that a bundled program saves and restores a large file with this number of threads. */
export async function savesAndRestoresLarge(
  module: string,
  start: Start,
  threads: number,
  skip: TestContext['skip'],
): Promise<void> {
  const place = await start()
  if (typeof place === 'string') return skip(place)
  await using _ = place
  const { url, env } = place
  const to = join(await emptyFolder(), 'resume')
  const { stdout } = await execute(process.execPath, [module, url, to, String(threads)], {
    env: { ...process.env, ...env },
  })
  expect(stdout).toBe('restored step 1\n')
}
