import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { finished } from 'node:stream/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { type Fault, type FaultPlan, type Proxy, seededPlan, startProxy } from '../src/proxy/index.ts'
import { send } from './requests.ts'

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

/** Starts a server with this request handler. */
async function serverOf(
  answer: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<string> {
  const server = http.createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Starts a server that records every complete request body and responds with 1000 bytes. */
async function keepingServer(): Promise<{ readonly target: string; readonly kept: string[] }> {
  const kept: string[] = []
  const target = await serverOf(async (request, response) => {
    const body = await text(request).catch(() => undefined)
    if (body === undefined) return
    kept.push(body)
    response.end('x'.repeat(1000))
  })
  return { target, kept }
}

async function proxyTo(target: string, plan?: FaultPlan): Promise<Proxy> {
  const proxy = await startProxy(plan === undefined ? { target } : { target, plan })
  open.push(() => proxy.close())
  return proxy
}

const always =
  (fault: Fault): FaultPlan =>
  () =>
    fault

describe('the proxy', () => {
  test('forwards target, headers and body unchanged, including Host and the order and case of headers', async () => {
    const seen: { target?: string; headers?: readonly string[]; body?: string } = {}
    const target = await serverOf(async (request, response) => {
      seen.target = request.url ?? ''
      seen.headers = request.rawHeaders
      seen.body = await text(request)
      response.sendDate = false
      response.writeHead(207, 'As It Is', ['X-B', '1', 'x-A', '2', 'X-B', '3', 'Content-Length', '3'])
      response.end('abc')
    })
    const proxy = await proxyTo(target)
    const path = '/bucket/a%2Fb/../c%20d+e?x-id=PutObject&list=%C3%BC'
    const headers = [
      ['X-Amz-Meta-One', 'a  b'],
      ['Authorization', 'AWS4-HMAC-SHA256 Credential=x'],
      ['x-amz-meta-one', 'again'],
    ] as const
    const answer = await send(proxy.url, 'PUT', path, headers, 'the body')
    expect(seen.target).toBe(path)
    expect(seen.body).toBe('the body')
    expect(seen.headers?.slice(0, -2)).toEqual(
      [['Host', new URL(proxy.url).host], ...headers, ['Content-Length', '8']].flat(),
    )
    expect(answer.status).toBe(207)
    expect(answer.body).toBe('abc')
    expect(answer.headers).toMatchObject({ 'x-b': '1, 3', 'x-a': '2', 'content-length': '3' })
    expect(answer.headers.date).toBeUndefined()
  })

  test('forwards a chunked body as a chunked body, in both directions', async () => {
    const target = await serverOf(async (request, response) => {
      const { 'transfer-encoding': coding = 'none' } = request.headers
      response.write(coding)
      response.end(await text(request))
    })
    const proxy = await proxyTo(target)
    const response = await fetch(proxy.url, {
      method: 'POST',
      body: ReadableStream.from([Buffer.from(' one'), Buffer.from(' two')]),
      duplex: 'half',
    })
    expect(response.headers.get('transfer-encoding')).toBe('chunked')
    expect(await response.text()).toBe('chunked one two')
  })

  test('forwards the first bytes of a body before the rest is sent, in both directions', async () => {
    const target = await serverOf((request, response) => {
      request.pipe(response)
    })
    const proxy = await proxyTo(target)
    const request = http.request(proxy.url, { method: 'PUT', headers: { 'transfer-encoding': 'chunked' } })
    request.write('first')
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    expect(String((await once(response, 'data'))[0])).toBe('first')
    request.end('rest')
    expect(await text(response)).toBe('rest')
  })

  test('does not buffer a request body for a server that reads slowly', async () => {
    const total = 256 * 2 ** 20
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    const target = await serverOf(async (request, response) => {
      let read = 0
      for await (const chunk of request as AsyncIterable<Buffer>) {
        read += chunk.byteLength
        for (let turn = 0; turn < 4; turn += 1) await nextTurn()
        most = Math.max(most, process.memoryUsage().arrayBuffers - before)
      }
      response.end(String(read))
    })
    const proxy = await proxyTo(target)
    const chunk = Buffer.alloc(2 ** 20)
    async function* body(): AsyncGenerator<Buffer> {
      for (let sent = 0; sent < total; sent += chunk.byteLength) yield chunk
    }
    const response = await fetch(proxy.url, {
      method: 'PUT',
      body: ReadableStream.from(body()),
      duplex: 'half',
    })
    expect(await response.text()).toBe(String(total))
    expect(most).toBeLessThan(128 * 2 ** 20)
  })

  test('closes the connection of a client that the server refuses before its body', async () => {
    const server = http.createServer()
    server.on('checkContinue', (_, response: ServerResponse) => {
      response.writeHead(404, { connection: 'close' }).end('refused')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    open.push(() => {
      server.closeAllConnections()
      server.close()
    })
    const proxy = await proxyTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const agent = new http.Agent({ keepAlive: true })
    open.push(() => {
      agent.destroy()
    })
    const request = http.request(proxy.url, {
      agent,
      method: 'PUT',
      headers: { expect: '100-continue', 'content-length': 4 },
    })
    request.flushHeaders()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    expect(await text(response)).toBe('refused')
    expect(response.headers.connection).toBe('close')
    if (!response.socket.destroyed) await once(response.socket, 'close')
  })

  test('forwards 100-continue only when the server sends it', async () => {
    const target = await serverOf(async (request, response) => {
      response.write(`${await text(request)} after `)
      response.end(request.headers.expect)
    })
    const proxy = await proxyTo(target)
    const request = http.request(proxy.url, {
      method: 'PUT',
      headers: { expect: '100-continue', 'content-length': 4 },
    })
    const answered = once(request, 'response') as Promise<[IncomingMessage]>
    request.flushHeaders()
    await once(request, 'continue')
    request.end('body')
    expect(await text((await answered)[0])).toBe('body after 100-continue')
  })

  test('takes the rest of a body that the server refuses early, and then the next request', async () => {
    const target = await serverOf(async ({ method }, response) => {
      if (method === 'PUT') response.writeHead(404)
      response.end(method)
    })
    const proxy = await proxyTo(target)
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    open.push(() => {
      agent.destroy()
    })
    const answers: string[] = []
    for (const method of ['PUT', 'GET', 'PUT', 'GET', 'PUT', 'GET']) {
      const request = http.request(proxy.url, { agent, method })
      request.on('error', () => undefined) // the connection may be closed before all bytes are sent
      request.end(method === 'PUT' ? Buffer.alloc(8 * 2 ** 20) : undefined)
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      answers.push(await text(response))
    }
    expect(answers).toEqual(['PUT', 'GET', 'PUT', 'GET', 'PUT', 'GET'])
  })

  test('forwards a response that the server sends before it has the whole body', async () => {
    const target = await serverOf((_, response) => {
      response.writeHead(403).end('no')
    })
    const proxy = await proxyTo(target)
    const request = http.request(proxy.url, { method: 'PUT', headers: { 'content-length': 100 } })
    request.write('some')
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(403)
    expect(await text(response)).toBe('no')
    request.destroy()
  })

  test('closes the connection to the client if the server is unreachable', async () => {
    const proxy = await proxyTo('http://127.0.0.1:9')
    await expect(send(proxy.url, 'GET', '/')).rejects.toThrow()
    expect([...proxy.requests][0]?.status).toBeUndefined()
  })

  test('closes the connection to the server if the client disconnects', async () => {
    const arrived = Promise.withResolvers<IncomingMessage>()
    const target = await serverOf((request) => {
      arrived.resolve(request)
    })
    const proxy = await proxyTo(target)
    const request = http.request(proxy.url, { method: 'PUT', headers: { 'content-length': 100 } })
    request.on('error', () => undefined)
    request.write('some')
    const atServer = await arrived.promise
    const lost = finished(atServer)
    request.destroy()
    await expect(lost).rejects.toThrow('aborted')
  })
})

describe('the fault', () => {
  test('drop-answer closes the connection to the client after the server has executed the request', async () => {
    const { target, kept } = await keepingServer()
    const proxy = await proxyTo(target, always({ kind: 'drop-answer' }))
    await expect(send(proxy.url, 'PUT', '/bucket/k', [], 'body')).rejects.toThrow('socket hang up')
    expect(kept).toEqual(['body'])
    expect([...proxy.requests][0]).toMatchObject({ status: 200, requestBytes: 4, answerBytes: 0 })
  })

  test.each([
    [undefined, 50],
    [10, 10],
    [1000, 99],
  ])(
    'cut-request after %s bytes never sends the end of the body to the server',
    async (afterBytes, forwarded) => {
      const lost = Promise.withResolvers<number>()
      const target = await serverOf(async (request) => {
        let bytes = 0
        request.on('data', (chunk: Buffer) => (bytes += chunk.byteLength))
        request.on('error', () => undefined)
        request.on('close', () => {
          lost.resolve(bytes)
        })
      })
      const fault = afterBytes === undefined ? {} : { afterBytes }
      const proxy = await proxyTo(target, always({ kind: 'cut-request', ...fault }))
      await expect(send(proxy.url, 'PUT', '/bucket/k', [], 'x'.repeat(100))).rejects.toThrow()
      expect(await lost.promise).toBe(forwarded)
      expect([...proxy.requests][0]).toMatchObject({ status: undefined, requestBytes: forwarded })
    },
  )

  test('cut-request does not forward a request without a body', async () => {
    const { target, kept } = await keepingServer()
    const proxy = await proxyTo(target, always({ kind: 'cut-request' }))
    await expect(send(proxy.url, 'DELETE', '/bucket/k')).rejects.toThrow()
    expect(kept).toEqual([])
  })

  test.each([
    [undefined, 500],
    [10, 10],
  ])(
    'cut-answer after %s bytes sends a part of the body, and then closes the connection',
    async (afterBytes, given) => {
      const { target, kept } = await keepingServer()
      const fault = afterBytes === undefined ? {} : { afterBytes }
      const proxy = await proxyTo(target, always({ kind: 'cut-answer', ...fault }))
      const response = await fetch(`${proxy.url}/bucket/k`)
      expect(response.headers.get('content-length')).toBe('1000')
      let bytes = 0
      await expect(async () => {
        for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>)
          bytes += chunk.byteLength
      }).rejects.toThrow('terminated')
      expect(bytes).toBe(given)
      expect(kept).toEqual([''])
      expect([...proxy.requests][0]).toMatchObject({ status: 200, answerBytes: given })
    },
  )

  test('cut-answer drops a response without a body', async () => {
    const target = await serverOf((_, response) => response.writeHead(200, { 'content-length': 0 }).end())
    const proxy = await proxyTo(target, always({ kind: 'cut-answer' }))
    await expect(send(proxy.url, 'PUT', '/bucket/k', [], 'body')).rejects.toThrow('socket hang up')
  })

  test.each([
    ['s3', 409, 'ConditionalRequestConflict'],
    ['s3', 429, 'TooManyRequests'],
    ['s3', 500, 'InternalError'],
    ['s3', 503, 'SlowDown'],
    ['gcs', 409, 'conflict'],
    ['gcs', 429, 'rateLimitExceeded'],
    ['gcs', 500, 'backendError'],
    ['gcs', 503, 'backendError'],
    ['azure', 409, 'BlobHasBeenModified'],
    ['azure', 429, 'TooManyRequests'],
    ['azure', 500, 'InternalError'],
    ['azure', 503, 'ServerBusy'],
  ] as const)(
    'status on %s returns %i with the code %s, without reaching the server',
    async (dialect, status, code) => {
      const { target, kept } = await keepingServer()
      const proxy = await proxyTo(target, always({ kind: 'status', status }))
      const path = { s3: '/bucket/k', gcs: '/storage/v1/b/b/o/k', azure: '/account/b/k' }[dialect]
      const headers = dialect === 'azure' ? ([['x-ms-version', '2026-04-06']] as const) : []
      const answer = await send(proxy.url, 'PUT', path, headers, 'body')
      expect(answer.status).toBe(status)
      expect(answer.body).toContain(dialect === 'gcs' ? `"reason":"${code}"` : `<Code>${code}</Code>`)
      expect(answer.headers['x-ms-error-code']).toBe(dialect === 'azure' ? code : undefined)
      expect(kept).toEqual([])
    },
  )

  test('status returns the code that the plan names', async () => {
    const proxy = await proxyTo('http://127.0.0.1:9', always({ kind: 'status', status: 503, code: 'Busy' }))
    expect((await send(proxy.url, 'GET', '/bucket/k')).body).toContain('<Code>Busy</Code>')
  })

  test('status responds before the body is sent to a client that waits for 100-continue', async () => {
    const proxy = await proxyTo('http://127.0.0.1:9', always({ kind: 'status', status: 503 }))
    const request = http.request(proxy.url, { method: 'PUT', headers: { expect: '100-continue' } })
    request.flushHeaders()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(503)
    expect(await text(response)).toContain('SlowDown')
    request.destroy()
  })

  test('error-in-200 returns status 200 with an error in the body', async () => {
    const { target, kept } = await keepingServer()
    const proxy = await proxyTo(target, always({ kind: 'error-in-200' }))
    const answer = await send(proxy.url, 'POST', '/bucket/k?uploadId=1', [], 'body')
    expect(answer.status).toBe(200)
    expect(answer.body).toContain('<Error><Code>InternalError</Code>')
    expect(kept).toEqual([])
  })

  test('delay forwards a request after a request that arrived later', async () => {
    const order: string[] = []
    const target = await serverOf((request, response) => {
      order.push(request.url ?? '')
      response.end()
    })
    const proxy = await proxyTo(target, ({ path }) =>
      path === '/slow' ? { kind: 'delay', milliseconds: 1000 } : undefined,
    )
    await Promise.all([send(proxy.url, 'GET', '/slow'), send(proxy.url, 'GET', '/fast')])
    expect(order).toEqual(['/fast', '/slow'])
  })

  test('delay does not forward a request whose client disconnects during the delay', async () => {
    const { target, kept } = await keepingServer()
    const arrived = Promise.withResolvers<undefined>()
    const proxy = await proxyTo(target, () => {
      arrived.resolve(undefined)
      return { kind: 'delay', milliseconds: 3_600_000 }
    })
    const request = http.get(`${proxy.url}/bucket/k`)
    const lost = once(request, 'close').catch(() => undefined)
    await arrived.promise
    request.destroy()
    await lost
    await proxy.close()
    expect(kept).toEqual([])
  })

  test('reset closes the connection without reaching the server', async () => {
    const { target, kept } = await keepingServer()
    const proxy = await proxyTo(target, always({ kind: 'reset' }))
    await expect(send(proxy.url, 'PUT', '/bucket/k', [], 'body')).rejects.toMatchObject({
      code: 'ECONNRESET',
    })
    expect(kept).toEqual([])
  })
})

describe('a seeded plan', () => {
  const kinds = async (seed: number, rate: number): Promise<readonly (string | undefined)[]> => {
    const faults: readonly Fault[] = [
      { kind: 'reset' },
      { kind: 'status', status: 503 },
      { kind: 'error-in-200' },
    ]
    const { target } = await keepingServer()
    const proxy = await proxyTo(target, seededPlan({ seed, rate, faults }))
    for (let index = 0; index < 60; index += 1)
      await send(proxy.url, 'GET', '/bucket/k').catch(() => undefined)
    return [...proxy.requests].map(({ fault }) => fault?.kind)
  }

  test('chooses the same faults for the same seed, and different ones for another seed', async () => {
    const first = await kinds(1, 0.5)
    expect(await kinds(1, 0.5)).toEqual(first)
    expect(await kinds(2, 0.5)).not.toEqual(first)
    expect(new Set(first)).toEqual(new Set(['reset', 'status', 'error-in-200', undefined]))
  })

  test('applies faults to the share of requests in the option `rate`', async () => {
    expect(new Set(await kinds(3, 0))).toEqual(new Set([undefined]))
    expect(await kinds(3, 1)).not.toContain(undefined)
    const plan = seededPlan({ seed: 4, rate: 0.25, faults: [{ kind: 'reset' }] })
    const head = { method: 'GET', path: '/', query: new URLSearchParams(), headers: {}, operation: 'GET' }
    const hit = Array.from({ length: 10_000 }, (_, index) => plan({ index, ...head })).filter(Boolean).length
    expect(hit).toBeGreaterThan(2300)
    expect(hit).toBeLessThan(2700)
  })

  test('applies faults only to requests for which the option `only` returns true', async () => {
    const { target } = await keepingServer()
    const plan = seededPlan({
      seed: 5,
      rate: 1,
      faults: [{ kind: 'status', status: 500 }],
      only: ({ operation }) => operation === 'PutObject',
    })
    const proxy = await proxyTo(target, plan)
    expect((await send(proxy.url, 'PUT', '/bucket/k')).status).toBe(500)
    expect((await send(proxy.url, 'GET', '/bucket/k')).status).toBe(200)
  })

  test.each([
    [{ seed: 0.5, rate: 0.5, faults: [{ kind: 'reset' }] }, 'seed must be a safe integer'],
    [{ seed: 1, rate: 1.5, faults: [{ kind: 'reset' }] }, 'rate must be a number from 0 to 1'],
    [{ seed: 1, rate: Number.NaN, faults: [{ kind: 'reset' }] }, 'rate must be a number from 0 to 1'],
    [{ seed: 1, rate: 0.5, faults: [] }, 'faults must contain at least one fault'],
  ] as const)('rejects the options %j', (options, message) => {
    expect(() => seededPlan(options)).toThrow(message)
  })
})

describe('the log', () => {
  test.each([
    ['PUT', '/bucket/k?x-id=PutObject', 'PutObject'],
    ['GET', '/bucket/k', 'GetObject'],
    ['HEAD', '/bucket/k/l', 'HeadObject'],
    ['DELETE', '/bucket/k', 'DeleteObject'],
    ['POST', '/bucket?delete', 'DeleteObjects'],
    ['GET', '/bucket?list-type=2&prefix=x', 'ListObjectsV2'],
    ['GET', '/bucket/?uploads', 'ListMultipartUploads'],
    ['HEAD', '/bucket', 'HeadBucket'],
    ['PUT', '/bucket', 'CreateBucket'],
    ['POST', '/bucket/k?uploads', 'CreateMultipartUpload'],
    ['PUT', '/bucket/k?partNumber=1&uploadId=2', 'UploadPart'],
    ['POST', '/bucket/k?uploadId=2', 'CompleteMultipartUpload'],
    ['DELETE', '/bucket/k?uploadId=2', 'AbortMultipartUpload'],
    ['GET', '/bucket/k?uploadId=2', 'ListParts'],
    ['PATCH', '/bucket/k', 'PATCH'],
    ['POST', '/upload/storage/v1/b/b/o?uploadType=multipart', 'objects.insert'],
    ['POST', '/upload/storage/v1/b/b/o?uploadType=resumable', 'objects.insert (start)'],
    ['PUT', '/upload/storage/v1/b/b/o?uploadType=resumable&upload_id=1', 'objects.insert (chunk)'],
    ['DELETE', '/upload/storage/v1/b/b/o?uploadType=resumable&upload_id=1', 'objects.insert (cancel)'],
    ['GET', '/storage/v1/b/b/o/k%2Fl', 'objects.get'],
    ['GET', '/storage/v1/b/b/o/k?alt=media', 'objects.get (media)'],
    ['DELETE', '/b/b/o/k', 'objects.delete'],
    ['PATCH', '/storage/v1/b/b/o/k', 'objects.patch'],
    ['GET', '/storage/v1/b/b/o?prefix=x', 'objects.list'],
    ['POST', '/storage/v1/b/b/o/k/compose', 'objects.compose'],
    ['POST', '/storage/v1/b/b/o/k/rewriteTo/b/c/o/l', 'objects.rewrite'],
    ['POST', '/storage/v1/b/b/o/k/copyTo/b/c/o/l', 'objects.copy'],
    ['POST', '/storage/v1/b/b/o/k/moveTo/o/l', 'objects.move'],
    ['GET', '/storage/v1/b/b', 'buckets.get'],
    ['POST', '/storage/v1/b?project=p', 'buckets.insert'],
    ['GET', '/storage/v1/b?project=p', 'buckets.list'],
  ])('counts %s %s as %s', async (method, path, operation) => {
    const proxy = await proxyTo('http://127.0.0.1:9', always({ kind: 'status', status: 500 }))
    await send(proxy.url, method, path)
    expect(proxy.requests.counts()).toEqual({ [operation]: 1 })
    expect(proxy.requests.count(operation)).toBe(1)
    expect(proxy.requests.count(method)).toBe(1)
  })

  test.each([
    ['PUT', '/a/c/k', 'Put Blob'],
    ['PUT', '/a/c/k?comp=block&blockid=1', 'Put Block'],
    ['PUT', '/a/c/k?comp=blocklist', 'Put Block List'],
    ['GET', '/a/c/k?comp=blocklist', 'Get Block List'],
    ['GET', '/a/c/k', 'Get Blob'],
    ['HEAD', '/a/c/k', 'Get Blob Properties'],
    ['DELETE', '/a/c/k', 'Delete Blob'],
    ['GET', '/a/c?restype=container&comp=list', 'List Blobs'],
    ['PUT', '/a/c?restype=container', 'Create Container'],
    ['GET', '/a/c?restype=container', 'Get Container Properties'],
    ['POST', '/a/c?restype=container&comp=batch', 'Blob Batch'],
  ])('counts %s %s of Azure as %s', async (method, path, operation) => {
    const proxy = await proxyTo('http://127.0.0.1:9', always({ kind: 'status', status: 500 }))
    await send(proxy.url, method, path, [['x-ms-version', '2026-04-06']])
    expect(proxy.requests.counts()).toEqual({ [operation]: 1 })
  })

  test('counts a status request of a resumable upload separately from chunks', async () => {
    const proxy = await proxyTo('http://127.0.0.1:9', always({ kind: 'status', status: 500 }))
    const path = '/upload/storage/v1/b/b/o?uploadType=resumable&upload_id=1'
    await send(proxy.url, 'PUT', path, [['content-range', 'bytes */100']])
    expect(proxy.requests.counts()).toEqual({ 'objects.insert (status)': 1 })
  })

  test('counts requests, can be cleared, and continues the indexes', async () => {
    const { target } = await keepingServer()
    const proxy = await proxyTo(target)
    await send(proxy.url, 'PUT', '/bucket/k', [], 'body')
    await send(proxy.url, 'GET', '/bucket/k')
    expect(proxy.requests.count()).toBe(2)
    expect(proxy.requests.counts()).toEqual({ PutObject: 1, GetObject: 1 })
    proxy.requests.clear()
    expect(proxy.requests.count()).toBe(0)
    await send(proxy.url, 'GET', '/bucket/k')
    expect([...proxy.requests]).toMatchObject([
      { index: 2, method: 'GET', path: '/bucket/k', status: 200, requestBytes: 0, answerBytes: 1000 },
    ])
  })
})

test('delays every request by the latency, and drops a delayed request when the proxy is closed', async () => {
  const { target, kept } = await keepingServer()
  const arrived = Promise.withResolvers<undefined>()
  const plan: FaultPlan = () => {
    arrived.resolve(undefined)
    return undefined
  }
  const far = await startProxy({ target, latency: 3_600_000, plan })
  const sent = send(far.url, 'PUT', '/bucket/k', [], 'far')
  sent.catch(() => undefined)
  await arrived.promise
  const near = await startProxy({ target, latency: 1 })
  open.push(() => near.close())
  expect((await send(near.url, 'PUT', '/bucket/k', [], 'near')).status).toBe(200)
  await far.close()
  await expect(sent).rejects.toThrow()
  expect(kept).toEqual(['near'])
})

test.each(['https://127.0.0.1:9000', 'http://127.0.0.1:9000/path', 'nothing', 'http://h/?q'])(
  'rejects the target %s',
  async (target) => {
    await expect(startProxy({ target })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  },
)

test('rejects a negative latency', async () => {
  const call = startProxy({ target: 'http://127.0.0.1:9', latency: -1 })
  await expect(call).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})

test('closing aborts running requests, and can be repeated', async () => {
  const arrived = Promise.withResolvers<undefined>()
  const target = await serverOf(() => {
    arrived.resolve(undefined)
  })
  const proxy = await proxyTo(target)
  const sent = send(proxy.url, 'GET', '/')
  sent.catch(() => undefined)
  await arrived.promise
  await proxy.close()
  await expect(sent).rejects.toThrow()
  await proxy.close()
})
