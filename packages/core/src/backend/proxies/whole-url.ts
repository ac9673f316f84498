import type { ClientRequest } from 'node:http'
import { connect as connectPlain, isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectSecure } from 'node:tls'
import { proxyCredentials } from './tunnel.ts'

/**
 * Prepares a request of plain HTTP for a proxy, which gets the whole URL: https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2. Many
 * proxies open tunnels only to the port of HTTPS: https://wiki.squid-cache.org/SquidFaq/SecurityPitfalls.
 */
export function sendWholeUrl(request: ClientRequest, proxy: URL): void {
  request.path = `http://${String(request.getHeader('host'))}${request.path}`
  for (const [name, value] of Object.entries(proxyCredentials(proxy))) request.setHeader(name, value)
}

/**
 * Opens a connection to a proxy. Until the connection is ready, its errors name the proxy, since their addresses are not those of the
 * store.
 */
export function connectToProxy(proxy: URL, authorities: readonly string[] | undefined): Duplex {
  const host = proxy.hostname.replace(/^\[|\]$/g, '')
  const isSecure = proxy.protocol === 'https:'
  const socket = isSecure
    ? connectSecure({
        host,
        port: Number(proxy.port || 443),
        ...(isIP(host) === 0 ? { servername: host } : {}),
        ...(authorities === undefined ? {} : { ca: [...authorities] }),
      })
    : connectPlain({ host, port: Number(proxy.port || 80) })
  // Otherwise the pieces of a request wait for acknowledgements, which are delayed: https://www.rfc-editor.org/rfc/rfc1122#section-4.2.3.2.
  socket.setNoDelay(true)
  const onError = (error: NodeJS.ErrnoException): void => {
    nameProxy(error, proxy)
  }
  // This listener is the first one, so the HTTP client gets the error with the name.
  socket.once('error', onError)
  socket.once(isSecure ? 'secureConnect' : 'connect', () => socket.off('error', onError))
  return socket
}

/**
 * Changes the error in place, because a socket passes the same object to all of its listeners. An error of the certificate keeps its
 * code, which has a remedy of its own.
 */
function nameProxy(error: NodeJS.ErrnoException, proxy: URL): void {
  // If all addresses of a host fail, the message is empty.
  const reason = error.message === '' ? (error.code ?? error.name) : error.message
  error.message = `The connection to the proxy ${proxy.protocol}//${proxy.host} failed: ${reason}`
  if (!/CERT|^UNABLE_TO_/.test(error.code ?? '')) error.code = 'EPROXY'
}
