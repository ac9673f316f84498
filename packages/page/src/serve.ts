import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isHoldfastError } from '@holdfast/core'
import type { BuiltPage } from './built-page.ts'
import { documentOf, policyOf } from './document.ts'
import type { RunPage } from './run-page.ts'

export interface ServeOptions {
  /** Reads the run. It is called for each question of a page, and never twice at once. */
  readonly read: () => Promise<RunPage>
  readonly built: BuiltPage
  /** Default: a free port. */
  readonly port?: number | undefined
}

/** A server of the page on this machine. */
export interface PageServer extends AsyncDisposable {
  /** The address of the page. Its fragment is the token, which a browser never sends as a part of a URL. */
  readonly url: string
  close(): Promise<void>
}

interface Response {
  readonly status: number
  readonly type: 'text/html' | 'text/plain' | 'application/json'
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * Serves the page of a run on 127.0.0.1, until it is closed. It only reads.
 *
 * Other users of this machine, and pages of other origins in the same browser, cannot read the run: it is sent only to
 * requests with the random token. Requests with another host, which DNS rebinding makes, or from another origin are
 * rejected before anything else is looked at. Rejects with the error of Node.js if the port is taken.
 */
export async function servePage({ read, built, port = 0 }: ServeOptions): Promise<PageServer> {
  const token = randomBytes(32).toString('base64url')
  const policy = policyOf(built, { connectsToSelf: true })
  const html: Response = {
    status: 200,
    type: 'text/html',
    body: documentOf(built, policy),
    headers: { 'content-security-policy': `${policy}; frame-ancestors 'none'` },
  }
  const run = oneAtATime(read)
  const server = createServer((request, response) => {
    void respond(request).then((answer) => {
      send(response, answer)
    })
  })
  const respond = async (request: IncomingMessage): Promise<Response> => {
    const refusal = refusalOf(request, (server.address() as AddressInfo).port)
    if (refusal !== undefined) return refusal
    if (request.url === '/') return html
    if (request.url !== '/run') return plain(404, 'There is no such page.')
    if (!hasToken(request, token)) return plain(401, 'Open the whole address that holdfast ui printed.')
    return runResponse(run, request.headers['if-none-match'])
  }
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = (): Promise<void> => closeServer(server)
  const { port: chosen } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${chosen}/#${token}`, close, [Symbol.asyncDispose]: close }
}

/** Why a request is rejected whatever it asks for; `undefined` if it is not. */
function refusalOf({ method, headers }: IncomingMessage, port: number): Response | undefined {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`]
  const { host = '', origin, 'sec-fetch-site': site } = headers
  if (!hosts.includes(host)) return plain(403, 'This server answers only to its own address.')
  const isOwnOrigin = origin === undefined || origin === `http://${host}`
  const isOwnSite = site === undefined || site === 'same-origin' || site === 'none'
  if (!isOwnOrigin || !isOwnSite) return plain(403, 'This server answers only to its own page.')
  return method === 'GET' ? undefined : plain(405, 'This server only reads.', { allow: 'GET' })
}

function hasToken({ headers: { authorization = '' } }: IncomingMessage, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(authorization), digest(`Bearer ${token}`))
}

async function runResponse(run: () => Promise<RunPage>, known: string | undefined): Promise<Response> {
  try {
    const page = await run()
    const { readAt: _, ...content } = page
    const etag = `"${createHash('sha256').update(JSON.stringify(content)).digest('base64url')}"`
    if (known === etag) return { status: 304, type: 'application/json', body: '', headers: { etag } }
    return { status: 200, type: 'application/json', body: JSON.stringify(page), headers: { etag } }
  } catch (error) {
    return plain(503, isHoldfastError(error) ? error.message : 'The store could not be read.')
  }
}

function plain(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Response {
  return { status, type: 'text/plain', body, headers }
}

function send(response: ServerResponse, { status, type, body, headers = {} }: Response): void {
  response.writeHead(status, {
    'content-type': `${type}; charset=utf-8`,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    ...headers,
  })
  response.end(body)
}

/** Callers that come while a call is under way get its result. */
function oneAtATime<Result>(call: () => Promise<Result>): () => Promise<Result> {
  let underWay: Promise<Result> | undefined
  return async () => {
    underWay ??= call().finally(() => {
      underWay = undefined
    })
    return underWay
  }
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}
