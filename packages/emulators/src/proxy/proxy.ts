import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { finished } from 'node:stream/promises'
import { HoldfastError } from '@holdfast/core/backend'
import { emptyList, errorAnswer, htmlPage, type MadeUpAnswer, reversedList } from './answers.ts'
import type { FaultPlan } from './fault.ts'
import { afterUnlessClosed, type Exchange, forward, forwardCut, type Upstream } from './forward.ts'
import { type RequestLog, WrittenLog } from './log.ts'
import { dialectOf, operationOf } from './operation.ts'

export interface ProxyOptions {
  /** The server: `http:`, and nothing after the port. */
  readonly target: URL | string
  /** No faults when it is not given. */
  readonly plan?: FaultPlan
  /** Milliseconds that every request waits before it goes on: the distance of a store that is far away. */
  readonly latency?: number
  /** The port on 127.0.0.1. One that is free when it is not given. */
  readonly port?: number
}

export interface Proxy extends AsyncDisposable {
  /** Where clients go in the server's place, without a slash at the end. */
  readonly url: string
  readonly requests: RequestLog
  /** Breaks every connection and frees the port. May be called twice. */
  close(): Promise<void>
}

/**
 * Stands in front of a real store on loopback and makes the network bad, as a plan says. What it forwards, it
 * forwards unchanged, `Host` and all, so that signatures hold: clients sign for the proxy's address and the server
 * verifies what it is told. Bodies are streamed in both directions, with back-pressure, and never kept.
 *
 * @throws `INVALID_ARGUMENT` for a target that is not a plain `http:` origin, and for a negative latency.
 *
 * @example
 * await using proxy = await startProxy({
 *   target: server.endpoint,
 *   plan: ({ operation, index }) => (operation === 'PutObject' && index === 0 ? { kind: 'drop-answer' } : undefined),
 * })
 * const client = new S3Client({ endpoint: proxy.url, forcePathStyle: true })
 */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const { plan = () => undefined, latency = 0, port = 0 } = options
  if (!(latency >= 0)) throw new HoldfastError('INVALID_ARGUMENT', `The latency ${latency} is negative.`)
  const { hostname, port: targetPort } = parseTarget(options.target)
  const agent = new http.Agent({ keepAlive: true })
  const upstream: Upstream = { hostname, port: targetPort, agent }
  const requests = new WrittenLog()

  const server = http.createServer({ requestTimeout: 0, keepAliveTimeout: 60_000 })
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const head = headOf(request)
    const entry = requests.add({ ...head, operation: operationOf(head) })
    entry.fault = plan(entry)
    handle(upstream, { request, response, entry }, latency).catch(() => response.destroy())
  }
  server.on('request', onRequest)
  server.on('checkContinue', onRequest)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')

  const close = async (): Promise<void> => {
    agent.destroy()
    if (!server.listening) return
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
  const address = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${address.port}`, requests, close, [Symbol.asyncDispose]: close }
}

async function handle(upstream: Upstream, exchange: Exchange, latency: number): Promise<void> {
  const { request, response, entry } = exchange
  const { fault } = entry
  request.on('error', () => undefined) // a client that goes away; `close` of the response says so too
  const wait = latency + (fault?.kind === 'delay' ? fault.milliseconds : 0)
  if (wait > 0) await afterUnlessClosed(wait, response)
  if (response.destroyed) return
  switch (fault?.kind) {
    case undefined:
    case 'delay':
      await forward(upstream, exchange, 'whole')
      return
    case 'drop-answer':
      await forward(upstream, exchange, 'nothing')
      return
    case 'flip-answer':
      await forward(upstream, exchange, 'flipped')
      return
    case 'cut-answer':
      await forward(upstream, exchange, { afterBytes: fault.afterBytes })
      return
    case 'cut-request':
      await forwardCut(upstream, exchange, fault.afterBytes)
      return
    case 'status':
      await answer(exchange, errorAnswer(dialectOf(entry), fault.status, fault.code))
      return
    case 'error-in-200':
      await answer(exchange, errorAnswer(dialectOf(entry), 200, fault.code))
      return
    case 'html-page':
      await answer(exchange, htmlPage(fault.status, fault.headers))
      return
    case 'drip-answer':
      await forward(upstream, exchange, { body: 'dripping', milliseconds: fault.milliseconds })
      return
    case 'endless-answer':
      await forward(upstream, exchange, { body: 'endless' })
      return
    case 'truncated-answer':
      await forward(upstream, exchange, {
        body: 'replaced',
        by: (body) => body.subarray(0, fault.afterBytes ?? Math.floor(body.byteLength / 2)),
      })
      return
    case 'empty-list':
      await answer(exchange, emptyList(dialectOf(entry)))
      return
    case 'repeated-token':
      await answer(exchange, emptyList(dialectOf(entry), 'repeated'))
      return
    case 'reversed-list':
      await forward(upstream, exchange, {
        body: 'replaced',
        by: (body) => Buffer.from(reversedList(dialectOf(entry), body.toString())),
      })
      return
    case 'reset':
      request.socket.resetAndDestroy()
  }
}

/** Takes the whole request, so that a client which is still sending gets to read the answer. */
async function answer({ request, response, entry }: Exchange, made: MadeUpAnswer): Promise<void> {
  const { status, headers, body } = made
  entry.status = status
  const sendsNothingYet = request.headers.expect !== undefined
  if (!sendsNothingYet) {
    request.resume()
    await finished(request)
  }
  response.writeHead(status, {
    ...headers,
    'content-length': Buffer.byteLength(body),
    ...(sendsNothingYet ? { connection: 'close' } : {}),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

function headOf({ method = 'GET', url = '/', headers }: IncomingMessage): {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: http.IncomingHttpHeaders
} {
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  return { method, path, query: new URLSearchParams(mark === -1 ? '' : url.slice(mark)), headers }
}

function parseTarget(target: URL | string): URL {
  const url = URL.parse(String(target))
  if (url?.protocol !== 'http:' || url.pathname !== '/' || url.search !== '') {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `${String(target)} is no target for the proxy: give an http: address such as http://127.0.0.1:9000.`,
    )
  }
  return url
}
