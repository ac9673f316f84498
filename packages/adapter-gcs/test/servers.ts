import { randomUUID } from 'node:crypto'
import { startGcsEmulator } from '@holdfast/emulators'
import { isAvailable } from '@holdfast/test-servers'
import { afterAll, inject } from 'vitest'

/** A server with the JSON API, and a bucket on it. */
export interface TestServer {
  readonly name: string
  readonly bucket: string
  readonly endpoint: string
  /** The reasons of known faults of the server, by the title of the failing case. */
  readonly gaps: Readonly<Record<string, string>>
  /** The reasons of cases that sometimes fail because the server is too slow, by title. */
  readonly unsteady: Readonly<Record<string, string>>
}

/** fake-gcs-server keeps objects as files. */
const gapsOfFakeGcsServer = {
  'a resumable put continues what an interrupted put left':
    'fake-gcs-server ends an upload when it is asked for its status',
  'a key with a part of 255 bytes, the maximum, is stored unchanged':
    'fake-gcs-server writes an object to a file whose name is longer than the last part of the key',
}

const unsteadyOfFakeGcsServer = {
  'memory stays within maxBufferedBytes while a large object is stored and read':
    'fake-gcs-server hashes the whole object again with every chunk, which takes minutes for a large object',
}

/** Returns the servers of this run, which always include the emulator. */
export async function testServers(): Promise<readonly TestServer[]> {
  const server = inject('servers')['fake-gcs-server']
  const servers = [await emulator()]
  if (server === undefined || !isAvailable(server)) return servers
  const { endpoint } = server.connection
  const isFake = server.how !== 'environment'
  const gaps = isFake ? gapsOfFakeGcsServer : {}
  const unsteady = isFake ? unsteadyOfFakeGcsServer : {}
  return [...servers, { name: server.name, bucket: await newBucket(endpoint), endpoint, gaps, unsteady }]
}

async function emulator(): Promise<TestServer> {
  const emulated = await startGcsEmulator({ buckets: ['emulated'] })
  afterAll(() => emulated.close())
  return { name: 'the emulator', bucket: 'emulated', endpoint: emulated.endpoint, gaps: {}, unsteady: {} }
}

async function newBucket(endpoint: string): Promise<string> {
  const name = `holdfast-${randomUUID()}`
  const response = await fetch(`${endpoint}/storage/v1/b?project=test`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  })
  if (!response.ok) throw new Error(`The bucket could not be made: ${await response.text()}`)
  return name
}
