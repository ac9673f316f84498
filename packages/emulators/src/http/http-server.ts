import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** A response of an emulator. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string | number | undefined>>
  readonly body?: string | Readable
}

/** A request to an emulator: its head as it was sent, and its body, which is read on demand. */
export interface Call {
  readonly method: string
  /** The path without the query. It is percent-encoded and not normalised, because `..` is a valid key. */
  readonly path: string
  /** The query as it was sent, without the question mark. */
  readonly rawQuery: string
  readonly headers: http.IncomingHttpHeaders
  /** Every value of every header, in the order of the request. */
  readonly headersDistinct: NodeJS.Dict<string[]>
  /** Sends `100 Continue` if the client waits for it (RFC 9110, "Expect"), and yields the bytes as they arrive. */
  body(): AsyncIterable<Uint8Array>
}

export interface RunningServer {
  readonly endpoint: string
  /** Closes every connection. Resolves when all running requests have ended. */
  close(): Promise<void>
}

/** Starts a server on loopback. `answer` must not reject for an error of the client, unless the client has gone. */
export async function serve(port: number, answer: (call: Call) => Promise<Answer>): Promise<RunningServer> {
  const server = http.createServer({ requestTimeout: 0, keepAliveTimeout: 60_000, maxHeaderSize: 65_536 })
  const underWay = new Set<Promise<unknown>>()
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const handled = handle(request, response, answer).catch(() => response.destroy())
    underWay.add(handled)
    void handled.finally(() => underWay.delete(handled))
  }
  server.on('request', onRequest)
  server.on('checkContinue', onRequest)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    if (!server.listening) return
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
    await Promise.all(underWay)
  }
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (call: Call) => Promise<Answer>,
): Promise<void> {
  request.on('error', () => undefined) // the reader of the body gets the error
  const { method = 'GET', url = '/', headers, headersDistinct } = request
  const client = { waits: headers.expect !== undefined }
  const body = (): AsyncIterable<Uint8Array> => {
    if (client.waits) response.writeContinue()
    client.waits = false
    return request.iterator({ destroyOnReturn: false })
  }
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  const rawQuery = mark === -1 ? '' : url.slice(mark + 1)
  const answered = await answer({ method, path, rawQuery, headers, headersDistinct, body })
  await send(response, answered, client.waits)
  request.resume()
}

/**
 * Closes the connection if the client still waits for `100 Continue`: it is unknown whether it will send its body.
 */
async function send(response: ServerResponse, answer: Answer, unheard: boolean): Promise<void> {
  const { status, headers = {}, body = '' } = answer
  const length = typeof body === 'string' ? { 'content-length': Buffer.byteLength(body) } : {}
  const all: NonNullable<Answer['headers']> = {
    ...length,
    ...headers,
    ...(unheard ? { connection: 'close' } : {}),
  }
  for (const [name, value] of Object.entries(all)) if (value !== undefined) response.setHeader(name, value)
  if (status === 204 || status === 304) response.removeHeader('content-length')
  response.writeHead(status)
  if (typeof body === 'string') response.end(body)
  else await pipeline(body, response)
}
