import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { startS3Emulator } from '@holdfast/emulators'
import { CheckpointStore } from '@holdfast/core'
import { expect, onTestFinished, test } from 'vitest'
import { S3Backend } from '../src/index.ts'
import { Redirected, redirectOf } from '../src/redirect.ts'

const credentials = { accessKeyId: 'AKIAPASS', secretAccessKey: 'PASS-secret', sessionToken: 'PASS-token' }
const retry = { attempts: 1, minDelay: 0, maxDelay: 0 }

type Handler = (request: IncomingMessage, response: ServerResponse) => void

async function server(handler: Handler): Promise<string> {
  const running = createServer(handler)
  await new Promise<void>((resolve) => running.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    running.close()
    running.closeAllConnections()
  })
  return `http://127.0.0.1:${(running.address() as AddressInfo).port}`
}

/** A store with one object of five bytes, whose reads are redirected. */
async function redirectingTo(location: string, etags: readonly string[] = ['"1"']): Promise<S3Backend> {
  let heads = 0
  const endpoint = await server(({ method }, response) => {
    const etag = etags[Math.min(heads, etags.length - 1)] ?? ''
    const described = { etag, 'last-modified': new Date(0).toUTCString(), 'content-length': 5 }
    if (method === 'HEAD') heads += 1
    response.writeHead(method === 'HEAD' ? 200 : 302, method === 'HEAD' ? described : { location }).end()
  })
  const backend = new S3Backend('bucket', 'a', { endpoint, credentials, retry })
  onTestFinished(() => backend.close())
  return backend
}

const fiveBytes: Handler = (_, response) => {
  response
    .writeHead(206, { 'content-range': 'bytes 0-4/5', 'content-length': 5, etag: '"other"' })
    .end('hello')
}

async function textOf(backend: S3Backend): Promise<string> {
  return new Response((await backend.read('k')).body).text()
}

test('sends neither credentials nor headers of S3 to the host of a redirect', async () => {
  const seen: IncomingMessage[] = []
  const elsewhere = await server((request, response) => {
    seen.push(request)
    fiveBytes(request, response)
  })
  const backend = await redirectingTo(`${elsewhere}/path%20a?X-Signature=s%2Fg`)
  expect(await textOf(backend)).toBe('hello')
  expect((await backend.read('k')).stat.revision).toBe('1')
  expect(seen.map(({ url }) => url)).toContain('/path%20a?X-Signature=s%2Fg')
  for (const { headers, url } of seen) {
    expect(JSON.stringify([headers, url])).not.toContain('PASS')
    expect(Object.keys(headers).filter((name) => /^(x-amz-|authorization|cookie)/.test(name))).toEqual([])
  }
})

test('rejects a read if the object is replaced while its address is requested', async () => {
  const backend = await redirectingTo(await server(fiveBytes), ['"1"', '"2"'])
  await expect(backend.read('k')).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('was replaced') as string,
  })
})

test.each([
  ['an address without a scheme for files', 'file:///etc/passwd', /states no valid address/],
  ['no address', '', /states no valid address/],
])('rejects a redirect to %s', async (_, location, message) => {
  await expect((await redirectingTo(location)).read('k')).rejects.toThrow(message)
})

test('hides the address of a redirect from logs of its error', () => {
  const error = new Redirected(new URL('https://host/object?X-Signature=PASS'))
  expect(inspect(error, { showHidden: true, depth: 5 })).not.toContain('PASS')
  expect(JSON.stringify(error)).not.toContain('PASS')
  expect(error.location.search).toBe('?X-Signature=PASS')
})

test('refuses an address without TLS if the store was reached with TLS', () => {
  const request = { protocol: 'https:', hostname: 'store', path: '/k' }
  const response = { statusCode: 302, headers: { location: 'http://elsewhere/k' } }
  expect(() => redirectOf({ what: 'The read' }, request, response)).toThrow(/to an address without TLS/)
})

test('gives up after five redirects, and omits the address from errors', async () => {
  const elsewhere = await server((_, response) => {
    response.writeHead(302, { location: '/again?signature=PASS' }).end()
  })
  const error: unknown = await (await redirectingTo(elsewhere)).read('k').catch((thrown: unknown) => thrown)
  expect(String(error)).toContain('more than 5 times')
  expect(String(error)).not.toContain('PASS')
})

test('keeps a store on a service with redirected reads, no metadata and a path in its endpoint', async () => {
  await using emulator = await startS3Emulator({
    buckets: ['bucket'],
    basePath: '/namespace',
    redirectsReads: true,
    keepsMetadata: false,
  })
  const { endpoint, region, credentials: accepted } = emulator
  const options = { endpoint, region, credentials: accepted, checksum: 'none' } as const
  await using store = new CheckpointStore(new S3Backend('bucket', 'runs/a', options))
  const files = { 'model.bin': Buffer.alloc(100_000, 7) }
  await store.save({ step: 1, files })
  await store.save({ step: 2, files })
  expect((await store.list()).map(({ step }) => step)).toEqual([1, 2])
  expect(await store.verify()).toMatchObject({ problems: [] })
})
