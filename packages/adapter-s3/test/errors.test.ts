import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sha256Hex } from '@holdfast/core/backend'
import { startS3Emulator } from '@holdfast/emulators'
import { startProxy } from '@holdfast/emulators/proxy'
import { expect, onTestFinished, test } from 'vitest'
import { S3Backend } from '../src/index.ts'

const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
const retry = { attempts: 3, minDelay: 1, maxDelay: 1 }

/** Returns a backend on a server that responds to each request by its number, which begins with 1. */
async function on(
  respond: (number: number, request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ readonly backend: S3Backend; readonly requests: () => number }> {
  let requests = 0
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      requests += 1
      respond(requests, request, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const backend = new S3Backend('bucket', 'a', { endpoint, credentials, retry, checksum: 'none' })
  onTestFinished(async () => {
    await backend.close()
    server.closeAllConnections()
    server.close()
  })
  return { backend, requests: () => requests }
}

function refuse(response: ServerResponse, status: number, code: string, headers = {}): void {
  response.writeHead(status, { 'x-amz-request-id': 'r', 'content-type': 'application/xml', ...headers })
  response.end(`<Error><Code>${code}</Code><Message>No</Message></Error>`)
}

test('sends a request again with the time of the store if the clock of this machine is wrong', async () => {
  const { backend, requests } = await on((number, _, response) => {
    const date = new Date(Date.now() + 3_600_000).toUTCString()
    if (number === 1) refuse(response, 403, 'RequestTimeTooSkewed', { date })
    else
      response
        .writeHead(200, { date, 'x-amz-request-id': 'r' })
        .end('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>')
  })
  expect(await Array.fromAsync(backend.list(''))).toEqual([])
  expect(requests()).toBe(2)
})

test('names the possible reasons of a response to HEAD that states none', async () => {
  const { backend, requests } = await on((_, request, response) => {
    response
      .writeHead(request.url?.endsWith('region') === true ? 400 : 403, { 'x-amz-request-id': 'r' })
      .end()
  })
  await expect(backend.stat('region')).rejects.toThrow(/credentials have expired.*region/)
  await expect(backend.stat('clock')).rejects.toThrow(/s3:ListBucket.*clock/)
  await expect(backend.stat('clock')).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
  expect(requests()).toBe(3)
})

test('reports an object that is deleted during a read as one that changed', async () => {
  const { backend } = await on((number, _, response) => {
    if (number > 1) {
      refuse(response, 404, 'NoSuchKey')
      return
    }
    response.writeHead(206, {
      etag: '"1"',
      'last-modified': new Date(0).toUTCString(),
      'content-range': 'bytes 0-9/10',
      'content-length': 10,
    })
    response.write('hello', () => response.destroy())
  })
  const { body } = await backend.read('k')
  const reading = new Response(body).text()
  await expect(reading).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  await expect(reading).rejects.toThrow('was replaced or deleted during the read')
})

/** Returns a backend on an emulator that has discarded its upload when one of the first requests of an operation arrives. */
async function withDiscardedUploads(
  discarded: string,
  times: number,
): Promise<{ readonly backend: S3Backend; readonly count: (operation: string) => number }> {
  const emulator = await startS3Emulator({ buckets: ['bucket'] })
  let left = times
  const proxy = await startProxy({
    target: emulator.endpoint,
    plan: ({ operation }) => {
      if (operation !== discarded || left === 0) return undefined
      left -= 1
      return { kind: 'status', status: 409, code: 'NoSuchUpload' }
    },
  })
  const { region, credentials: known } = emulator
  const options = { endpoint: proxy.url, region, credentials: known, retry, parallel: 1 }
  const backend = new S3Backend('bucket', 'a', { ...options, partSize: '5MiB' })
  onTestFinished(async () => {
    await backend.close()
    await proxy.close()
    await emulator.close()
  })
  return { backend, count: (operation) => proxy.requests.count(operation) }
}

const threeParts = Buffer.alloc(11 * 2 ** 20, 'parts')

async function* streamed(): AsyncGenerator<Uint8Array> {
  yield threeParts
}

test('sends no part again to an upload that the store has discarded', async () => {
  const { backend, count } = await withDiscardedUploads('UploadPart', Infinity)
  const put = backend.put('k', streamed())
  await expect(put).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false })
  await expect(put).rejects.toThrow('discarded the unfinished upload')
  expect(count('UploadPart')).toBe(1)
})

