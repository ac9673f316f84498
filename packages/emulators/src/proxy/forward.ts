import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import { finished, pipeline } from 'node:stream/promises'
import { setTimeout as after } from 'node:timers/promises'
import type { LogEntry } from './log.ts'

/** A request of a client with its response and its entry in the log. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly entry: LogEntry
}

export interface Upstream {
  readonly hostname: string
  readonly port: string
  readonly agent: http.Agent
}

/**
 * How a response is forwarded: completely, with one bit flipped, not at all, only its first bytes (default: half of the
 * announced length), or with a changed body.
 */
export type Passing =
  | 'whole'
  | 'flipped'
  | 'nothing'
  | { readonly afterBytes: number | undefined }
  | ChangeOfBody

/** A change of a body: other bytes, one byte per number of milliseconds, or half of it and then spaces without end. */
export type ChangeOfBody =
  | { readonly body: 'replaced'; readonly by: (body: Buffer) => Uint8Array }
  | { readonly body: 'dripping'; readonly milliseconds: number }
  | { readonly body: 'endless' }

/**
 * Headers of the connection, which are not forwarded (RFC 9110, "Connection"). Signatures do not cover them. All other
 * headers, including `Host`, are forwarded unchanged.
 */
const connectionHeaders = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'upgrade'])

/** Forwards a request to the server unchanged, and forwards the response. Both bodies are streamed. */
export async function forward(to: Upstream, exchange: Exchange, passing: Passing): Promise<void> {
  const { request, response, entry } = exchange
  const upstream = open(to, exchange)
  request.on('data', (chunk: Buffer) => (entry.requestBytes += chunk.byteLength))
  request.pipe(upstream)
  const answer = await answerOf(upstream, response)
  if (answer === undefined) return
  response.sendDate = false
  entry.status = answer.statusCode
  if (passing === 'whole' || passing === 'flipped') {
    const headers = messageHeaders(answer.rawHeaders)
    // A client that waits for `100 Continue` may never send its body after that, and its connection cannot be used again.
    if (answer.headers.connection === 'close') headers.push('Connection', 'close')
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, headers)
    answer.on('data', (chunk: Buffer) => (entry.answerBytes += chunk.byteLength))
    const flipped = passing === 'flipped' ? Math.floor((announcedBytes(answer) ?? 2) / 2) : -1
    await pipeline(answer, (body: AsyncIterable<Buffer>) => withFlippedBit(body, flipped), response).catch(
      () => response.destroy(),
    )
    takeTheRest(request, upstream)
    return
  }
  if (typeof passing === 'object' && 'body' in passing) {
    await passChanged(answer, exchange, passing)
    return
  }
  if (passing !== 'nothing') await passSome(answer, exchange, passing.afterBytes)
  answer.resume() // the server must finish before the client loses its connection
  await finished(answer).catch(() => undefined)
  response.destroy()
}

/** After an early response, the server may not read the rest of the body. The client sends it before its next request. */
function takeTheRest(request: IncomingMessage, upstream: http.ClientRequest): void {
  if (request.complete) return
  request.unpipe(upstream)
  request.resume()
  upstream.destroy()
}

/** Forwards the head and the first bytes of a request, and then closes both connections. */
export async function forwardCut(to: Upstream, exchange: Exchange, afterBytes?: number): Promise<void> {
  const { request, response, entry } = exchange
  const announced = announcedBytes(request)
  const limit = Math.min(afterBytes ?? Math.floor((announced ?? 2) / 2), (announced ?? Infinity) - 1)
  if (announced === 0 || !hasBody(request)) {
    response.destroy()
    return
  }
  const upstream = open(to, exchange)
  upstream.on('error', () => response.destroy())
  upstream.on('response', () => response.destroy()) // the server has rejected the request early
  for await (const chunk of request as AsyncIterable<Buffer>) {
    const part = chunk.subarray(0, limit - entry.requestBytes)
    entry.requestBytes += part.byteLength
    if (part.byteLength > 0) await written(upstream, part)
    if (entry.requestBytes >= limit) break
  }
  upstream.destroy()
  response.destroy()
}

/** Opens a request to the server with the method, the target and the headers of the client's request. */
function open({ hostname, port, agent }: Upstream, { request, response }: Exchange): http.ClientRequest {
  const headers = messageHeaders(request.rawHeaders)
  if (!hasBody(request)) headers.push('Content-Length', '0')
  const upstream = http.request({
    hostname,
    port,
    agent,
    method: request.method,
    path: request.url,
    headers,
  })
  upstream.on('continue', () => {
    response.writeContinue()
  })
  response.once('close', () => {
    if (!response.writableFinished) upstream.destroy()
  })
  return upstream
}

