import { Readable } from 'node:stream'
import { isHoldfastError } from '@holdfast/core'

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
    readonly responseType: 'json' | 'stream'
    readonly validateStatus: (status: number) => boolean
    readonly signal: AbortSignal
    readonly retry: false
    /** Of node-fetch, below the SDK: leave the bytes of an answer as they are. */
    readonly compress: false
  }): Promise<HttpAnswer>
}

/** Milliseconds in which something must happen, beside the time that the bytes under way may take. */
const longestSilence = 60_000

/** Bytes a millisecond: a network that is slower than this is taken for a broken one. */
const slowestUpload = 64

/**
 * Makes one request once. Rejects with what the SDK throws; where the body fails, with that. After each piece of the body
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
    return await requester.request({
      method,
      url,
      headers: body === undefined ? { ...headers } : { ...headers, 'content-length': String(body.size) },
      ...(data === undefined ? {} : { data }),
      responseType: answer,
      validateStatus: (status) => (status >= 200 && status < 300) || alsoFine.includes(status),
      signal: signal === undefined ? silence.signal : AbortSignal.any([signal, silence.signal]),
      retry: false,
      compress: false,
    })
  } catch (error) {
    throw isHoldfastError(data?.errored) ? data.errored : error
  } finally {
    silence.end()
    data?.destroy() // an answer may come before all was sent
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
