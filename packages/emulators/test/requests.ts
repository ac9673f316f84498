import http, { type IncomingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'

export interface Sent {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Sends one request unchanged on a new connection. Rejects if the connection is lost. */
export async function send(
  base: string,
  method: string,
  target: string,
  headers: readonly (readonly [string, string])[] = [],
  body: string | Uint8Array = '',
): Promise<Sent> {
  const { hostname, port, host } = new URL(base)
  return await new Promise((resolve, reject) => {
    const request = http.request({
      hostname,
      port,
      method,
      path: target,
      agent: false,
      headers: [['Host', host], ...headers, ['Content-Length', String(Buffer.byteLength(body))]].flat(),
    })
    request.on('error', reject)
    request.on('response', (response) => {
      text(response).then((read) => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: read })
      }, reject)
    })
    request.end(body)
  })
}
