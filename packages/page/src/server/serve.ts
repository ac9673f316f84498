import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { HoldfastError } from '@holdfast/core'
import type { BuiltPage } from '../built-page.ts'
import { htmlOf, policyOf } from '../html.ts'
import type { RunSource, RunsSource } from '../source.ts'
import { hasToken, refusalOf } from './refusal.ts'
import { answer, type PageRequest, type Shown } from './requests.ts'
import { type Answer, plain } from './response.ts'

/** What `servePage` serves, and how. */
export type ServeOptions = {
  readonly built: BuiltPage
  /** Default: a free port. */
  readonly port?: number | undefined
  /** Whether the page may change runs whose sources have changes. Default: false. */
  readonly write?: boolean | undefined
  /** Returns what a person reads of an error. Default: its reason, without a remedy. */
  readonly phrase?: ((error: HoldfastError) => string) | undefined
} & (
  | {
      /** The run to show. It is read for each question of a page, and never twice at once. */
      readonly run: RunSource
    }
  | {
      /** The runs to show. */
      readonly runs: RunsSource
    }
)

/** A server of the page on this machine. */
export interface PageServer extends AsyncDisposable {
  /** The address of the page. Its fragment is the token, which a browser never sends as a part of a URL. */
  readonly url: string
  close(): Promise<void>
}

/** Bytes of the longest request for a change. */
const mostBytes = 16_384

/**
 * Serves the page of a run, or of all runs below a prefix, on 127.0.0.1, until it is closed. It only reads, unless `write` is
 * set.
 *
 * Other users of this machine, and pages of other origins in the same browser, can neither read nor change a run: the server
 * answers only requests with the random token. Requests with another host, which DNS rebinding makes, or from another origin are
 * rejected before anything else is looked at. Rejects with the error of Node.js if the port is taken.
 */
export async function servePage(options: ServeOptions): Promise<PageServer> {
  const { built, port = 0, write = false, phrase = reasonOf } = options
  const token = randomBytes(32).toString('base64url')
  const policy = policyOf(built, { connectsToSelf: true })
  const shown = shownIn(options)
  const html: Answer = {
    status: 200,
    type: 'text/html',
    body: htmlOf(built, policy, { shows: 'runs' in shown ? 'runs' : 'run', write }),
    headers: { 'content-security-policy': `${policy}; frame-ancestors 'none'` },
  }
  const server = createServer((request, response) => {
    respond(request).then(
      (found) => {
        send(response, found)
      },
      () => response.destroy(), // the request has ended in the middle
    )
  })
  const respond = async (request: IncomingMessage): Promise<Answer> => {
    const { method, headers, url = '' } = request
    const refusal = refusalOf(request, (server.address() as AddressInfo).port, write)
    if (refusal !== undefined) return refusal
    if (url === '/' && method === 'GET') return html
    if (!hasToken(headers, token)) return plain(401, 'Open the whole address that holdfast ui printed.')
    const address = URL.parse(url, 'http://localhost')
    if (address === null) return plain(400, 'The path of the request is invalid.')
    const body = method === 'POST' ? await bodyOf(request) : ''
    if (body === undefined) return plain(413, 'The request is too long.')
    const asked: PageRequest = {
      method: method === 'POST' ? 'POST' : 'GET',
      path: address.pathname,
      parameters: address.searchParams,
      known: headers['if-none-match'],
      body,
    }
    return answer(shown, asked, phrase)
  }
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = (): Promise<void> => closeServer(server)
  const { port: chosen } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${chosen}/#${token}`, close, [Symbol.asyncDispose]: close }
}

/** Several windows that ask at once get the result of one read. */
function shownIn(options: ServeOptions): Shown {
  if ('run' in options) return { run: readingOnce(options.run) }
  const { runs } = options
  const opened = new Map<string, Promise<RunSource>>()
  const open = async (name: string): Promise<RunSource> => {
    const run = (async () => readingOnce(await runs.open(name)))()
    opened.set(name, run)
    run.catch(() => opened.delete(name)) // the next question opens it again
    return run
  }
  return {
    runs: {
      list: oneAtATime(() => runs.list()),
      open: async (name) => opened.get(name) ?? open(name),
    },
  }
}

function readingOnce(run: RunSource): RunSource {
  return { ...run, read: oneAtATime(() => run.read()) }
}

function reasonOf({ reason }: HoldfastError): string {
  return reason
}

/**
 * Returns the body of a request; `undefined` if it is too long. Reads such a body to its end, because the client cannot receive
 * an answer while it sends.
 */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength
    if (bytes <= mostBytes) chunks.push(chunk)
  }
  return bytes > mostBytes ? undefined : Buffer.concat(chunks).toString()
}

function send(response: ServerResponse, { status, type, body, headers = {} }: Answer): void {
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
