import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { S3Client } from '@aws-sdk/client-s3'
import { chunksOf } from '@holdfast/core/backend'
import { afterEach, expect, test } from 'vitest'
import { S3Backend, type S3Options } from '../src/index.ts'

const object = Buffer.from(Array.from({ length: 9 * 2 ** 20 + 1 }, (_, index) => (index * 7919) >> 8))

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

/** A store that holds one object. `sized` is false for responses that do not state their size. */
async function storing(
  sized: (request: number) => boolean,
  more: (endpoint: string) => S3Options = () => ({}),
) {
  const requests: IncomingHttpHeaders[] = []
  const server = createServer((request, response) => {
    requests.push(request.headers)
    const [, start = '0', end = ''] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    const body = object.subarray(Number(start), Number(end) + 1)
    response.writeHead(206, {
      etag: '"e"',
      'last-modified': new Date(0).toUTCString(),
      'content-range': `bytes ${start}-${Number(start) + body.byteLength - 1}/${object.byteLength}`,
      ...(sized(requests.length - 1) ? { 'content-length': body.byteLength } : {}),
    })
    response.end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c' }
  const backend = new S3Backend('bucket', 'a (b)', {
    endpoint,
    region: 'r',
    credentials,
    retry: { attempts: 1, minDelay: 1, maxDelay: 1 },
    ...more(endpoint),
  })
  cleanUps.push(
    () => backend.close(),
    () => server.close(),
  )
  const read = async (): Promise<Buffer> => {
    const seen: Buffer[] = []
    for await (const chunk of chunksOf(await backend.read("it's/k"), object.byteLength))
      seen.push(Buffer.from(chunk))
    return Buffer.concat(seen)
  }
  return { requests, read, list: () => Array.fromAsync(backend.list('')) }
}

/** The clients of Node.js send this header, and direct connections do not. */
const isDirect = ({ connection }: IncomingHttpHeaders): boolean => connection === undefined

test('reads all but the first bytes of a large object directly, with the credentials of the SDK', async () => {
  const { requests, read } = await storing(() => true)
  expect((await read()).equals(object)).toBe(true)
  expect(requests.map(isDirect)).toEqual([false, true])
  expect(requests[1]?.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=a\//)
  expect(requests[1]).toMatchObject({
    'x-amz-security-token': 'c',
    'if-match': '"e"',
    range: `bytes=${8 * 2 ** 20}-${object.byteLength - 1}`,
  })
})

test('lists with the SDK alone', async () => {
  const { requests, list } = await storing(() => true)
  await list().catch(() => undefined) // this store has no lists
  expect(requests.map(isDirect)).toEqual([false])
})

test('lets the SDK send a request again whose response cannot be read directly', async () => {
  const { requests, read } = await storing((request) => request !== 1)
  expect((await read()).equals(object)).toBe(true)
  expect(requests.map(isDirect)).toEqual([false, true, false])
})

test('reads with a ready-made client alone', async () => {
  const { requests, read } = await storing(
    () => true,
    (endpoint) => ({
      client: new S3Client({
        endpoint,
        region: 'r',
        forcePathStyle: true,
        credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      }),
    }),
  )
  expect((await read()).equals(object)).toBe(true)
  expect(requests.map(isDirect)).toEqual([false, false])
})
