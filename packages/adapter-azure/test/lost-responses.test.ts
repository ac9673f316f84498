import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ConcurrentHash } from '@holdfast/core/backend'
import { expect, onTestFinished, test, vi } from 'vitest'
import { AzureBackend } from '../src/index.ts'

const accountKey = Buffer.alloc(64, 1).toString('base64')
const retry = { attempts: 3, minDelay: 0, maxDelay: 0 }

type Respond = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => void

/** Returns a backend on a server that gets the whole body of each request before it responds. */
async function on(respond: Respond): Promise<AzureBackend> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      respond(request, response, new URL(request.url ?? '/', 'http://store').searchParams)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/account`
  const backend = new AzureBackend('account', 'container', 'a', {
    endpoint,
    accountKey,
    retry,
    blockSize: 1000,
  })
  onTestFinished(async () => {
    await backend.close()
    server.closeAllConnections()
    server.close()
  })
  return backend
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'x-ms-request-id': 'r', 'x-ms-error-code': code }).end()
}

/** Responds as a container with an immutability policy that has stored `bytes`, and loses the response to the first put. */
function immutable(bytes: Uint8Array): Respond {
  let puts = 0
  return ({ method }, response) => {
    if (method === 'PUT') puts += 1
    if (method === 'PUT' && puts === 1) response.destroy()
    else if (method === 'PUT') refuse(response, 409, 'BlobImmutableDueToPolicy')
    else
      response
        .writeHead(200, {
          'x-ms-request-id': 'r',
          etag: '"1"',
          'last-modified': new Date(0).toUTCString(),
          'content-length': bytes.byteLength,
          'content-md5': createHash('md5').update(bytes).digest('base64'),
        })
        .end()
  }
}

test('finds the blob of a put whose response was lost although a policy protects it', async () => {
  const backend = await on(immutable(Buffer.from('ours')))
  expect(await backend.put('k', Buffer.from('ours'))).toMatchObject({ size: 4, revision: '1' })
})

test('rejects a put whose response was lost if a policy protects another blob', async () => {
  const backend = await on(immutable(Buffer.from('them')))
  await expect(backend.put('k', Buffer.from('ours'))).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
})

test('finds the blob of a put that was not verified although the look at it failed and a policy protects it', async () => {
  const respond = immutable(Buffer.from('ours'))
  const requests: string[] = []
  const backend = await on((request, response, query) => {
    requests.push(request.method ?? '')
    if (requests.length === 1)
      response
        .writeHead(201, { 'x-ms-request-id': 'r', etag: '"1"', 'last-modified': new Date(0).toUTCString() })
        .end()
    else if (requests.length === 2) refuse(response, 429, 'TooManyRequests')
    else if (request.method === 'PUT') refuse(response, 409, 'BlobImmutableDueToPolicy')
    else respond(request, response, query)
  })
  expect(await backend.put('k', Buffer.from('ours'))).toMatchObject({ size: 4, revision: '1' })
  expect(requests).toEqual(['PUT', 'HEAD', 'PUT', 'HEAD'])
})

test('rejects a put with the refusal of the store if the credentials do not allow a look at the blob', async () => {
  let puts = 0
  const backend = await on(({ method }, response) => {
    if (method === 'PUT') puts += 1
    if (method === 'PUT' && puts === 1) response.destroy()
    else if (method === 'PUT') refuse(response, 403, 'UnauthorizedBlobOverwrite')
    else refuse(response, 503, 'ServerBusy')
  })
  const put = backend.put('k', Buffer.from('ours'))
  await expect(put).rejects.toThrow('The object exists, and the credentials do not allow replacing it')
  expect(puts).toBe(2)
})

test('ends the hash of an interrupted put that a later put may continue', async () => {
  const abandon = vi.spyOn(ConcurrentHash.prototype, 'abandon')
  onTestFinished(() => {
    abandon.mockRestore()
  })
  const backend = await on(({ method }, response) => {
    if (method === 'GET') refuse(response, 404, 'BlobNotFound')
    else response.destroy()
  })
  const bytes = Buffer.alloc(3000, 1)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  await expect(backend.put('k', bytes, { resume: { sha256 } })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  expect(abandon).toHaveBeenCalled()
})

test.each([
  ['a web page', { 'content-type': 'text/html' }, '<html><body>No server is available</body></html>', 3],
  ['an empty response', {}, '', 3],
  ['a refusal of the store', { 'x-ms-error-code': 'ServerBusy' }, '', 5],
  ['an empty response with the id of a request', { 'x-ms-request-id': 'r' }, '', 5],
])('takes a 503 for an overload only if the store sent it: %s', async (_, headers, body, attempts) => {
  let requests = 0
  const backend = await on((_request, response) => {
    requests += 1
    response.writeHead(503, headers).end(body)
  })
  await expect(Array.fromAsync(backend.list(''))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  expect(requests).toBe(attempts)
})
