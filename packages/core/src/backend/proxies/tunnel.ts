import * as http from 'node:http'
import * as https from 'node:https'
import type { Duplex } from 'node:stream'

/** The longest time in milliseconds until a proxy responds. */
const longestWait = 30_000

/** The error of a failed connection through a proxy. The message names the proxy without its password. */
class ProxyError extends Error {
  readonly code = 'EPROXY'
}

/** Opens a connection to `host:port` through a proxy: https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6. */
export function tunnel(
  proxy: URL,
  host: string,
  port: number,
  ca: readonly string[] | undefined,
): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>()
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const failed = (why: string, cause?: unknown): void => {
    reject(
      new ProxyError(`The proxy ${proxy.protocol}//${proxy.host} did not connect to ${authority}: ${why}`, {
        cause,
      }),
    )
  }
  const isSecure = proxy.protocol === 'https:'
  const request = (isSecure ? https : http).request({
    host: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port || (isSecure ? 443 : 80),
    method: 'CONNECT',
    path: authority,
    headers: { host: authority, ...proxyCredentials(proxy) },
    agent: false,
    timeout: longestWait,
    ...(ca === undefined ? {} : { ca: [...ca] }),
  })
  request.once('connect', ({ statusCode = 0, statusMessage = '' }, socket: Duplex, head) => {
    if (statusCode !== 200) {
      socket.destroy()
      failed(`${statusCode} ${statusMessage}`)
      return
    }
    request.setTimeout(0)
    if (head.byteLength > 0) socket.unshift(head)
    resolve(socket)
  })
  request.once('timeout', () => {
    request.destroy(new Error(`It did not respond for ${longestWait / 1000} s`))
  })
  request.once('error', (error) => {
    failed(error.message, error)
  })
  request.end()
  return promise
}

/** Returns the headers by which a proxy knows the user that its URL names. */
export function proxyCredentials({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {}
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` }
}
