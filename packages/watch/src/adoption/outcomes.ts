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

/** A later checkpoint that was saved, and when, in milliseconds of the wall clock. */
interface Overtaking {
  readonly by: string
  readonly at: number
}

/** A checkpoint whose last save failed, or that waits for an earlier one whose save failed. */
export interface Failing {
  readonly name: string
  readonly error: HoldfastError
  readonly retryIn: number
  /** The later checkpoint that was saved since. */
  readonly overtakenBy?: string | undefined
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
  readonly #overtaken = new Map<string, Overtaking>()
  readonly #done = new Map<string, string>()

  /**
   * Records a failure. Returns the milliseconds until the next attempt. They double with each failure, up to 5 minutes.
   */
  fail(name: string, fingerprint: string, error: HoldfastError, now: number): number {
    const own = this.#failureOf(name, fingerprint)
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
    const failure = this.#failureOf(name, fingerprint)
    return failure === undefined || failure.tries === 0 ? 0 : Math.max(0, failure.notBefore - now)
  }

  /** Records that a later checkpoint is saved. Saved now, this one would become the latest. */
  overtake(name: string, overtaking: Overtaking): void {
    if (!this.#overtaken.has(name)) this.#overtaken.set(name, overtaking)
  }

  /** Returns the later checkpoint that was saved after this one failed, unless its files were written since. */
  overtakenBy(name: string, modifiedAt: number): string | undefined {
    const overtaking = this.#overtaken.get(name)
    return overtaking === undefined || modifiedAt > overtaking.at ? undefined : overtaking.by
  }

  /** Returns the failure for which later checkpoints wait: they would fail for the same reason. */
  holdBy(name: string, fingerprint: string): Hold | undefined {
    const failure = this.#failureOf(name, fingerprint)
    if (failure === undefined || !isOfStore(failure.error) || isAbout(failure.error, name)) return undefined
    return { until: failure.notBefore, error: failure.error }
  }

  /** Lets a checkpoint wait for an earlier one. If the save of that one failed, this one fails for the same reason. */
  postpone(name: string, fingerprint: string, { until, error: reason }: Hold): void {
    const own = this.#failureOf(name, fingerprint)
    const error = own?.error ?? reason
    if (error === undefined) return
    const notBefore = Math.max(own?.notBefore ?? until, until)
    this.#failures.set(name, { tries: 0, ...own, fingerprint, error, notBefore })
  }

  /** The checkpoints whose last save failed, and the checkpoints that wait for one of them. */
  failing(now: number): readonly Failing[] {
    return [...this.#failures].map(([name, { error, notBefore }]) => ({
      name,
      error,
      overtakenBy: this.#overtaken.get(name)?.by,
      retryIn: Math.max(0, notBefore - now),
    }))
  }

  /** Forgets the failures of a checkpoint that was saved. */
  succeed(name: string): void {
    this.#failures.delete(name)
    this.#overtaken.delete(name)
  }

  /** Forgets checkpoints that no longer exist. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#failures.keys()) if (!names.has(name)) this.#failures.delete(name)
    for (const name of this.#overtaken.keys()) if (!names.has(name)) this.#overtaken.delete(name)
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
  #failureOf(name: string, fingerprint: string): Failure | undefined {
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
