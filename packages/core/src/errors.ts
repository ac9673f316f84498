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

/** What may help, for a program that offers it in its own words, such as the options of a command line. */
export type ErrorHint =
  /** Choose a configuration file explicitly, which trusts it, or none. */
  | { readonly kind: 'choose-config'; readonly file: string }
  /** Leave the files and folders of this name out of what is saved. */
  | { readonly kind: 'exclude'; readonly name: string }
  /** Name an adapter explicitly: that package, if one is known. */
  | { readonly kind: 'name-adapter'; readonly package: string | undefined }
  /** Replace the checkpoint that is already saved. */
  | { readonly kind: 'replace' }
  /** Allow that the best of an objective is deleted or replaced. */
  | { readonly kind: 'allow-best' }
  /** Forget an objective that the store records. */
  | { readonly kind: 'forget-objective'; readonly name: string }
  /** Define an objective. */
  | { readonly kind: 'define-objective' }
  /** Name the store. */
  | { readonly kind: 'name-store' }
  /** Save the first checkpoint, which creates the store. */
  | { readonly kind: 'save-first' }
  /** List the checkpoints. */
  | { readonly kind: 'list' }
  /** Verify a quarantined checkpoint. It is listed again if it verifies. */
  | { readonly kind: 'verify'; readonly step: number }
  /** Repair the store. */
  | { readonly kind: 'repair' }
  /** Restore the next older good checkpoint in place of a corrupt one. */
  | { readonly kind: 'restore-with-fallback' }
  /** Take the store over, which fences its owner. */
  | { readonly kind: 'take-over' }
  /** Free space in the store. */
  | {
      readonly kind: 'free-space'
      /** Whether the save succeeds if Holdfast may drop checkpoints to make room. */
      readonly canMakeRoom: boolean
      /** Whether unfinished saves of other writers take space. A sweep that takes the store over removes them. */
      readonly hasUnfinished: boolean
    }

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
 * The one error class of Holdfast. `message` says what failed, where, and what the user can do.
 *
 * `instanceof` holds across duplicate copies of this package, which `npm` may install side by side.
 */
export class HoldfastError extends Error {
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly key: string | undefined
  readonly url: string | undefined
  readonly hint: ErrorHint | undefined
  readonly [brand] = true

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'HoldfastError'
    this.code = code
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

/** What an unknown thrown value says, for use inside another message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
