import { Readable } from 'node:stream'
import type { S3Client } from '@aws-sdk/client-s3'
import {
  fieldOf,
  foreignAnswer,
  HoldfastError,
  numberFieldOf,
  type RequestInfo,
  ResponseLimit,
  stringFieldOf,
} from '@holdfast/core/backend'

/**
 * Thrown for a read that the store redirects to another host. The address grants the read, so it must not appear in a log. The
 * SDK logs errors with all their properties if a ready-made client has a logger.
 */
export class Redirected extends Error {
  readonly #location: URL

  constructor(location: URL) {
    super('The store redirects the read to another host')
    this.#location = location
  }

  get location(): URL {
    return this.#location
  }
}

/** The largest number of redirects of one read. */
const mostRedirects = 5

/** The bytes of an object from another host. */
export interface ElsewhereBody {
  readonly body: Readable
  readonly contentLength: number | undefined
  readonly contentRange: string | undefined
}

/**
 * Returns where a response to GetObject redirects; `undefined` for any other response. A response with status 302 names another
 * host that has the bytes (Hugging Face: https://huggingface.co/docs/hub/storage-buckets-s3). With 301 and 307, S3 names another
 * region: https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html.
 */
export function redirectOf(info: RequestInfo, request: unknown, response: unknown): Redirected | undefined {
  if (numberFieldOf(response, 'statusCode') !== 302) return undefined
  const [protocol = '', hostname = '', path = ''] = ['protocol', 'hostname', 'path'].map((name) =>
    stringFieldOf(request, name),
  )
  const port = numberFieldOf(request, 'port')
  const from = `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`
  discard(response)
  return new Redirected(locationOf(info, response, new URL(from)))
}

/**
 * Reads from the host to which the store redirects. The request has no credentials and no header of S3, since the address itself
 * grants the read. An address without TLS is refused if the store was reached with TLS.
 */
export async function readElsewhere(
  { config }: S3Client,
  info: RequestInfo,
  location: URL,
  range: string | undefined,
  signal: AbortSignal | undefined,
): Promise<ElsewhereBody> {
  let url = location
  for (let redirects = 0; redirects <= mostRedirects; redirects += 1) {
    const response = await get(config.requestHandler, url, range, signal)
    const status = numberFieldOf(response, 'statusCode')
    const body = fieldOf(response, 'body')
    if ((status === 200 || status === 206) && body instanceof Readable) {
      const headers = fieldOf(response, 'headers')
      const length = stringFieldOf(headers, 'content-length')
      return {
        body,
        contentLength: length === undefined ? undefined : Number(length),
        contentRange: stringFieldOf(headers, 'content-range'),
      }
    }
    discard(response)
    if (status === undefined || status < 300 || status >= 400)
      throw unavailable(info, `${url.host}, to which the store redirects, responded with HTTP ${status}`)
    url = locationOf(info, response, url)
  }
  throw unavailable(info, `the store redirects more than ${mostRedirects} times`)
}

async function get(
  handler: S3Client['config']['requestHandler'],
  { protocol, hostname, port, pathname, search, host }: URL,
  range: string | undefined,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const limit = new ResponseLimit(0, undefined)
  const request = {
    method: 'GET',
    protocol,
    hostname,
    ...(port === '' ? {} : { port: Number(port) }),
    // The query is part of the path, because it must be sent as it is.
    path: `${pathname}${search}`,
    query: {},
    headers: { host, 'accept-encoding': 'identity', ...(range === undefined ? {} : { range }) },
  }
  try {
    const abortSignal = signal === undefined ? limit.signal : AbortSignal.any([signal, limit.signal])
    return (await handler.handle(request as Parameters<typeof handler.handle>[0], { abortSignal })).response
  } catch (error) {
    throw limit.signal.aborted ? limit.signal.reason : error
  } finally {
    limit.end()
  }
}

function unavailable({ what, key }: RequestInfo, why: string): HoldfastError {
  return new HoldfastError('UNAVAILABLE', `${what} failed: ${why}.`, { key })
}

function locationOf(info: RequestInfo, response: unknown, from: URL): URL {
  const location = stringFieldOf(fieldOf(response, 'headers'), 'location')
  const url = (location ?? '') === '' ? null : URL.parse(location ?? '', from.href)
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw foreignAnswer(info, 'it redirects, but states no valid address')
  if (url.protocol === 'http:' && from.protocol === 'https:')
    throw foreignAnswer(info, 'it redirects to an address without TLS')
  return url
}

function discard(response: unknown): void {
  const body = fieldOf(response, 'body')
  if (body instanceof Readable) body.destroy()
}