/** Returns the head of the response. If the server closes its connection, closes the client's and returns `undefined`. */
async function answerOf(
  upstream: http.ClientRequest,
  response: ServerResponse,
): Promise<IncomingMessage | undefined> {
  return await new Promise((resolve) => {
    upstream.once('response', resolve)
    upstream.on('error', () => {
      resolve(undefined)
      if (!response.headersSent) response.destroy()
    })
  })
}

/** Forwards a response with a changed body. Keeps the body in memory, because plans use this only for small bodies. */
async function passChanged(
  answer: IncomingMessage,
  { response, entry }: Exchange,
  change: ChangeOfBody,
): Promise<void> {
  const body = Buffer.concat(await Array.fromAsync(answer as AsyncIterable<Buffer>))
  const sent = change.body === 'replaced' ? change.by(body) : body
  const headers = messageHeaders(answer.rawHeaders, new Set(['content-length', 'transfer-encoding']))
  if (change.body !== 'endless') headers.push('Content-Length', String(sent.byteLength))
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, headers)
  for await (const piece of piecesOf(sent, change, response)) {
    if (response.destroyed) return
    entry.answerBytes += piece.byteLength
    await written(response, piece)
  }
  response.end()
}

async function* piecesOf(
  body: Uint8Array,
  change: ChangeOfBody,
  response: ServerResponse,
): AsyncGenerator<Uint8Array> {
  switch (change.body) {
    case 'replaced':
      yield body
      return
    case 'dripping':
      for (let at = 0; at < body.byteLength; at += 1) {
        yield body.subarray(at, at + 1)
        await afterUnlessClosed(change.milliseconds, response)
      }
      return
    case 'endless':
      yield body.subarray(0, Math.floor(body.byteLength / 2))
      for (const spaces = Buffer.alloc(2 ** 18, ' '); ; ) yield spaces
  }
}

async function passSome(
  answer: IncomingMessage,
  { response, entry }: Exchange,
  afterBytes: number | undefined,
): Promise<void> {
  const announced = announcedBytes(answer)
  const limit = afterBytes ?? Math.floor((announced ?? 2) / 2)
  const tooShort = announced !== undefined && announced <= limit
  if (limit === 0 || tooShort || response.req.method === 'HEAD') return
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, messageHeaders(answer.rawHeaders))
  for await (const chunk of answer.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    const part = chunk.subarray(0, limit - entry.answerBytes)
    entry.answerBytes += part.byteLength
    await written(response, part)
    if (entry.answerBytes >= limit) return
  }
}

/** Yields the bytes of a body, with one bit of the byte at `position` flipped. */
async function* withFlippedBit(body: AsyncIterable<Buffer>, position: number): AsyncGenerator<Buffer> {
  let start = 0
  for await (const chunk of body) {
    const at = position - start
    if (at >= 0 && at < chunk.byteLength) chunk.writeUInt8(chunk.readUInt8(at) ^ 1, at)
    start += chunk.byteLength
    yield chunk
  }
}

/** Writes bytes. Resolves when they are written or the connection is closed. */
async function written(to: http.OutgoingMessage, bytes: Uint8Array): Promise<void> {
  await new Promise<void>((resolve) => {
    to.once('close', resolve)
    to.write(bytes, () => {
      to.off('close', resolve)
      resolve()
    })
  })
}

function messageHeaders(rawHeaders: readonly string[], without: ReadonlySet<string> = new Set()): string[] {
  return rawHeaders.filter((_, index) => {
    const name = (rawHeaders[index - (index % 2)] ?? '').toLowerCase()
    return !connectionHeaders.has(name) && !without.has(name)
  })
}

/** Waits for a time, or until the client closes its connection. */
export async function afterUnlessClosed(milliseconds: number, response: ServerResponse): Promise<void> {
  const gone = new AbortController()
  const onClose = (): void => {
    gone.abort()
  }
  response.once('close', onClose)
  await after(milliseconds, undefined, { signal: gone.signal }).catch(() => undefined)
  response.off('close', onClose)
}

function announcedBytes({ headers }: IncomingMessage): number | undefined {
  const length = headers['content-length']
  return length === undefined ? undefined : Number(length)
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
}