test.each([undefined, { sha256: sha256Hex(threeParts) }])(
  'begins a new upload if another program sweeps one, with the option resume %o',
  async (resume) => {
    const { backend, count } = await withDiscardedUploads('UploadPart', 0)
    let sweeps = 0
    async function* swept(start: number): AsyncGenerator<Uint8Array> {
      yield threeParts.subarray(start, 10 * 2 ** 20)
      sweeps += 1
      if (sweeps === 1) await backend.sweep({ olderThan: 0 })
      yield threeParts.subarray(10 * 2 ** 20)
    }
    const size = threeParts.byteLength
    const source = { open: async (start: number) => swept(start) }
    await backend.put('k', source, { size, ...(resume === undefined ? {} : { resume }) })
    expect(count('CreateMultipartUpload')).toBe(2)
    const { body } = await backend.read('k')
    expect(Buffer.concat(await Array.fromAsync(body)).equals(threeParts)).toBe(true)
  },
)

test('begins a new upload if the store has discarded one when it is completed', async () => {
  const { backend, count } = await withDiscardedUploads('CompleteMultipartUpload', retry.attempts)
  expect(await backend.put('k', threeParts)).toMatchObject({ size: threeParts.byteLength })
  expect(count('CreateMultipartUpload')).toBe(2)
})

test('gives up a put whose uploads are discarded again and again', async () => {
  const { backend, count } = await withDiscardedUploads('UploadPart', Infinity)
  await expect(backend.put('k', threeParts)).rejects.toThrow('discarded the unfinished upload')
  expect(count('CreateMultipartUpload')).toBe(3)
})

test.each([
  ['a web page', { 'content-type': 'text/html' }, '<html><body>No server is available</body></html>', 3],
  ['an empty response', {}, '', 3],
  [
    'a refusal of the store',
    { 'content-type': 'application/xml' },
    '<Error><Code>SlowDown</Code><Message>No</Message></Error>',
    5,
  ],
  ['an empty response with the id of a request', { 'x-amz-request-id': 'r' }, '', 5],
])('takes a 503 for an overload only if the store sent it: %s', async (_, headers, body, attempts) => {
  const { backend, requests } = await on((_number, _request, response) => {
    response.writeHead(503, { 'retry-after': '3600', ...headers }).end(body)
  })
  await expect(Array.fromAsync(backend.list(''))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  expect(requests()).toBe(attempts)
})

test('does not take a 400 with a reason for a lack of permission', async () => {
  const { backend } = await on((_, _request, response) => {
    refuse(response, 400, 'BadRequest')
  })
  const listed = Array.fromAsync(backend.list(''))
  await expect(listed).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  await expect(listed).rejects.toThrow('(BadRequest: No)')
})

test.each([
  ['another code', '<Error><Code>BadRequest</Code><Message>No</Message></Error>'],
  ['no body', ''],
])('deletes one by one if a service refuses a batch with a 400 that has %s', async (_, body) => {
  const { backend, requests } = await on((_number, { method }, response) => {
    const status = method === 'POST' ? 400 : 204
    response.writeHead(status, { 'x-amz-request-id': 'r', 'content-type': 'application/xml' })
    response.end(method === 'POST' ? body : '')
  })
  expect(await backend.delete(['a', 'b'])).toEqual({ deleted: ['a', 'b'], failed: [] })
  expect(requests()).toBe(3)
  expect(await backend.delete(['c', 'd'])).toEqual({ deleted: ['c', 'd'], failed: [] })
  expect(requests()).toBe(5) // the service got no second batch
})

test('counts an object as deleted if the response is a 404 without a body, and not with another code', async () => {
  const { backend } = await on((_, { url = '' }, response) => {
    if (url.includes('other')) refuse(response, 404, 'NoSuchAccessPoint')
    else response.writeHead(404, { 'x-amz-request-id': 'r' }).end()
  })
  expect(await backend.delete(['gone'])).toEqual({ deleted: ['gone'], failed: [] })
  await expect(backend.delete(['other'])).rejects.toMatchObject({ code: 'NOT_FOUND' })
})
