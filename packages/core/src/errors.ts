import { type ErrorHint, remedyOf } from './hints.ts'

/**
 * Every kind of failure. The code is part of the interface, so programs can branch on it. The message is for people and
 * may change.
 */
export type ErrorCode =
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'FENCED'
  | 'INCOMPLETE'
  | 'OUTCOME_UNKNOWN'
  | 'CORRUPT'
  | 'INSUFFICIENT_SPACE'
  | 'ABORTED'
  | 'UNAVAILABLE'
  | 'PERMISSION_DENIED'
  | 'UNSUPPORTED'
  | 'INVALID_ARGUMENT'
  | 'CONFIG'

/** What an error states besides its code and its message. */
export interface ErrorDetails {
  /** The object that the failed call concerned, relative to the root of the backend. */
  readonly key?: string | undefined
  /** The URL of the store or backend, without secrets. */
  readonly url?: string | undefined
  readonly cause?: unknown
  /** Whether a repetition of the same call may succeed. Default: true for `UNAVAILABLE` only. */
  readonly retryable?: boolean | undefined
  readonly hint?: ErrorHint | undefined
}

const brand: unique symbol = Symbol.for('holdfast.error')

/**
 * The one error class of Holdfast. `message` states what failed, where, and what the user can do. `reason` is the
 * message without the remedy of `hint`, for a program that phrases the remedy itself.
 *
 * `instanceof` also works for errors of other copies of this package, which `npm` may install side by side.
 */
export class HoldfastError extends Error {
  readonly code: ErrorCode
  readonly reason: string
  readonly retryable: boolean
  readonly key: string | undefined
  readonly url: string | undefined
  readonly hint: ErrorHint | undefined
  readonly [brand] = true

  constructor(code: ErrorCode, reason: string, details: ErrorDetails = {}) {
    const message = details.hint === undefined ? reason : `${reason} ${remedyOf(details.hint)}`
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'HoldfastError'
    this.code = code
    this.reason = reason
    this.retryable = details.retryable ?? code === 'UNAVAILABLE'
    this.key = details.key
    this.url = details.url
    this.hint = details.hint
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value
  }
}

/** Returns whether an error is a Holdfast error. If codes are given, it must have one of them. */
export function isHoldfastError(error: unknown, ...codes: readonly ErrorCode[]): error is HoldfastError {
  return error instanceof HoldfastError && (codes.length === 0 || codes.includes(error.code))
}

/**
 * Returns whether a call fails again until a person acts: another writer owns the store (`FENCED`), this version or the store
 * cannot do it (`UNSUPPORTED`), the configuration is not valid (`CONFIG`), or the caller stopped it (`ABORTED`).
 */
export function isFinal(error: HoldfastError): boolean {
  return isHoldfastError(error, 'FENCED', 'UNSUPPORTED', 'CONFIG', 'ABORTED')
}

/** Creates the error of a call whose signal fired. `cause` is the reason of the signal. */
export function abortedError(signal: AbortSignal, what: string, details: ErrorDetails = {}): HoldfastError {
  return new HoldfastError('ABORTED', `${what} was stopped by its caller.`, {
    ...details,
    cause: signal.reason,
  })
}

/** Throws `ABORTED` if the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string, details?: ErrorDetails): void {
  if (signal?.aborted === true) throw abortedError(signal, what, details)
}

/** Returns the message of any thrown value, without a remedy, for use inside another message. */
export function messageOf(error: unknown): string {
  if (error instanceof HoldfastError) return error.reason
  return error instanceof Error ? error.message : String(error)
}
