import { readFileSync } from 'node:fs'
import {
  createServer as createHttpServer,
  request as requestOf,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { inspect } from 'node:util'
import { adapter as azure } from '@holdfast/adapter-azure'
import { adapter as gcs } from '@holdfast/adapter-gcs'
import { adapter as s3 } from '@holdfast/adapter-s3'
import { type BackendAdapter, isHoldfastError } from '@holdfast/core'
import { DirectConnections } from '@holdfast/core/connections'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'

const certificate = new URL('./support/localhost.pem', import.meta.url)
const connectRequests: string[] = []
/** The requests that the proxy got with the whole URL. */
const wholeUrls: string[] = []
let rejectsConnections = false

/**
 * A store with a certificate of a private authority. It denies every request, so `PERMISSION_DENIED` shows that a
 * request has arrived.
 */
const identity = {
  cert: readFileSync(certificate),
  key: readFileSync(new URL('./support/localhost-key.pem', import.meta.url)),
}
const store = createHttpsServer(identity, deny)
const plainStore = createHttpServer(deny)

function deny(_: unknown, response: ServerResponse): void {
  response.writeHead(403, { 'content-type': 'application/json', 'x-ms-error-code': 'AuthorizationFailure' })
  response.end()
}

const proxy = createHttpServer(({ url = '', headers }, response) => {
  if (rejectsConnections) {
    response.writeHead(407, { 'proxy-authenticate': 'Basic' }).end()
    return
  }
  wholeUrls.push(`${new URL(url).host} ${headers['proxy-authorization'] ?? ''}`.trim())
  const upstream = requestOf(url, { headers: { ...headers, host: new URL(url).host } }, (answer) => {
    response.writeHead(answer.statusCode ?? 500, answer.headers)
    answer.pipe(response)
  })
  upstream.on('error', () => response.destroy()).end()
}).on('connect', (request, client, head) => {
  connectRequests.push(`${request.url ?? ''} ${request.headers['proxy-authorization'] ?? ''}`.trim())
  if (rejectsConnections) {
    client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    return
  }
  const { hostname, port } = new URL(`http://${request.url ?? ''}`)
  const upstream = connect(Number(port), hostname, () => {
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    upstream.write(head)
    upstream.pipe(client).pipe(upstream)
  })
  for (const socket of [upstream, client]) {
    socket.on('error', () => {
      upstream.destroy()
      client.destroy()
    })
  }
})

/** Returns a port of this machine on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = createHttpServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const port = portOf(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

beforeAll(async () => {
  await new Promise<void>((resolve) => store.listen(0, resolve))
  await new Promise<void>((resolve) => plainStore.listen(0, resolve))
  await new Promise<void>((resolve) => proxy.listen(0, resolve))
})

afterAll(() => {
  store.close()
  plainStore.close()
  proxy.close()
})

beforeEach(() => {
  connectRequests.length = 0
  wholeUrls.length = 0
  rejectsConnections = false
  for (const name of ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy', 'aws_ca_bundle']) {
    vi.stubEnv(name, '')
    vi.stubEnv(name.toUpperCase(), '')
  }
})

afterEach(() => {
  vi.unstubAllEnvs()
})

const retry = { attempts: 1, minDelay: 1, maxDelay: 1 }

describe.each<[string, BackendAdapter, string, Readonly<Record<string, unknown>>]>([
  ['s3', s3, 's3://bucket/a', { region: 'r', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } }],
  ['gs', gcs, 'gs://bucket/a', { anonymous: true }],
  ['az', azure, 'az://account/container/a', { accountKey: Buffer.alloc(64).toString('base64') }],
])('a store of %s', (_, adapter, url, options) => {
  /** Sends one request. Returns the code of its error, and everything that the error and its causes contain. */
  async function outcome(
    origin = `https://localhost:${portOf(store)}`,
  ): Promise<{ readonly code: string; readonly shown: string }> {
    const endpoint = `${origin}${url.startsWith('az:') ? '/account' : ''}`
    const backend = await adapter.open(new URL(url), { endpoint, retry, ...options })
    try {
      await backend.stat('k')
      throw new Error('The store did not deny the request')
    } catch (error) {
      if (!isHoldfastError(error)) throw error
      return { code: error.code, shown: inspect(error, { depth: Infinity, showHidden: true }) }
    } finally {
      await backend.close()
    }
  }

  test('trusts the authorities in AWS_CA_BUNDLE, and names this variable in the error for other authorities', async () => {
    const refused = await outcome()
    expect(refused.code).toBe('CONFIG')
    expect(refused.shown).toContain('AWS_CA_BUNDLE')
    vi.stubEnv('AWS_CA_BUNDLE', certificate.pathname)
    expect(await outcome()).toMatchObject({ code: 'PERMISSION_DENIED' })
    expect(connectRequests).toEqual([])
  })

  test('is reached through HTTPS_PROXY, unless NO_PROXY names its host', async () => {
    vi.stubEnv('AWS_CA_BUNDLE', certificate.pathname)
    vi.stubEnv('HTTPS_PROXY', `http://user:pass%40word@localhost:${portOf(proxy)}`)
    expect(await outcome()).toMatchObject({ code: 'PERMISSION_DENIED' })
    expect(connectRequests).toEqual([
      `localhost:${portOf(store)} Basic ${Buffer.from('user:pass@word').toString('base64')}`,
    ])
    vi.stubEnv('NO_PROXY', 'example.com,localhost')
    expect(await outcome()).toMatchObject({ code: 'PERMISSION_DENIED' })
    expect(connectRequests).toHaveLength(1)
  })

  test('sends the whole URL of a request without TLS to HTTP_PROXY, unless NO_PROXY names its host', async () => {
    const origin = `http://localhost:${portOf(plainStore)}`
    vi.stubEnv('HTTP_PROXY', `http://user:pass%40word@localhost:${portOf(proxy)}`)
    expect(await outcome(origin)).toMatchObject({ code: 'PERMISSION_DENIED' })
    expect(wholeUrls).toEqual([
      `localhost:${portOf(plainStore)} Basic ${Buffer.from('user:pass@word').toString('base64')}`,
    ])
    expect(connectRequests).toEqual([])
    vi.stubEnv('NO_PROXY', 'localhost')
    expect(await outcome(origin)).toMatchObject({ code: 'PERMISSION_DENIED' })
    expect(wholeUrls).toHaveLength(1)
  })

  describe.each(['http', 'https'])('with an endpoint of %s', (scheme) => {
    const origin = (): string => `${scheme}://localhost:${portOf(scheme === 'http' ? plainStore : store)}`

    test('reports a proxy that rejects the connection, without its password', async () => {
      rejectsConnections = true
      vi.stubEnv(`${scheme}_proxy`, `http://user:PASSWORD@localhost:${portOf(proxy)}`)
      const { code, shown } = await outcome(origin())
      expect(code).toBe('UNAVAILABLE')
      expect(shown).toContain('407 Proxy Authentication Required')
      expect(shown).not.toContain('PASSWORD')
      expect(shown).not.toContain(Buffer.from('user:PASSWORD').toString('base64'))
    })

    test('names a proxy that does not accept connections, and the variables to check', async () => {
      const address = `http://127.0.0.1:${await closedPort()}`
      vi.stubEnv(`${scheme}_proxy`, address.replace('//', '//user:PASSWORD@'))
      const { code, shown } = await outcome(origin())
      expect(code).toBe('UNAVAILABLE')
      expect(shown).toContain(`proxy ${address}`)
      expect(shown).toContain('Check HTTP_PROXY, HTTPS_PROXY')
      expect(shown).not.toContain('PASSWORD')
    })
  })

  test('rejects a proxy or a file of authorities that cannot be used', async () => {
    vi.stubEnv('HTTPS_PROXY', 'socks5://localhost:1080')
    await expect(outcome()).rejects.toMatchObject({
      code: 'CONFIG',
      message: expect.stringContaining('HTTPS_PROXY') as string,
    })
    vi.stubEnv('HTTPS_PROXY', '')
    for (const file of ['/nowhere.pem', import.meta.filename]) {
      vi.stubEnv('AWS_CA_BUNDLE', file)
      await expect(outcome()).rejects.toMatchObject({
        code: 'CONFIG',
        message: expect.stringContaining('AWS_CA_BUNDLE') as string,
      })
    }
  })
})

test('a direct connection trusts the authorities in AWS_CA_BUNDLE, and leaves a store with others to the SDK', async () => {
  const bytes = Buffer.alloc(2 ** 21, 'direct')
  const server = createHttpsServer(identity, (_, response) => {
    response.writeHead(200, { 'content-length': bytes.byteLength }).end(bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, resolve))
  const request = {
    protocol: 'https:',
    host: 'localhost',
    port: portOf(server),
    path: '/',
    headers: { host: 'localhost' },
  } as const
  const trusting = new DirectConnections({ AWS_CA_BUNDLE: certificate.pathname })
  const other = new DirectConnections({})
  try {
    const response = await trusting.get(request, undefined)
    const seen = response === undefined ? [] : await Array.fromAsync<Buffer>(response.body)
    expect(Buffer.concat(seen).equals(bytes)).toBe(true)
    expect(await other.get(request, undefined)).toBeUndefined()
  } finally {
    trusting.destroy()
    other.destroy()
    server.close()
  }
})
