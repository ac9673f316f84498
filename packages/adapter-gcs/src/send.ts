import { Readable } from 'node:stream'
import {
  type RequestInfo,
  foreignAnswer,
  isHoldfastError,
  isHtml,
  isHtmlPage,
  type MinimumProgress,
  readAnswer,
  ResponseLimit,
} from '@holdfast/core/backend'

/** A request of HTTP. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: HttpBody
  readonly answer?: 'json' | 'stream'
  /** Statuses to accept beside 2xx. */
  readonly alsoFine?: readonly number[]
  readonly signal?: AbortSignal | undefined
  /** Use a connection that no other request uses. */
  readonly newConnection?: boolean | undefined
  /** The body is large, and a piece of it is valid until the second piece after it is taken. */
  readonly hasLargeBody?: boolean | undefined
  /** Receive the body over a connection for large bodies, if possible. */
  readonly direct?: DirectRead | undefined
  /** The slowest response that is accepted. */
  readonly progress?: MinimumProgress | undefined
}

/** The body of a request, and its size in bytes. */
export interface HttpBody {
  readonly size: number
  readonly pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
}

export function bodyOf(...pieces: readonly Uint8Array[]): HttpBody {
  return { size: pieces.reduce((sum, { byteLength }) => sum + byteLength, 0), pieces }
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Headers
  readonly data: unknown
}

/** Sends requests with the credentials of the SDK. */
export interface Requester {
  /** Whether a piece of a body may be in use after the next piece is taken. Then the pieces of large bodies are copied. */
  readonly keepsPieces?: boolean
  request(options: {
    readonly method: string
    readonly url: URL
    readonly headers: Record<string, string>
    readonly data?: Readable
    readonly responseType: 'stream'
    readonly validateStatus: (status: number) => boolean
    readonly signal: AbortSignal
    readonly retry: false
    /** An option of node-fetch, which the SDK uses: do not decompress responses. */
    readonly compress: false
    readonly newConnection: boolean
    readonly hasLargeBody: boolean
    readonly direct: DirectRead | undefined
  }): Promise<HttpAnswer>
}

/** Which thread receives the body of a large object. */
export interface DirectRead {
  readonly inThread: boolean
}

/** The slowest body that is accepted while a piece of it is in flight. A piece has a mebibyte at most. */
const slowestPiece: MinimumProgress = { bytes: 64_000, within: 1000 }

/** The most bytes that are handed to the connection at once. The limit restarts with each of these pieces. */
const pieceBytes = 2 ** 20

/**
 * Sends one request without retrying. Rejects with what the SDK throws, or with the error of the body if the body
 * fails. Rejects with `UNAVAILABLE` if the response is a web page or invalid JSON, arrives too slowly, or is too large.
 * After each piece of the body, the next piece must be taken, or the response must arrive, within a time that grows
 * with the bytes in flight.
 */
export async function send(requester: Requester, info: HttpRequest): Promise<HttpAnswer> {
  const { method, query = {}, headers = {}, body, answer = 'json', alsoFine = [], signal } = info
  const url = new URL(info.url)
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, String(value))
  const limit = new ResponseLimit(0, slowestPiece)
  // A stream, since gaxios, which the SDK uses, searches bytes in memory for secrets if a request fails.
  const copies = info.hasLargeBody === true && requester.keepsPieces === true
  const pieces = body && (copies ? copied(body.pieces) : body.pieces)
  const data = pieces === undefined || body?.size === 0 ? undefined : Readable.from(restarting(limit, pieces))
  try {
    const given = await requester.request({
      method,
      url,
      headers: body === undefined ? { ...headers } : { ...headers, 'content-length': String(body.size) },
      ...(data === undefined ? {} : { data }),
      // The SDK reads JSON of any size, and returns a string for invalid JSON.
      responseType: 'stream',
      // The SDK renews a token without an end that the store rejects. It reads other error responses without a limit, so accept those.
      validateStatus: (status) => status !== 401 && status !== 403,
      signal: signal === undefined ? limit.signal : AbortSignal.any([signal, limit.signal]),
      retry: false,
      compress: false,
      newConnection: info.newConnection === true,
      hasLargeBody: info.hasLargeBody === true,
      direct: info.direct,
    })
    limit.end()
    return await checked(given, { ...info, answer, alsoFine }, { what: `${method} ${url.pathname}` })
  } catch (error) {
    throw isHoldfastError(data?.errored) ? data.errored : error
  } finally {
    limit.end()
    data?.destroy() // a response may arrive before the whole body was sent
  }
}

/** Returns a valid response with its JSON parsed. Rejects with the error of a request that the store rejected. */
async function checked(
  given: HttpAnswer,
  { answer, alsoFine, progress }: Required<Pick<HttpRequest, 'answer' | 'alsoFine'>> & HttpRequest,
  info: RequestInfo,
): Promise<HttpAnswer> {
  const { status, headers, data } = given
  if (!(data instanceof Readable)) return given
  const type = headers.get('content-type')
  const isSuccess = status >= 200 && status < 300
  if (answer === 'stream' && isSuccess) {
    // The object itself may be a web page.
    if (!isHtml(type) || headers.get('x-goog-generation') !== null) return given
    data.destroy()
    throw foreignAnswer(info, `it is a web page (HTTP ${status})`)
  }
  const text = (await readAnswer(data, info, progress)).toString()
  if (!isSuccess && !alsoFine.includes(status)) throw new RefusedError(status, headers, text)
  if (isHtmlPage(type, text)) throw foreignAnswer(info, `it is a web page (HTTP ${status})`)
  return { status, headers, data: isSuccess && text !== '' ? parsedJson(text, info) : undefined }
}

/** The error of a request that the store rejected, in the form of the SDK. */
class RefusedError extends Error {
  readonly status: number
  readonly response: { readonly headers: Headers; readonly data: string }

  constructor(status: number, headers: Headers, data: string) {
    super(`Request failed with status code ${status}`)
    this.status = status
    this.response = { headers, data }
  }
}

function parsedJson(text: string, info: RequestInfo): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw foreignAnswer(info, 'it is not complete JSON')
  }
}

async function* copied(pieces: HttpBody['pieces']): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) yield Buffer.from(piece)
}

/** Yields the pieces and restarts the limit with each. When a piece is taken, the piece before may still be in flight. */
async function* restarting(limit: ResponseLimit, pieces: HttpBody['pieces']): AsyncGenerator<Uint8Array> {
  let before = 0
  for await (const given of pieces)
    for (let start = 0; start < given.byteLength; start += pieceBytes) {
      const piece = given.subarray(start, start + pieceBytes)
      limit.restart(before + piece.byteLength)
      before = piece.byteLength
      yield piece
    }
}
