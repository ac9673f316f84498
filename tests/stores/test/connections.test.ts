import { readFileSync } from 'node:fs'
import { createServer as createHttpServer, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { inspect } from 'node:util'
import { adapter as azure } from '@holdfast/adapter-azure'
import { adapter as gcs } from '@holdfast/adapter-gcs'
import { adapter as s3 } from '@holdfast/adapter-s3'
import { type BackendAdapter, isHoldfastError } from '@holdfast/core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'

const certificate = new URL('./localhost.pem', import.meta.url)
const asked: string[] = []
let refuses = false

/** A store behind a private authority. That it refuses is enough to see that a request has arrived. */
const store = createHttpsServer(
  { cert: readFileSync(certificate), key: readFileSync(new URL('./localhost-key.pem', import.meta.url)) },
  (_, response) => {
    response.writeHead(403, { 'content-type': 'application/json', 'x-ms-error-code': 'AuthorizationFailure' })
    response.end()
  },
)

const proxy = createHttpServer().on('connect', (request, client, head) => {
  asked.push(`${request.url ?? ''} ${request.headers['proxy-authorization'] ?? ''}`.trim())
  if (refuses) {
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

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

beforeAll(async () => {
  await new Promise<void>((resolve) => store.listen(0, resolve))
  await new Promise<void>((resolve) => proxy.listen(0, resolve))
})

afterAll(() => {
  store.close()
  proxy.close()
})

beforeEach(() => {
  asked.length = 0
  refuses = false
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
  /** What comes of one request, and what its whole error shows. */
  async function outcome(): Promise<{ readonly code: string; readonly shown: string }> {
    const endpoint = `https://localhost:${portOf(store)}${url.startsWith('az:') ? '/account' : ''}`
    const backend = await adapter.open(new URL(url), { endpoint, retry, ...options })
    try {
      await backend.stat('k')
      throw new Error('The store did not refuse')
    } catch (error) {
      if (!isHoldfastError(error)) throw error
      return { code: error.code, shown: inspect(error, { depth: Infinity, showHidden: true }) }
    } finally {
      await backend.close()
    }
  }

  test('trusts the authorities of AWS_CA_BUNDLE, and says what helps against others', async () => {
    const refused = await outcome()
    expect(refused.code).toBe('CONFIG')
    expect(refused.shown).toContain('AWS_CA_BUNDLE')
    vi.stubEnv('AWS_CA_BUNDLE', certificate.pathname)
    expect(await outcome()).toMatchObject({ code: 'PERMISSION_DENIED' })
    expect(asked).toEqual([])
  })

  test('is reached through HTTPS_PROXY, unless NO_PROXY names it', async () => {
    vi.stubEnv('AWS_CA_BUNDLE', certificate.pathname)
    vi.stubEnv('HTTPS_PROXY', `http://user:pass%40word@localhost:${portOf(proxy)}`)
    expect(await outcome()).toMatchObject({ code: 'PERMISSION_DENIED' })
    expect(asked).toEqual([
      `localhost:${portOf(store)} Basic ${Buffer.from('user:pass@word').toString('base64')}`,
    ])
    vi.stubEnv('NO_PROXY', 'example.com,localhost')
    expect(await outcome()).toMatchObject({ code: 'PERMISSION_DENIED' })
    expect(asked).toHaveLength(1)
  })

  test('reports a proxy that refuses, without its password', async () => {
    refuses = true
    vi.stubEnv('https_proxy', `http://user:PASSWORD@localhost:${portOf(proxy)}`)
    const { code, shown } = await outcome()
    expect(code).toBe('UNAVAILABLE')
    expect(shown).toContain('407 Proxy Authentication Required')
    expect(shown).not.toContain('PASSWORD')
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
