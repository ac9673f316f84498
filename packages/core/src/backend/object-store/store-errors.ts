import { abortedError, type ErrorCode, HoldfastError } from '../../errors.ts'
import { locatedError } from '../checked.ts'
import type { RequestInfo } from './request-info.ts'
import { own } from '../../records.ts'
import { Secrets } from './secrets.ts'

/** A failed request. */
export interface Failure {
  /** The error code of the store or of Node.js. */
  readonly name: string
  /** The status of HTTP, if there was a response. */
  readonly status: number | undefined
  readonly message: string
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
  damaged: unavailable('The bytes were damaged in transit, and the store rejected them.'),
  webPage: unavailable(
    'The response is a web page, not one of the store. Check the endpoint, and whether a proxy or captive portal responds in its place.',
  ),
  noObject: notFound('The object does not exist.'),
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

/** Without a connection, the store cannot have executed the request. */
const neverConnected = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'] as const

const brokenConnection = [
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ECONNABORTED',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_DESTROYED',
  'UND_ERR_SOCKET',
  'EPROXY',
  'TimeoutError',
] as const

/** Codes of certificates that Node.js does not trust: https://nodejs.org/api/tls.html#x509-certificate-error-codes. */
const untrusted = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
] as const

const wrongCertificate = [
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
] as const

/**
 * Returns the error of the port for a failed call. `what` describes the call. The message ends with the text of the
 * store, and the cause is what was thrown. Both are without secrets.
 */
export function storeError(
  error: unknown,
  failure: Failure,
  meanings: Meanings,
  asked: RequestInfo,
  url: string,
  secrets: Secrets = new Secrets(),
): HoldfastError {
  const { what, key, signal } = asked
  if (error instanceof HoldfastError) return locatedError(error, key, url)
  if (signal?.aborted === true) return abortedError(signal, what, { key, url })
  const { name } = failure
  const { code, advice } = own(meanings, name) ?? commonMeaning(failure)
  const answer = [name, secrets.redact(failure.message)]
    .filter((part, index, all) => part !== '' && all.indexOf(part) === index)
    .join(': ')
  const cause = secrets.causeOf(error)
  return new HoldfastError(code, `${what} failed. ${advice} (${answer})`, { key, url, cause })
}

/** Functions that classify an error of an SDK. */
export interface StoreErrors {
  /** Returns the error of the port for a failed call. */
  readonly storeError: (error: unknown, asked: RequestInfo, url: string, secrets?: Secrets) => HoldfastError
  /** Returns whether the store failed with one of these codes. */
  readonly isCalled: (error: unknown, ...names: readonly string[]) => boolean
  /** Returns whether the store responded with this status. */
  readonly hasStatus: (error: unknown, status: number) => boolean
  /** Returns whether the store may have executed the request although it failed. */
  readonly mayHaveHappened: (error: unknown) => boolean
}

/**
 * Returns the classification of errors for a store. `meanings` are the codes of the store, and `failureOf` reads an
 * error of its SDK. `sentWith` finds the secrets of the request in an error, for an SDK that attaches the request.
 */
export function storeErrors(
  meanings: Meanings,
  failureOf: (error: unknown) => Failure,
  sentWith: (error: unknown) => readonly (string | undefined)[] = () => [],
): StoreErrors {
  return {
    storeError(error, asked, url, secrets = new Secrets()) {
      for (const secret of sentWith(error)) secrets.add(secret)
      return storeError(error, failureOf(error), meanings, asked, url, secrets)
    },
    isCalled: (error, ...names) => names.includes(failureOf(error).name),
    hasStatus: (error, status) => failureOf(error).status === status,
    mayHaveHappened: (error) => mayHaveHappened(failureOf(error)),
  }
}

/** Returns whether the store may have executed a failed request: the response was lost, or the store failed. */
export function mayHaveHappened({ name, status }: Failure): boolean {
  if (neverConnected.some((code) => code === name)) return false
  // A proxy that sends a page may have forwarded the request.
  if (name === webPage) return true
  return status === undefined || status >= 500 || status === 408 || status === 200
}

function commonMeaning({ name, status, message }: Failure): Meaning {
  const {
    noNetwork,
    slowDown,
    storeFailed,
    noObject,
    notAllowed,
    full,
    untrustedCertificate,
    badCertificate,
  } = commonMeanings
  if (name === webPage) return commonMeanings.webPage
  if ([...neverConnected, ...brokenConnection].some((code) => code === name)) return noNetwork
  if (untrusted.some((code) => code === name)) return untrustedCertificate
  if (wrongCertificate.some((code) => code === name)) return badCertificate
  if (status === undefined) {
    return /socket|network|hang up|premature|timed? ?out|fetch failed/i.test(message)
      ? noNetwork
      : unsupported('It failed before the request was sent.')
  }
  if (status === 401 || status === 403) return notAllowed
  if (status === 404) return noObject
  if (status === 408) return noNetwork
  if (status === 429) return slowDown
  if (status === 501) return unsupported('The store does not support this request.')
  if (status === 507) return full
  if (status >= 500) return storeFailed
  return invalidArgument('The store rejected the request.')
}
