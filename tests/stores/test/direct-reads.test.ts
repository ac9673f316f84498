import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { S3Client } from '@aws-sdk/client-s3'
import { adapter as azure } from '@holdfast/adapter-azure'
import { adapter as gcs } from '@holdfast/adapter-gcs'
import { adapter as s3 } from '@holdfast/adapter-s3'
import { type BackendAdapter, chunksOf } from '@holdfast/core/backend'
import { directRequest, DirectTransfers } from '@holdfast/core/connections'
import { afterEach, describe, expect, test, vi } from 'vitest'

const object = Buffer.from(Array.from({ length: 9 * 2 ** 20 + 1 }, (_, index) => (index * 7919) >> 8))
const firstBytes = 8 * 2 ** 20

const certificate = new URL('./support/localhost.pem', import.meta.url)
const identity = {
  cert: readFileSync(certificate),
  key: readFileSync(new URL('./support/localhost-key.pem', import.meta.url)),
}

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

interface Request {
  readonly url: URL
  readonly headers: IncomingHttpHeaders
}

/**
 * A store of any kind that holds one object. `sized` is false for a response that does not state its size, and `overloaded` is
 * the number of the request that it refuses.
 */
async function serving(sized: (request: number) => boolean, { secure = false, overloaded = -1 } = {}) {
  const requests: Request[] = []
  const respond: RequestListener = (request, response) => {
    requests.push({ url: new URL(request.url ?? '', 'http://store'), headers: request.headers })
    const range = request.headers.range ?? request.headers['x-ms-range']
    const [, start = '0', end = ''] = /^bytes=(\d+)-(\d+)$/.exec(String(range)) ?? []
    const body = object.subarray(Number(start), Number(end) + 1)
    if (requests.length - 1 === overloaded) {
      response.writeHead(503, { 'content-length': 0 }).end()
      return
    }
    response.writeHead(206, {
      etag: '"e"',
      'last-modified': new Date(0).toUTCString(),
      'content-range': `bytes ${start}-${Number(start) + body.byteLength - 1}/${object.byteLength}`,
      'x-goog-generation': '7',
      'x-goog-stored-content-length': object.byteLength,
      'x-ms-request-id': 'r',
      ...(sized(requests.length - 1) ? { 'content-length': body.byteLength } : {}),
    })
    response.end(body)
  }
  const server = secure ? createSecureServer(identity, respond) : createServer(respond)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanUps.push(() => server.close())
  return {
    requests,
    endpoint: `${secure ? 'https://localhost' : 'http://127.0.0.1'}:${(server.address() as AddressInfo).port}`,
  }
}

async function readAll(
  adapter: BackendAdapter,
  url: string,
  options: Readonly<Record<string, unknown>>,
  attempts = 1,
): Promise<Buffer> {
  const retry = { attempts, minDelay: 1, maxDelay: 1 }
  const backend = await adapter.open(new URL(url), { retry, ...options })
  cleanUps.push(() => backend.close())
  const seen: Buffer[] = []
  for await (const chunk of chunksOf(await backend.read("it's/a (k)"), object.byteLength))
    seen.push(Buffer.from(chunk))
  return Buffer.concat(seen)
}

/** The clients of Node.js send this header, and direct connections do not. */
const isDirect = ({ headers }: Request): boolean => headers.connection === undefined

