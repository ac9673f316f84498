import type { ErrorCode } from '../../errors.ts'

/** A failed request. */
export interface Failure {
  /** The error code of the store or of Node.js. */
  readonly name: string
  /** The status of HTTP, if there was a response. */
  readonly status: number | undefined
  readonly message: string
  /** Milliseconds after which the store expects the next request, if it stated them. */
  readonly retryAfter?: number | undefined
  /** Whether the response is one of the store whatever its error code is: it has the request id or the body of the API. */
  readonly isOfStore?: boolean | undefined
}

/** The code of the port for a failure, and a sentence that states what the user can do. */
export interface Meaning {
  readonly code: ErrorCode
  readonly advice: string
}

/** The meanings of the error codes of a store. */
export type Meanings = Readonly<Record<string, Meaning>>

/** Returns the meaning of a failure that a later try may not have. */
export const unavailable = (advice: string): Meaning => ({ code: 'UNAVAILABLE', advice })
/** Returns the meaning of credentials that do not allow the request. */
export const permissionDenied = (advice: string): Meaning => ({ code: 'PERMISSION_DENIED', advice })
/** Returns the meaning of a request that the store does not support. */
export const unsupported = (advice: string): Meaning => ({ code: 'UNSUPPORTED', advice })
/** Returns the meaning of a request that is wrong. */
export const invalidArgument = (advice: string): Meaning => ({ code: 'INVALID_ARGUMENT', advice })
/** Returns the meaning of a place or an option that is wrong. */
export const misconfigured = (advice: string): Meaning => ({ code: 'CONFIG', advice })
/** Returns the meaning of a bucket, container or object that does not exist. */
export const notFound = (advice: string): Meaning => ({ code: 'NOT_FOUND', advice })

/** Returns a table in which several codes of a store have the same meaning. */
export function sameMeaning(codes: readonly string[], meaning: Meaning): Meanings {
  return Object.fromEntries(codes.map((code) => [code, meaning]))
}

/** The name of a failure whose response is a web page. Stores send none. */
export const webPage = 'WebPage'

/** Failures that have the same meaning on every store over a network. */
export const commonMeanings = {
  slowDown: unavailable('The store is receiving too many requests.'),
  storeFailed: unavailable('The store failed. Try again later.'),
  noNetwork: unavailable('The store cannot be reached. Check the network, the endpoint and its port.'),
  proxyFailed: unavailable(
    'The store cannot be reached through the proxy. Check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY, or name the host of the store in NO_PROXY.',
  ),
  proxyDenied: unavailable(
    'The proxy rejected the user or the password (407 Proxy Authentication Required). Correct them in the URL of HTTP_PROXY or ALL_PROXY.',
  ),
  damaged: unavailable('The bytes were damaged in transit, and the store rejected them.'),
  webPage: unavailable(
    'The response is a web page, not one of the store. Check the endpoint, and whether a proxy or captive portal responds in its place.',
  ),
  noObject: notFound('The object does not exist.'),
  /** For a request that names no object, such as a list. */
  noPlace: notFound('The store has nothing at this address. Check the endpoint and the name of the bucket.'),
  full: { code: 'INSUFFICIENT_SPACE', advice: 'The store is full. Delete objects, or raise its quota.' },
  wrongClock: permissionDenied(
    'The clock of this machine differs too much from that of the store. Correct it (NTP), and try again.',
  ),
  expired: permissionDenied('The credentials have expired. Renew them, and try again.'),
  notAllowed: permissionDenied('The credentials do not allow this request. Check their permissions.'),
  untrustedCertificate: misconfigured(
    'The certificate of the server or of a proxy comes from an untrusted authority. Set AWS_CA_BUNDLE (for every store) or NODE_EXTRA_CA_CERTS to a file with the certificate of the authority.',
  ),
  badCertificate: misconfigured(
    'The certificate does not match the server, or is not valid now. Check the endpoint, the certificate, and the clock of this machine.',
  ),
} as const satisfies Meanings
