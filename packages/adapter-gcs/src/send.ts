import { Readable } from 'node:stream'
import {
  type RequestInfo,
  foreignAnswer,
  isHoldfastError,
  isHtml,
  isHtmlPage,
  type MinimumProgress,
  readAnswer,
} from '@holdfast/core/backend'

/** One request of HTTP. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: HttpBody
  readonly answer?: 'json' | 'stream'
  /** Statuses that are an answer, too, beside 2xx. */
  readonly alsoFine?: readonly number[]
  readonly signal?: AbortSignal | undefined
  /** Use a connection that no other request uses. */
  readonly newConnection?: boolean | undefined
  /** What the answer must bring while it is waited for. */
  readonly progress?: MinimumProgress | undefined
}

/** Bytes that are sent one after the other, and how many they are. */
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

/** What sends requests with the SDK's credentials, and through its proxies. */
export interface Requester {
  request(options: {
    readonly method: string
    readonly url: URL
    readonly headers: Record<string, string>
    readonly data?: Readable
    readonly responseType: 'stream'
    readonly validateStatus: (status: number) => boolean
    readonly signal: AbortSignal
    readonly retry: false
    /** Of node-fetch, below the SDK: leave the bytes of an answer as they are. */
    readonly compress: false
    readonly newConnection: boolean
  }): Promise<HttpAnswer>
}

/** Milliseconds in which something must happen, beside the time that the bytes under way may take. */
const longestSilence = 60_000

/** Bytes a millisecond: a network that is slower than this is taken for a broken one. */
const slowestUpload = 64

/**
 * Makes one request once. Rejects with what the SDK throws; where the body fails, with that; and with `UNAVAILABLE` when
 * the answer is a web page, or JSON that is none, comes too slowly, or has no end. After each piece of the body
 * that is taken the next one is to be, or the answer to begin (of a stream) or to be there, within a time that grows with
 * the bytes under way.
 */
export async function send(requester: Requester, asked: HttpRequest): Promise<HttpAnswer> {
  const { method, query = {}, headers = {}, body, answer = 'json', alsoFine = [], signal } = asked
  const url = new URL(asked.url)
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, String(value))
  const silence = new Silence()
  // As a stream, since below the SDK bytes are searched for secrets, one by one, when a request fails (gaxios).
  const data =
    body === undefined || body.size === 0 ? undefined : Readable.from(silence.brokenBy(body.pieces))
  try {
    const given = await requester.request({
      method,
      url,
      headers: body === undefined ? { ...headers } : { ...headers, 'content-length': String(body.size) },
      ...(data === undefined ? {} : { data }),
      // The SDK reads JSON of any size, and gives a text where it is none.
      responseType: 'stream',
      // The SDK renews credentials that the store refuses. It reads what else is refused without a bound.
      validateStatus: (status) => status !== 401 && status !== 403,
      signal: signal === undefined ? silence.signal : AbortSignal.any([signal, silence.signal]),
      retry: false,
      compress: false,
      newConnection: asked.newConnection === true,
    })
    silence.end()
    return await checked(given, { ...asked, answer, alsoFine }, { what: `${method} ${url.pathname}` })
  } catch (error) {
    throw isHoldfastError(data?.errored) ? data.errored : error
  } finally {
    silence.end()
    data?.destroy() // an answer may come before all was sent
  }
}

/** The answer, if it is one that the store gives; JSON as what it says. Rejects what the store refuses. */
async function checked(
  given: HttpAnswer,
  { answer, alsoFine, progress }: Required<Pick<HttpRequest, 'answer' | 'alsoFine'>> & HttpRequest,
  asked: RequestInfo,
): Promise<HttpAnswer> {
  const { status, headers, data } = given
  if (!(data instanceof Readable)) return given
  const type = headers.get('content-type')
  const isSuccess = status >= 200 && status < 300
  if (answer === 'stream' && isSuccess) {
    // An object may be a web page itself.
    if (!isHtml(type) || headers.get('x-goog-generation') !== null) return given
    data.destroy()
    throw foreignAnswer(asked, `it is a web page (HTTP ${status})`)
  }
  const text = (await readAnswer(data, asked, progress)).toString()
  if (!isSuccess && !alsoFine.includes(status)) throw new RefusedError(status, headers, text)
  if (isHtmlPage(type, text)) throw foreignAnswer(asked, `it is a web page (HTTP ${status})`)
  return { status, headers, data: isSuccess && text !== '' ? parsedJson(text, asked) : undefined }
}

/** An answer by which the store refuses a request, in the form in which the SDK throws it. */
class RefusedError extends Error {
  readonly status: number
  readonly response: { readonly headers: Headers; readonly data: string }

  constructor(status: number, headers: Headers, data: string) {
    super(`Request failed with status code ${status}`)
    this.status = status
    this.response = { headers, data }
  }
}

function parsedJson(text: string, asked: RequestInfo): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw foreignAnswer(asked, 'it is no whole JSON')
  }
}

/** A time limit that begins anew with each piece of a body that is taken. */
class Silence {
  readonly #over = new AbortController()
  #timer = this.#allow(0)

  /** Fires when it has lasted too long. */
  get signal(): AbortSignal {
    return this.#over.signal
  }

  /** When a piece is taken, the one before it may still be under way. */
  async *brokenBy(pieces: HttpBody['pieces']): AsyncGenerator<Uint8Array> {
    let before = 0
    for await (const piece of pieces) {
      clearTimeout(this.#timer)
      this.#timer = this.#allow(before + piece.byteLength)
      before = piece.byteLength
      yield piece
    }
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  #allow(bytes: number): NodeJS.Timeout {
    const limit = longestSilence + Math.ceil(bytes / slowestUpload)
    return setTimeout(() => {
      this.#over.abort(new DOMException(`There was no answer for ${limit} ms`, 'TimeoutError'))
    }, limit)
  }
}
