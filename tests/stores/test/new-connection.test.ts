import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { AzureBackend } from '@holdfast/adapter-azure'
import { GcsBackend } from '@holdfast/adapter-gcs'
import { S3Backend } from '@holdfast/adapter-s3'
import type { CheckpointBackend } from '@holdfast/core/backend'
import { afterEach, beforeEach, expect, test } from 'vitest'

const body = Buffer.from('the bytes of an object')
const used: Socket[] = []
let server: Server

/** A server that sends the same object to the clients of all stores, and records the connection of each request. */
beforeEach(async () => {
  used.length = 0
  server = createServer((request, response) => {
    used.push(request.socket)
    response.writeHead(206, {
      etag: '"1"',
      'last-modified': new Date(0).toUTCString(),
      'content-length': body.byteLength,
      'content-range': `bytes 0-${body.byteLength - 1}/${body.byteLength}`,
      'x-goog-generation': '1',
      'x-goog-stored-content-length': body.byteLength,
      'x-ms-request-id': '1',
      'x-ms-version': '2025-01-05',
    })
    response.end(body)
  })
  server.keepAliveTimeout = 0 // a connection stays open, however long the next request takes
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})

afterEach(async () => {
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  })
})

const backends: Readonly<Record<string, (endpoint: string) => CheckpointBackend>> = {
  S3: (endpoint) =>
    new S3Backend('bucket', '', { endpoint, credentials: { accessKeyId: 'id', secretAccessKey: 'secret' } }),
  GCS: (endpoint) => new GcsBackend('bucket', '', { endpoint, anonymous: true }),
  Azure: (endpoint) =>
    new AzureBackend('account', 'container', '', { endpoint: `${endpoint}/account`, anonymous: true }),
}

async function bytesOf(backend: CheckpointBackend, newConnection?: boolean): Promise<Buffer> {
  const object = await backend.read('key', { newConnection })
  return Buffer.concat(await Array.fromAsync(object.body))
}

test.each(Object.keys(backends))(
  'reads over a new connection if the option newConnection is true, on %s',
  async (name) => {
    const { port } = server.address() as AddressInfo
    const backend = backends[name]?.(`http://127.0.0.1:${port}`)
    if (backend === undefined) throw new Error(`The test has no backend for ${name}`)
    try {
      for (const newConnection of [false, undefined, true, true, false])
        expect(await bytesOf(backend, newConnection)).toEqual(body)
    } finally {
      await backend.close()
    }
    const [first, again, second, third, last] = used
    expect(again).toBe(first)
    expect(last).toBe(first)
    expect(new Set([first, second, third]).size).toBe(3)
  },
)
