import { Readable } from 'node:stream'

/** One request of HTTP. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly headers?: Readonly<Record<string, string>>
  /** Sent one after the other. */
  readonly body?: readonly Uint8Array[]
  readonly answer?: 'json' | 'stream'
  /** Statuses that are an answer, too, beside 2xx. */
  readonly alsoFine?: readonly number[]
  readonly signal?: AbortSignal | undefined
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

/** Milliseconds for an answer to begin (of a stream) or to be there, beside the time that the bytes sent may take. */
const longestAnswer = 60_000

/** Bytes a millisecond: a network that is slower than this is taken for a broken one. */
const slowestUpload = 64

/** Makes one request once. Rejects with what the SDK throws. */
export async function send(requester: Requester, asked: HttpRequest): Promise<HttpAnswer> {
  const { method, query = {}, headers = {}, body, answer = 'json', alsoFine = [], signal } = asked
  const url = new URL(asked.url)
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, String(value))
  const bytes = (body ?? []).reduce((sum, { byteLength }) => sum + byteLength, 0)
  const limit = longestAnswer + Math.ceil(bytes / slowestUpload)
  const noAnswer = new AbortController()
  const timer = setTimeout(() => {
    noAnswer.abort(new DOMException(`There was no answer for ${limit} ms`, 'TimeoutError'))
  }, limit)
  try {
    return await requester.request({
      method,
      url,
      headers: body === undefined ? { ...headers } : { ...headers, 'content-length': String(bytes) },
      // As a stream, since below the SDK bytes are searched for secrets, one by one, when a request fails (gaxios).
      ...(bytes === 0 ? {} : { data: Readable.from(body ?? []) }),
      responseType: answer,
      validateStatus: (status) => (status >= 200 && status < 300) || alsoFine.includes(status),
      signal: signal === undefined ? noAnswer.signal : AbortSignal.any([signal, noAnswer.signal]),
      retry: false,
      compress: false,
    })
  } finally {
    clearTimeout(timer)
  }
}
