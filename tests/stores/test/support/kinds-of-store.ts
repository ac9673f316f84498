import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { BlobServiceClient } from '@azure/storage-blob'
import { adapter as azure } from '@holdfast/adapter-azure'
import { adapter as fs } from '@holdfast/adapter-fs'
import { adapter as gcs } from '@holdfast/adapter-gcs'
import { adapter as s3 } from '@holdfast/adapter-s3'
import { startGcsEmulator, startS3Emulator } from '@holdfast/emulators'
import type { BackendAdapter } from '@holdfast/core'
import { isAvailable, type S3Connection } from '@holdfast/test-servers'
import { afterAll, inject } from 'vitest'

/** The location of a store. */
export interface Place {
  readonly url: string
  /** The environment variables that the adapter requires, such as credentials. */
  readonly env: Readonly<Record<string, string>>
}

/** One kind of store, on one server. */
export interface KindOfStore {
  readonly name: string
  readonly adapter: BackendAdapter
  /** The address of the server. `undefined` for a disk. */
  readonly endpoint: string | undefined
  /** The size in bytes from which a file is uploaded in several requests. */
  readonly partBytes: number
  /** Returns a new place. `endpoint` replaces the address of the server, for example with that of a proxy. */
  place(endpoint?: string): Place
  /** Returns the same place with another endpoint. */
  through(place: Place, endpoint: string): Place
}

const partBytes = 8 * 2 ** 20

/** Returns a disk, the emulators and the available real servers. The summary of the run lists unavailable servers. */
export async function kindsOfStore(): Promise<readonly KindOfStore[]> {
  const servers = inject('servers')
  const kinds: KindOfStore[] = [disk()]
  for (const server of [servers.minio, servers.s3proxy]) {
    if (server !== undefined && isAvailable(server))
      kinds.push(await s3On(`s3 on ${server.name}`, server.connection))
  }
  const emulated = await emulators()
  kinds.push(...emulated)
  const google = servers['fake-gcs-server']
  if (google !== undefined && isAvailable(google))
    kinds.push(await gcsOn(`gs on ${google.name}`, google.connection.endpoint))
  const { azurite } = servers
  if (azurite !== undefined && isAvailable(azurite))
    kinds.push(await azureOn(`az on ${azurite.name}`, azurite.connection.connectionString))
  return kinds
}

/** Starts emulators that keep objects on disk, because the tests store large objects. */
async function emulators(): Promise<readonly KindOfStore[]> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-emulators-'))
  const amazon = await startS3Emulator({ directory: join(directory, 's3'), buckets: ['emulated'] })
  const google = await startGcsEmulator({ directory: join(directory, 'gcs') })
  afterAll(async () => {
    await amazon.close()
    await google.close()
    rmSync(directory, { recursive: true })
  })
  const { endpoint, region, credentials } = amazon
  return [
    await s3On('s3 on the emulator', { endpoint, region, ...credentials, bucket: 'emulated' }),
    await gcsOn('gs on the emulator', google.endpoint),
  ]
}

function disk(): KindOfStore {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-stores-'))
  return {
    name: 'a disk',
    adapter: fs,
    endpoint: undefined,
    partBytes: 4 * 2 ** 20,
    place: () => ({ url: join(folder, randomUUID()), env: {} }),
    through: (place) => place,
  }
}

async function s3On(name: string, connection: S3Connection): Promise<KindOfStore> {
  const { endpoint, region, bucket: existing, accessKeyId, secretAccessKey } = connection
  const bucket = existing ?? `holdfast-${randomUUID()}`
  if (existing === undefined) {
    const client = new S3Client({
      endpoint,
      region,
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    })
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    client.destroy()
  }
  return {
    name,
    adapter: s3,
    endpoint,
    partBytes,
    place: (through = endpoint) => ({
      url: `s3://${bucket}/${randomUUID()}?endpoint=${through}&region=${region}`,
      env: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    }),
    through: ({ url, env }, through) => ({ url: url.replace(endpoint, through), env }),
  }
}

async function gcsOn(name: string, endpoint: string): Promise<KindOfStore> {
  const bucket = `holdfast-${randomUUID()}`
  const response = await fetch(`${endpoint}/storage/v1/b?project=test`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: bucket }),
  })
  if (!response.ok) throw new Error(`The bucket ${bucket} could not be created: ${await response.text()}`)
  return {
    name,
    adapter: gcs,
    endpoint,
    partBytes,
    place: (through = endpoint) => ({ url: `gs://${bucket}/${randomUUID()}?endpoint=${through}`, env: {} }),
    through: ({ url, env }, through) => ({ url: url.replace(endpoint, through), env }),
  }
}

async function azureOn(name: string, connectionString: string): Promise<KindOfStore> {
  const container = `holdfast-${randomUUID()}`
  const service = BlobServiceClient.fromConnectionString(connectionString)
  await service.getContainerClient(container).create()
  const { origin } = new URL(service.url)
  return {
    name,
    adapter: azure,
    endpoint: origin,
    partBytes,
    place: (through = origin) => ({
      url: `az://${service.accountName}/${container}/${randomUUID()}`,
      env: { AZURE_STORAGE_CONNECTION_STRING: connectionString.replaceAll(origin, through) },
    }),
    through: ({ url }, through) => ({
      url,
      env: { AZURE_STORAGE_CONNECTION_STRING: connectionString.replaceAll(origin, through) },
    }),
  }
}
