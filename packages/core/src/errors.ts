import { type ErrorHint, remedyOf } from './hints.ts'

/**
 * Every way in which Holdfast fails. The code is part of the interface: programs branch on it, the message
 * is for people and may change.
 */
export type ErrorCode =
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'FENCED'
  | 'OUTCOME_UNKNOWN'
  | 'CORRUPT'
  | 'INSUFFICIENT_SPACE'
  | 'ABORTED'
  | 'UNAVAILABLE'
  | 'PERMISSION_DENIED'
  | 'UNSUPPORTED'
  | 'INVALID_ARGUMENT'
  | 'CONFIG'

export interface ErrorDetails {
  /** The object that the failed call was about, relative to the backend's root. */
  readonly key?: string | undefined
  /** The store or backend, without secrets. */
  readonly url?: string | undefined
  readonly cause?: unknown
  /** Whether the same call may succeed when it is simply made again. Defaults to true for `UNAVAILABLE` only. */
  readonly retryable?: boolean | undefined
  readonly hint?: ErrorHint | undefined
}

const brand: unique symbol = Symbol.for('holdfast.error')

/**
 * The one error class of Holdfast. `message` says what failed, where, and what the user can do. `reason` is the message
 * without the remedy of `hint`, for a program that phrases the remedy itself.
 *
 * `instanceof` holds across duplicate copies of this package, which `npm` may install side by side.
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

/** Narrows an unknown error to a Holdfast error, of one of the given codes when any are given. */
export function isHoldfastError(error: unknown, ...codes: readonly ErrorCode[]): error is HoldfastError {
  return error instanceof HoldfastError && (codes.length === 0 || codes.includes(error.code))
}

/** The error for a call whose signal fired; `cause` is the signal's reason. */
export function abortedError(signal: AbortSignal, what: string, details: ErrorDetails = {}): HoldfastError {
  return new HoldfastError(
    'ABORTED',
    `${what} was stopped by its caller. Nothing partial was left visible.`,
    {
      ...details,
      cause: signal.reason,
    },
  )
}

/** Throws `ABORTED` when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string, details?: ErrorDetails): void {
  if (signal?.aborted === true) throw abortedError(signal, what, details)
}

/** Returns what an unknown thrown value says, without a remedy, for use inside another message. */
export function messageOf(error: unknown): string {
  if (error instanceof HoldfastError) return error.reason
  return error instanceof Error ? error.message : String(error)
}
