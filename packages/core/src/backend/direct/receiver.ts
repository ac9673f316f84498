import type { Target } from '../proxies/proxy-for.ts'
import type { ReceivedBody } from './received-body.ts'
import type { ResponseHead } from './response-head.ts'

/** A GET request that an SDK has prepared and signed. */
export interface DirectRequest extends Target {
  /** The path with the query. */
  readonly path: string
  /** All headers, with `host`. */
  readonly headers: Readonly<Record<string, string>>
}

/** A response to GET whose body has begun. */
export interface DirectResponse<Body extends ReceivedBody = ReceivedBody> extends ResponseHead {
  readonly body: Body
}

/** Sends GET requests of large bodies over connections of its own. */
export interface Receiver {
  /**
   * Sends a request once. Resolves to `undefined` if the SDK must send it: because a proxy is needed, the connection failed,
   * or the response is not a success with a known size. Rejects with `UNAVAILABLE` if the store is overloaded, and with an
   * `AbortError` if the signal fires.
   */
  get(request: DirectRequest, signal: AbortSignal | undefined): Promise<DirectResponse | undefined>
  /** Ends all connections. */
  destroy(): void
}

/** Returns the request for a URL. Its headers get the `host`. */
export function directRequest(
  url: URL,
  headers: Readonly<Record<string, string>>,
): DirectRequest | undefined {
  const { protocol, hostname, port, host, pathname, search } = url
  if (protocol !== 'http:' && protocol !== 'https:') return undefined
  return {
    protocol,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (protocol === 'http:' ? 80 : 443) : Number(port),
    path: `${pathname}${search}`,
    headers: { host, ...headers },
  }
}
