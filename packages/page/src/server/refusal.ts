import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { type Answer, plain } from './response.ts'

/** What a request says about where it comes from. */
export interface RequestFacts {
  readonly method?: string | undefined
  readonly headers: IncomingHttpHeaders
}

/**
 * Returns why a request is rejected whatever it asks for; `undefined` if it is not. A page of another origin is rejected, and so
 * is one that reaches this server by another name, which DNS rebinding makes.
 */
export function refusalOf(
  { method, headers }: RequestFacts,
  port: number,
  mayWrite: boolean,
): Answer | undefined {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`, ...(port === 80 ? ['127.0.0.1', 'localhost'] : [])]
  const { host = '', origin, 'sec-fetch-site': site } = headers
  if (!hosts.includes(host))
    return plain(403, `Open http://127.0.0.1:${port}. A tunnel must use the same port on both sides.`)
  // A browser sends the origin with every POST.
  const isOwnOrigin = origin === undefined ? method !== 'POST' : origin === `http://${host}`
  const isOwnSite = site === undefined || site === 'same-origin' || (site === 'none' && method !== 'POST')
  if (!isOwnOrigin || !isOwnSite) return plain(403, 'This server answers only to its own page.')
  if (method === 'GET') return undefined
  if (method !== 'POST') return plain(405, 'This server knows only GET and POST.', { allow: 'GET, POST' })
  if (!mayWrite)
    return plain(405, 'This server only reads. Start it with permission to write.', { allow: 'GET' })
  // A form cannot send this type, and a page of another origin may send it only after a request that is rejected.
  if (headers['content-type'] !== 'application/json') return plain(415, 'A change must be JSON.')
  return undefined
}

/** Whether a request has the token of the server. */
export function hasToken({ authorization = '' }: IncomingHttpHeaders, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(authorization), digest(`Bearer ${token}`))
}
