import { type HoldfastError, isHoldfastError } from '@holdfast/core'
import { isUnreadable, nodeErrorCode, stringFieldOf } from '@holdfast/core/backend'

const firstDelay = 5_000
const longestDelay = 5 * 60_000

interface Failure {
  readonly fingerprint: string
  readonly error: HoldfastError
  /** 0 if it only waits for an earlier checkpoint. */
  readonly tries: number
  readonly notBefore: number
}

/** A checkpoint whose last save failed, that waits for an earlier one whose save failed, or that cannot be read. */
export interface Failing {
  readonly name: string
  readonly error: HoldfastError
  /** The milliseconds until the next attempt. */
  readonly retryIn: number
  /** The later checkpoint that was saved, so that the run does not lack this one. */
  readonly overtakenBy: string | undefined
}

/** Why later checkpoints wait for a checkpoint, and until when. */
export interface Hold {
  readonly until: number
  /** The error of its last save; `undefined` if it was not tried in its current state. */
  readonly error: HoldfastError | undefined
}

/** Records what became of each checkpoint in its current state, so that no scan repeats a failure too soon. */
export class Outcomes {
  readonly #failures = new Map<string, Failure>()
  readonly #unreadable = new Set<string>()
  readonly #done = new Map<string, string>()

  /**
   * Records a failure. Returns the milliseconds until the next attempt. They double with each failure, up to 5 minutes.
   */
  fail(name: string, fingerprint: string, error: HoldfastError, now: number): number {
    const own = this.#currentFailureOf(name, fingerprint)
    const tries = (own?.tries ?? 0) + 1
    const delay = Math.min(longestDelay, firstDelay * 2 ** (tries - 1))
    this.#failures.set(name, { ...own, fingerprint, error, tries, notBefore: now + delay })
    return delay
  }

  /** Makes every failed save due now. The pauses after further failures start from the shortest one again. */
  retryNow(now: number): void {
    for (const [name, failure] of this.#failures)
      this.#failures.set(name, { ...failure, tries: 0, notBefore: now })
  }

  /** Returns the milliseconds until the next attempt. 0 if it may start now, or as soon as no earlier one is in its way. */
  dueIn(name: string, fingerprint: string, now: number): number {
    const failure = this.#currentFailureOf(name, fingerprint)
    return failure === undefined || failure.tries === 0 ? 0 : Math.max(0, failure.notBefore - now)
  }

  /** Records that a checkpoint cannot be read. */
  failToRead(name: string): void {
    this.#unreadable.add(name)
  }

  /** Returns whether an earlier scan could not save a checkpoint, in any state of its files. */
  hasFailed(name: string): boolean {
    return this.#failures.has(name) || this.#unreadable.has(name)
  }

  /** Returns the failure for which later checkpoints wait: they would fail for the same reason. */
  holdBy(name: string, fingerprint: string): Hold | undefined {
    const failure = this.#currentFailureOf(name, fingerprint)
    if (failure === undefined || !isOfStore(failure.error) || isAbout(failure.error, name)) return undefined
    return { until: failure.notBefore, error: failure.error }
  }

  /** Lets a checkpoint wait for an earlier one. If the save of that one failed, this one fails for the same reason. */
  postpone(name: string, fingerprint: string, { until, error: reason }: Hold): void {
    const own = this.#currentFailureOf(name, fingerprint)
    const error = own?.error ?? reason
    if (error === undefined) return
    const notBefore = Math.max(own?.notBefore ?? until, until)
    this.#failures.set(name, { tries: 0, ...own, fingerprint, error, notBefore })
  }

  /** Returns the failure of the last save of a checkpoint, or of the earlier one for which it waits. */
  failureOf(name: string, now: number): Omit<Failing, 'overtakenBy'> | undefined {
    const failure = this.#failures.get(name)
    if (failure === undefined) return undefined
    return { name, error: failure.error, retryIn: Math.max(0, failure.notBefore - now) }
  }

  /** Forgets the failures of a checkpoint that was saved. */
  succeed(name: string): void {
    this.#failures.delete(name)
    this.#unreadable.delete(name)
  }

  /** Forgets checkpoints that no longer exist. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#failures.keys()) if (!names.has(name)) this.#failures.delete(name)
    for (const name of this.#unreadable) if (!names.has(name)) this.#unreadable.delete(name)
    for (const name of this.#done.keys()) if (!names.has(name)) this.#done.delete(name)
  }

  /** Records that a checkpoint needs no further work in its current state. Forgets its failures. */
  settle(name: string, fingerprint: string): void {
    this.succeed(name)
    this.#done.set(name, fingerprint)
  }

  isSettled(name: string, fingerprint: string): boolean {
    return this.#done.get(name) === fingerprint
  }

  /** Returns the last failure in the current state. */
  #currentFailureOf(name: string, fingerprint: string): Failure | undefined {
    const failure = this.#failures.get(name)
    return failure?.fingerprint === fingerprint ? failure : undefined
  }
}

/**
 * Whether an error is one of the store, such as that it cannot be reached or that credentials have expired. An error of the
 * files of one checkpoint may never end.
 */
function isOfStore(error: HoldfastError): boolean {
  const isRefusedByDisk = ['EACCES', 'EPERM'].includes(nodeErrorCode(error.cause) ?? '')
  const mayEnd = error.retryable || isHoldfastError(error, 'PERMISSION_DENIED')
  return mayEnd && !isUnreadable(error) && !isRefusedByDisk
}

/** Whether an error is about a file of this checkpoint. Its name is relative to the watched folder. */
function isAbout({ cause }: HoldfastError, name: string): boolean {
  const path = stringFieldOf(cause, 'path')?.replaceAll('\\', '/')
  return path !== undefined && `${path}/`.includes(`/${name}/`)
}
