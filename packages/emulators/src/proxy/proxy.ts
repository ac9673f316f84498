import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { finished } from 'node:stream/promises'
import { HoldfastError } from '@holdfast/core/backend'
import { emptyList, errorAnswer, htmlPage, type InjectedResponse, reversedList } from './answers.ts'
import type { FaultPlan } from './fault.ts'
import { afterUnlessClosed, type Exchange, forward, forwardCut, type Upstream } from './forward.ts'
import { type RequestLog, WrittenLog } from './log.ts'
import { dialectOf, operationOf } from './operation.ts'

export interface ProxyOptions {
  /** The address of the server: `http:`, host and port. */
  readonly target: URL | string
  /** Returns the fault of each request. Default: no faults. */
  readonly plan?: FaultPlan
  /** Delay of every request in milliseconds, like that of a distant store. Default: 0. */
  readonly latency?: number
  /** The port on 127.0.0.1. Default: a free port. */
  readonly port?: number
}

export interface Proxy extends AsyncDisposable {
  /** The address that clients use instead of that of the server. It has no slash at the end. */
  readonly url: string
  readonly requests: RequestLog
  /** Closes every connection and frees the port. May be called twice. */
  close(): Promise<void>
}

/**
 * Starts a proxy on loopback that injects the faults of a plan. It runs in front of a server. It forwards requests
 * unchanged, including `Host`, so signatures stay valid: clients sign for the address of the proxy, and the server
 * verifies the signature against `Host`. Bodies are streamed in both directions with back-pressure.
 *
 * @throws `INVALID_ARGUMENT` if `target` is not an `http:` origin, or `latency` is negative.
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
  if (!(latency >= 0))
    throw new HoldfastError('INVALID_ARGUMENT', `latency must be at least 0 milliseconds, not ${latency}.`)
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
  request.on('error', () => undefined) // the client has left, which `close` of the response also reports
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

/** Sends a response. First reads the whole request, because a client may read the response only after it has sent all. */
async function answer({ request, response, entry }: Exchange, made: InjectedResponse): Promise<void> {
  const { status, headers, body } = made
  entry.status = status
  const waitsForContinue = request.headers.expect !== undefined
  if (!waitsForContinue) {
    request.resume()
    await finished(request)
  }
  response.writeHead(status, {
    ...headers,
    'content-length': Buffer.byteLength(body),
    ...(waitsForContinue ? { connection: 'close' } : {}),
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
      `target must be an http: address with host and port, such as http://127.0.0.1:9000, not ${String(target)}.`,
    )
  }
  return url
}
