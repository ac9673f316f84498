import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { BlobServiceClient } from '@azure/storage-blob'
import { adapter as azure } from '@holdfast/adapter-azure'
import { adapter as fs } from '@holdfast/adapter-fs'
import { adapter as gcs } from '@holdfast/adapter-gcs'
import { adapter as s3 } from '@holdfast/adapter-s3'
import { startGcsEmulator, startS3Emulator } from '@holdfast/emulators'
import { startServer } from '@holdfast/test-servers'
import { UsageError } from '../../../scripts/parts/command-line.ts'

export const adapters = [fs, s3, gcs, azure]

/** A place at which an attack creates stores. */
export interface Place extends AsyncDisposable {
  /** The name in the report, such as `a disk` or `MinIO`. */
  readonly name: string
  /** Environment variables that actors require, such as credentials. */
  readonly env: Readonly<Record<string, string>>
  /** Returns the URL of a new store. */
  newStore(): string
  /** Keeps the files of the place after it is closed, and returns their folder. A server keeps none. */
  keep(): string
}

type OpenedPlace = Omit<Place, 'keep'>

export const placeNames = ['disk', 's3', 'gcs', 'azure'] as const
export type PlaceName = (typeof placeNames)[number]

/** Returns the places of a command line, by default all. Throws `UsageError` if one does not exist. */
export function chosenPlaces(names: readonly string[]): readonly PlaceName[] {
  return names.length === 0 ? placeNames : names.map(placeName)
}

function placeName(text: string): PlaceName {
  const found = placeNames.find((name) => name === text)
  if (found !== undefined) return found
  throw new UsageError(`The place ${text} does not exist. Choose from: ${placeNames.join(', ')}.`)
}

/** Opens a place: a disk, or a server. If no real server is available, starts the emulator. */
export async function openPlace(name: PlaceName): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-attack-'))
  try {
    const place = await open(name, folder)
    let isKept = false
    return {
      ...place,
      keep: () => {
        isKept = true
        return folder
      },
      [Symbol.asyncDispose]: async () => {
        await place[Symbol.asyncDispose]()
        if (!isKept) await rm(folder, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

function open(name: PlaceName, folder: string): Promise<OpenedPlace> {
  switch (name) {
    case 'disk':
      return Promise.resolve({
        name: 'a disk',
        env: {},
        newStore: () => join(folder, randomUUID()),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      })
    case 's3':
      return openS3(folder)
    case 'gcs':
      return openGcs(folder)
    case 'azure':
      return openAzure()
  }
}

async function openS3(folder: string): Promise<OpenedPlace> {
  const bucket = `holdfast-${randomUUID()}`
  for (const kind of ['minio', 's3proxy'] as const) {
    const server = await startServer(kind)
    if (server.how === 'unavailable') continue
    const { endpoint, region, accessKeyId, secretAccessKey } = server.connection
    const credentials = { accessKeyId, secretAccessKey }
    const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials })
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    client.destroy()
    return s3Place(server.name, bucket, endpoint, region, credentials, server.stop)
  }
  const emulator = await startS3Emulator({ directory: join(folder, 's3'), buckets: [bucket] })
  const { endpoint, region, credentials } = emulator
  return s3Place('the S3 emulator', bucket, endpoint, region, credentials, () => emulator.close())
}

function s3Place(
  name: string,
  bucket: string,
  endpoint: string,
  region: string,
  { accessKeyId, secretAccessKey }: { readonly accessKeyId: string; readonly secretAccessKey: string },
  stop: () => Promise<void>,
): OpenedPlace {
  return {
    name,
    env: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    newStore: () => `s3://${bucket}/${randomUUID()}?endpoint=${endpoint}&region=${region}`,
    [Symbol.asyncDispose]: stop,
  }
}

async function openGcs(folder: string): Promise<OpenedPlace> {
  const bucket = `holdfast-${randomUUID()}`
  const server = await startServer('fake-gcs-server')
  if (server.how === 'unavailable') {
    const emulator = await startGcsEmulator({ directory: join(folder, 'gcs'), buckets: [bucket] })
    return gcsPlace('the GCS emulator', bucket, emulator.endpoint, () => emulator.close())
  }
  const { endpoint } = server.connection
  const response = await fetch(`${endpoint}/storage/v1/b?project=test`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: bucket }),
  })
  if (!response.ok) throw new Error(`The bucket ${bucket} could not be created: ${await response.text()}`)
  return gcsPlace(server.name, bucket, endpoint, server.stop)
}

function gcsPlace(name: string, bucket: string, endpoint: string, stop: () => Promise<void>): OpenedPlace {
  return {
    name,
    env: {},
    newStore: () => `gs://${bucket}/${randomUUID()}?endpoint=${endpoint}`,
    [Symbol.asyncDispose]: stop,
  }
}

async function openAzure(): Promise<OpenedPlace> {
  const server = await startServer('azurite')
  if (server.how === 'unavailable') throw new Error(`No Azure server is available: ${server.reason}.`)
  const { connectionString } = server.connection
  const container = `holdfast-${randomUUID()}`
  const service = BlobServiceClient.fromConnectionString(connectionString)
  await service.getContainerClient(container).create()
  return {
    name: server.name,
    env: { AZURE_STORAGE_CONNECTION_STRING: connectionString },
    newStore: () => `az://${service.accountName}/${container}/${randomUUID()}`,
    [Symbol.asyncDispose]: server.stop,
  }
}
