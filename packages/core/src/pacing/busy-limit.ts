import { throwIfAborted } from '../errors.ts'
import type { Machine } from './machine.ts'
import { type Clock, limitOf, type RateLimit, type Transfer } from './transfers.ts'

/** The default limit in bytes per second. SHA-256 and the transfer then take a few percent of one processor. */
export const defaultRateWhileBusy = 16 * 2 ** 20

/** A transfer of fewer bytes ends before it could disturb anything. */
const unlimitedBytes = 8 * 2 ** 20

/** What a limit needs from its environment. */
export interface BusyLimitOptions {
  /** The limit in bytes per second. `undefined` never limits. */
  readonly rate: number | undefined
  readonly clock: Clock
  readonly machine: Pick<Machine, 'isBusy'>
}

/**
 * Limits transfers in the background while the machine is busy with other work, and nothing waits for these transfers. The
 * transfers of an open store share the limit.
 */
export class BusyLimit implements RateLimit {
  readonly #limit: RateLimit | undefined
  readonly #machine: Pick<Machine, 'isBusy'>
  /** Defined while the limit holds. */
  #limited: Transfer | undefined
  #waiting = 0

  constructor({ rate, clock, machine }: BusyLimitOptions) {
    this.#limit = rate === undefined ? undefined : limitOf(rate, clock)
    this.#machine = machine
  }

  begin(): Transfer {
    let passed = 0
    return {
      pace: async (bytes, signal) => {
        passed += bytes
        if (this.#limit === undefined || passed <= unlimitedBytes || this.#isAwaited) return
        const isBusy = await this.#machine.isBusy()
        throwIfAborted(signal, 'The transfer')
        await this.#transferAt(isBusy ? this.#limit : undefined)?.pace(bytes, signal)
      },
      [Symbol.dispose]: () => undefined,
    }
  }

  /** Suspends the limit until the result is disposed of, because something waits for a transfer. */
  suspend(): Disposable {
    this.#waiting += 1
    let isWaiting = true
    return {
      [Symbol.dispose]: () => {
        if (isWaiting) this.#waiting -= 1
        isWaiting = false
      },
    }
  }

  get #isAwaited(): boolean {
    return this.#waiting > 0
  }

  /** Begins to limit, or ends it. A new limit does not catch up on the time before it. */
  #transferAt(limit: RateLimit | undefined): Transfer | undefined {
    if (limit === undefined || this.#isAwaited) {
      this.#limited?.[Symbol.dispose]()
      this.#limited = undefined
    } else {
      this.#limited ??= limit.begin()
    }
    return this.#limited
  }
}
