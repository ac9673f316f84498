import { abortedError, type ErrorCode, HoldfastError } from '../../errors.ts'
import { locatedError } from '../checked.ts'
import type { RequestInfo } from './request-info.ts'
import { own } from '../../records.ts'
import { Secrets } from './secrets.ts'

/** What is known of a request that failed. */
export interface Failure {
  /** The store's own code for it, or that of Node.js. */
  readonly name: string
  /** Of HTTP, when there was an answer. */
  readonly status: number | undefined
  readonly message: string
}

/** What a failure means in the terms of the port, and what the user can do, as a sentence. */
export interface Meaning {
  readonly code: ErrorCode
  readonly advice: string
}

/** What an adapter knows of its store's own codes. */
export type Meanings = Readonly<Record<string, Meaning>>

export const unavailable = (advice: string): Meaning => ({ code: 'UNAVAILABLE', advice })
export const permissionDenied = (advice: string): Meaning => ({ code: 'PERMISSION_DENIED', advice })
export const unsupported = (advice: string): Meaning => ({ code: 'UNSUPPORTED', advice })
export const invalidArgument = (advice: string): Meaning => ({ code: 'INVALID_ARGUMENT', advice })
export const misconfigured = (advice: string): Meaning => ({ code: 'CONFIG', advice })
export const notFound = (advice: string): Meaning => ({ code: 'NOT_FOUND', advice })

/** One meaning that several codes of a store have. */
export function sameMeaning(codes: readonly string[], meaning: Meaning): Meanings {
  return Object.fromEntries(codes.map((code) => [code, meaning]))
}

/** The name of a failure whose answer is a web page, which no store sends. */
export const webPage = 'WebPage'

/** Failures that mean the same on every store that is reached over a network. */
export const commonMeanings = {
  slowDown: unavailable('The store asks for fewer requests.'),
  storeFailed: unavailable('The store failed.'),
  noNetwork: unavailable('The store cannot be reached: check the network, the endpoint and its port.'),
  damaged: unavailable('The bytes were damaged on their way to the store, which refused them.'),
  webPage: unavailable(
    'A web page came in place of an answer of the store. Check the endpoint, and whether a proxy or a captive portal answers for it.',
  ),
  noObject: notFound('There is no such object.'),
  full: { code: 'INSUFFICIENT_SPACE', advice: 'The store has no room left.' },
  wrongClock: permissionDenied(
    "This machine's clock is too far from the store's. Set it right (NTP), and go on.",
  ),
  expired: permissionDenied('The credentials have expired. Renew them, and go on.'),
  notAllowed: permissionDenied('The credentials do not allow it.'),
  untrustedCertificate: misconfigured(
    'The certificate of the server, or of a proxy before it, is of an authority that is not trusted. Name a file with its certificate in AWS_CA_BUNDLE (for every store) or NODE_EXTRA_CA_CERTS.',
  ),
  badCertificate: misconfigured(
    'The certificate of the server is not valid for it. Check the endpoint, the certificate, and the clock of this machine.',
  ),
} as const satisfies Meanings

/** Before a connection stood nothing can have been carried out. */
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

/** Why Node.js does not trust a certificate (Node.js documentation, "X509 certificate error codes"). */
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
 * The error of a call in the terms of the port. `what` is the call in words; the store's own answer stands at the
 * end of the message, and what was thrown is the cause, both without secrets.
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

/** What an adapter asks about an error that its SDK threw. */
export interface StoreErrors {
  /** The error of a call in the terms of the port. */
  readonly storeError: (error: unknown, asked: RequestInfo, url: string, secrets?: Secrets) => HoldfastError
  /** Whether the store failed with one of these codes. */
  readonly isCalled: (error: unknown, ...names: readonly string[]) => boolean
  /** Whether the store answered with this status. */
  readonly hasStatus: (error: unknown, status: number) => boolean
  /** Whether the request may have been carried out although it failed. */
  readonly mayHaveHappened: (error: unknown) => boolean
}

/**
 * From the codes of a store, and how what its SDK throws is read. `sentWith` finds the secrets of a request in what its
 * failure threw, for an SDK that has them there.
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

/** Whether the request may have been carried out although it failed: its answer was lost, or the store faltered. */
export function mayHaveHappened({ name, status }: Failure): boolean {
  if (neverConnected.some((code) => code === name)) return false
  // Whoever sent the page may have let the request through.
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
      : unsupported('It failed before the store was asked.')
  }
  if (status === 401 || status === 403) return notAllowed
  if (status === 404) return noObject
  if (status === 408) return noNetwork
  if (status === 429) return slowDown
  if (status === 501) return unsupported('The store does not offer this.')
  if (status === 507) return full
  if (status >= 500) return storeFailed
  return invalidArgument('The store refuses the request.')
}
