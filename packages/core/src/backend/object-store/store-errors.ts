import { abortedError, HoldfastError } from '../../errors.ts'
import { locatedError } from '../checked.ts'
import { connectionFailureOf } from './connection-failures.ts'
import {
  commonMeanings,
  type Failure,
  invalidArgument,
  type Meaning,
  type Meanings,
  unsupported,
  webPage,
} from './meanings.ts'
import { overloaded } from '../overload.ts'
import type { RequestInfo } from './request-info.ts'
import { own } from '../../input/records.ts'
import { Secrets } from './secrets.ts'

/**
 * Returns the error of the port for a failed call. `what` describes the call. The message ends with the text of the
 * store, and the cause is what was thrown. Both are without secrets.
 */
export function storeError(
  error: unknown,
  failure: Failure,
  meanings: Meanings,
  info: RequestInfo,
  url: string,
  secrets: Secrets = new Secrets(),
): HoldfastError {
  const { what, key, signal } = info
  if (error instanceof HoldfastError) return locatedError(error, key, url)
  if (signal?.aborted === true) return abortedError(signal, what, { key, url })
  const { name } = failure
  const ownMeaning = own(meanings, name)
  const meaning = ownMeaning ?? commonMeaning(failure)
  const isOfPlace = key === undefined && meaning === commonMeanings.noObject
  const { code, advice } = isOfPlace ? commonMeanings.noPlace : meaning
  const answer = [name, secrets.redact(failure.message)]
    .filter((part, index, all) => part !== '' && all.indexOf(part) === index)
    .join(': ')
  const cause = secrets.causeOf(error)
  const failed = new HoldfastError(code, `${what} failed. ${advice} (${answer})`, { key, url, cause })
  const isOfStore = failure.isOfStore === true || ownMeaning !== undefined
  return overloaded(
    failed,
    isOfStore && isOverload(failure, meaning) ? { retryAfter: failure.retryAfter } : undefined,
  )
}

/**
 * Returns whether a response of the store states that it has no capacity now. Proxies and balancers also send 503 for a wrong
 * endpoint, so a response counts only if it is one of the store.
 */
function isOverload({ status }: Failure, meaning: Meaning): boolean {
  return meaning === commonMeanings.slowDown || (meaning === commonMeanings.storeFailed && status === 503)
}

/** Functions that classify an error of an SDK. */
export interface StoreErrors {
  /** Returns the error of the port for a failed call. */
  readonly storeError: (error: unknown, info: RequestInfo, url: string, secrets?: Secrets) => HoldfastError
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
    storeError(error, info, url, secrets = new Secrets()) {
      for (const secret of sentWith(error)) secrets.add(secret)
      return storeError(error, failureOf(error), meanings, info, url, secrets)
    },
    isCalled: (error, ...names) => names.includes(failureOf(error).name),
    hasStatus: (error, status) => failureOf(error).status === status,
    mayHaveHappened: (error) => mayHaveHappened(failureOf(error)),
  }
}

/** Returns whether the store may have executed a failed request: the response was lost, or the store failed. */
export function mayHaveHappened(failure: Failure): boolean {
  const { name, status } = failure
  if (status === fromProxy) return false
  // A proxy that sends a page may have forwarded the request.
  if (name === webPage) return true
  if (status === undefined) return connectionFailureOf(failure)?.mayBeSent ?? true
  return status >= 500 || status === 408 || status === 200
}

/** Only a proxy responds with this status, and it does not forward the request: https://www.rfc-editor.org/rfc/rfc9110#section-15.5.8. */
const fromProxy = 407

function commonMeaning(failure: Failure): Meaning {
  const { name, status, message } = failure
  const { noNetwork, slowDown, storeFailed, noObject, notAllowed, full, proxyDenied } = commonMeanings
  if (status === fromProxy) return proxyDenied
  if (name === webPage) return commonMeanings.webPage
  if (status === undefined) {
    const isBroken = /socket|network|hang up|premature|timed? ?out|fetch failed/i.test(message)
    return (
      connectionFailureOf(failure)?.meaning ??
      (isBroken ? noNetwork : unsupported('It failed before the request was sent.'))
    )
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
