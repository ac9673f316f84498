import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { adapter as s3 } from '@holdfast/adapter-s3'
import { chunksOf } from '@holdfast/core/backend'
import { type Certificates, makeCertificates } from '@holdfast/test-servers'
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'

const object = Buffer.from(Array.from({ length: 9 * 2 ** 20 + 1 }, (_, index) => (index * 7919) >> 8))
const firstBytes = 8 * 2 ** 20

let own: Certificates
let other: Certificates
/** Those of another host. */
let foreign: Certificates
const hasOpenssl = spawnSync('openssl', ['version']).status === 0

beforeEach(({ skip }) => {
  skip(!hasOpenssl, 'this machine has no openssl')
})

beforeAll(async () => {
  if (!hasOpenssl) return
  const made = async (names?: string): Promise<Certificates> =>
    makeCertificates(await mkdtemp(join(tmpdir(), 'tls-')), names)
  own = await made()
  other = await made()
  foreign = await made('DNS:elsewhere.test')
})

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

function identityOf({ chain, key }: Certificates): { readonly cert: Buffer; readonly key: Buffer } {
  return { cert: readFileSync(chain), key: readFileSync(key) }
}

/** Starts a store with one object. `onRequest` is called before each response, whose connection is then closed. */
async function serving(certificates: Certificates, onRequest: (server: Server) => void = () => undefined) {
  const starts: number[] = []
  const server = createServer(identityOf(certificates), (request, response) => {
    const [, start = '0', end = ''] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    starts.push(Number(start))
    onRequest(server)
    const body = object.subarray(Number(start), Number(end) + 1)
    response.writeHead(206, {
      etag: '"e"',
      'last-modified': new Date(0).toUTCString(),
      'content-length': body.byteLength,
      'content-range': `bytes ${start}-${Number(start) + body.byteLength - 1}/${object.byteLength}`,
      connection: 'close',
    })
    response.end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanUps.push(() => server.close())
  return { starts, port: (server.address() as AddressInfo).port }
}

function optionsAt(endpoint: string) {
  return {
    endpoint,
    region: 'r',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    retry: { attempts: 2, minDelay: 1, maxDelay: 1 },
  }
}

async function readAll(endpoint: string): Promise<Buffer> {
  const backend = await s3.open(new URL('s3://bucket/a'), optionsAt(endpoint))
  cleanUps.push(() => backend.close())
  const seen: Buffer[] = []
  for await (const chunk of chunksOf(await backend.read('k'), object.byteLength))
    seen.push(Buffer.from(chunk))
  return Buffer.concat(seen)
}

function trust({ authority }: Certificates): void {
  vi.stubEnv('AWS_CA_BUNDLE', authority)
  cleanUps.push(() => vi.unstubAllEnvs())
}

test('reads a large object by the SDK and directly if the authority of a chain of certificates is trusted', async () => {
  trust(own)
  const { starts, port } = await serving(own)
  expect((await readAll(`https://localhost:${port}`)).equals(object)).toBe(true)
  expect(starts).toEqual([0, firstBytes])
})

test.each([
  ['an authority that is not trusted', () => own, () => other],
  ['a trusted authority for another host', () => foreign, () => foreign],
])(
  'sends no request to a store with a certificate of %s, and states the reason',
  async (_, shown, trusted) => {
    trust(trusted())
    const { starts, port } = await serving(shown())
    await expect(readAll(`https://localhost:${port}`)).rejects.toMatchObject({
      code: 'CONFIG',
      message: expect.stringMatching(/certificate/i) as string,
    })
    expect(starts).toEqual([])
  },
)

test('does not read on from a store whose certificate is no longer trusted', async () => {
  trust(own)
  const { starts, port } = await serving(own, (server) => {
    server.setSecureContext(identityOf(other))
  })
  await expect(readAll(`https://localhost:${port}`)).rejects.toMatchObject({ code: 'CONFIG' })
  expect(starts).toEqual([0])
})

/** Starts a store that takes one object in parts. `onBegin` is called when an upload has begun. */
async function taking(certificates: Certificates, onBegin: (server: Server) => void = () => undefined) {
  const parts = new Map<string, Buffer>()
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { searchParams } = new URL(request.url ?? '', 'https://store')
    const [part, checksum] = [searchParams.get('partNumber'), request.headers['x-amz-checksum-crc32']]
    const body = await buffer(request)
    if (part !== null) parts.set(part, body)
    response.writeHead(200, { etag: '"e"', connection: 'close' })
    if (searchParams.has('uploads')) {
      onBegin(server)
      response.end('<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>')
    } else if (request.method === 'POST') {
      const stored = `<ETag>"e"</ETag><ChecksumCRC32>${String(checksum)}</ChecksumCRC32>`
      response.end(`<CompleteMultipartUploadResult>${stored}</CompleteMultipartUploadResult>`)
    } else response.end()
  }
  const server = createServer(identityOf(certificates), (request, response) => {
    void respond(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanUps.push(() => server.close())
  return { parts, endpoint: `https://localhost:${(server.address() as AddressInfo).port}` }
}

/** Large enough for other threads to send it. */
const largeObject = Buffer.alloc(32 * 2 ** 20 + 5, object)

async function putInThreads(endpoint: string): Promise<unknown> {
  const backend = await s3.open(new URL('s3://bucket/a'), optionsAt(endpoint), { threads: 2 })
  cleanUps.push(() => backend.close())
  return backend.put('k', largeObject)
}

test('sends a large object from threads if the authority of a chain of certificates is trusted', async ({
  skip,
}) => {
  if (availableParallelism() < 2) return skip('transfer threads need a second processor')
  trust(own)
  const { parts, endpoint } = await taking(own)
  await putInThreads(endpoint)
  const sent = Array.from(
    { length: parts.size },
    (_, index) => parts.get(String(index + 1)) ?? Buffer.alloc(0),
  )
  expect(Buffer.concat(sent).equals(largeObject)).toBe(true)
})

test('sends no part to a store whose certificate is no longer trusted', async ({ skip }) => {
  if (availableParallelism() < 2) return skip('transfer threads need a second processor')
  trust(own)
  const { parts, endpoint } = await taking(own, (server) => {
    server.setSecureContext(identityOf(other))
  })
  await expect(putInThreads(endpoint)).rejects.toMatchObject({ code: 'CONFIG' })
  expect(parts.size).toBe(0)
})

test.each([
  ['trusts the authorities in NODE_EXTRA_CA_CERTS', () => own, '206'],
  ['leaves a store to the SDK that other authorities have signed', () => other, 'none'],
])('a direct connection %s', async (_, trusted, seen) => {
  const { port } = await serving(own)
  const program = `
    import { DirectConnections } from '@holdfast/core/connections'
    const connections = new DirectConnections(process.env)
    const headers = { host: 'localhost', range: 'bytes=0-9' }
    const response = await connections.get({ protocol: 'https:', host: 'localhost', port: ${port}, path: '/', headers })
    process.stdout.write(String(response?.status ?? 'none'))
    connections.destroy()
  `
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    env: { ...process.env, NODE_EXTRA_CA_CERTS: trusted().authority },
  })
  expect(stdout).toBe(seen)
})