const credentials = { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c' }
const accountKey = Buffer.alloc(64).toString('base64')

describe.each<
  [
    string,
    BackendAdapter,
    string,
    (endpoint: string) => Readonly<Record<string, unknown>>,
    (request: Request) => void,
  ]
>([
  [
    'S3',
    s3,
    's3://bucket/a',
    (endpoint) => ({ endpoint, region: 'r', credentials }),
    ({ headers }) => {
      expect(headers.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=a\//)
      expect(headers).toMatchObject({ 'x-amz-security-token': 'c', 'if-match': '"e"' })
    },
  ],
  [
    'Google Cloud Storage',
    gcs,
    'gs://bucket/a',
    (endpoint) => ({ endpoint }),
    ({ url }) => {
      expect(Object.fromEntries(url.searchParams)).toEqual({ alt: 'media', generation: '7' })
    },
  ],
  [
    'Azure, with a key',
    azure,
    'az://account/container/a',
    (endpoint) => ({ endpoint: `${endpoint}/account`, accountKey }),
    ({ url, headers }) => {
      expect(url.searchParams.get('sp')).toBe('r')
      expect(url.searchParams.get('sig')).not.toBeNull()
      expect(headers['if-match']).toBe('"e"')
    },
  ],
  [
    'Azure, with a signature in the URL',
    azure,
    'az://account/container/a',
    (endpoint) => ({ endpoint: `${endpoint}/account`, sasToken: 'sig=abc%2B&sp=rl' }),
    ({ url }) => {
      expect(Object.fromEntries(url.searchParams)).toEqual({ sig: 'abc+', sp: 'rl' })
    },
  ],
])('a large object of %s', (_, adapter, url, options, checkCredentials) => {
  test('is read directly after its first bytes, with the credentials of the SDK', async () => {
    const { requests, endpoint } = await serving(() => true)
    expect((await readAll(adapter, url, options(endpoint))).equals(object)).toBe(true)
    expect(requests.map(isDirect)).toEqual([false, true])
    const [first, rest] = requests
    expect(rest?.url.pathname).toBe(first?.url.pathname)
    expect(rest?.headers.range).toBe(`bytes=${firstBytes}-${object.byteLength - 1}`)
    if (rest !== undefined) checkCredentials(rest)
  })

  test('is requested again if the store is overloaded', async () => {
    const { requests, endpoint } = await serving(() => true, { overloaded: 1 })
    expect((await readAll(adapter, url, options(endpoint), 2)).equals(object)).toBe(true)
    expect(requests.map(isDirect)).toEqual([false, true, true])
  })

  test('is read by the SDK if the response cannot be read directly', async () => {
    const { requests, endpoint } = await serving((request) => request !== 1)
    expect((await readAll(adapter, url, options(endpoint))).equals(object)).toBe(true)
    expect(requests.map(isDirect)).toEqual([false, true, false])
  })
})

test('a ready-made client reads large objects alone', async () => {
  const { requests, endpoint } = await serving(() => true)
  const client = new S3Client({ endpoint, region: 'r', forcePathStyle: true, credentials })
  cleanUps.push(() => {
    client.destroy()
  })
  expect((await readAll(s3, 's3://bucket/a', { client })).equals(object)).toBe(true)
  expect(requests.map(isDirect)).toEqual([false, false])
})

test('a login to Azure sends its token with direct reads, over TLS', async () => {
  vi.stubEnv('AWS_CA_BUNDLE', certificate.pathname)
  cleanUps.push(() => vi.unstubAllEnvs())
  const { requests, endpoint } = await serving(() => true, { secure: true })
  const credential = { getToken: async () => ({ token: 't', expiresOnTimestamp: Date.now() + 3_600_000 }) }
  const options = { endpoint: `${endpoint}/account`, credential }
  expect((await readAll(azure, 'az://account/container/a', options)).equals(object)).toBe(true)
  expect(requests.map(isDirect)).toEqual([false, true])
  expect(requests[1]?.headers.authorization).toBe('Bearer t')
})

test('a thread trusts the certificate authorities that the program set', async () => {
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, identity.cert.toString()])
  cleanUps.push(() => {
    setDefaultCACertificates(before)
  })
  const { endpoint } = await serving(() => true, { secure: true })
  const transfers = new DirectTransfers({}, 2)
  cleanUps.push(() => {
    transfers.destroy()
  })
  const request = directRequest(new URL(`${endpoint}/k`), { range: 'bytes=0-9' })
  if (request === undefined) throw new Error('The URL has no request')
  // If no thread starts, there is a warning, and this thread receives.
  const warned = vi.spyOn(process, 'emitWarning')
  cleanUps.push(() => {
    warned.mockRestore()
  })
  const response = await transfers.receiver(true).get(request, undefined)
  cleanUps.push(() => response?.body.destroy())
  expect(response?.status).toBe(206)
  expect(warned).not.toHaveBeenCalled()
})
