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

/** Opens a connection to a proxy. */
export function connectToProxy(proxy: URL, authorities: readonly string[] | undefined): Duplex {
  const host = proxy.hostname.replace(/^\[|\]$/g, '')
  if (proxy.protocol === 'http:') return connectPlain({ host, port: Number(proxy.port || 80) })
  return connectSecure({
    host,
    port: Number(proxy.port || 443),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(authorities === undefined ? {} : { ca: [...authorities] }),
  })
}
