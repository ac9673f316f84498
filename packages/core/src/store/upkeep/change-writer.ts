import type { Committed } from '../../catalog/commit/catalog-log.ts'
import type { Change, ChangeOf } from '../../catalog/commit/changes/index.ts'
import { keepingOf } from '../../catalog/judging/recorded-keeping.ts'
import { usesTime } from '../../retention/index.ts'
import { deleteDropped } from '../attempts/delete-dropped.ts'
import type { StoreContext } from '../context/context.ts'
import { storeTime } from './store-time.ts'
import { refuseWithoutCatalog } from './missing-store.ts'
import { deleteExpired } from './forget-removed.ts'
import type { WriteAccess } from './write-access.ts'

/** Commits changes to a store that exists, other than saves. */
export class ChangeWriter {
  readonly #context: StoreContext
  readonly #access: WriteAccess
  readonly #afterwards: () => void

  /** `afterwards` is called after each change. */
  constructor(context: StoreContext, access: WriteAccess, afterwards: () => void) {
    this.#context = context
    this.#access = access
    this.#afterwards = afterwards
  }

  /** Commits a change. Rejects with `NOT_FOUND` if there is no store yet: only a save creates one. */
  async write(change: Change, signal: AbortSignal | undefined): Promise<Committed> {
    return this.#write(change, signal, () => Promise.resolve())
  }

  /** Commits a change that frees space, also on a full disk, and deletes what it drops. */
  async free(
    change: () => Promise<ChangeOf<'delete' | 'prune'>>,
    signal: AbortSignal | undefined,
  ): Promise<Committed> {
    return this.#access.freeing(signal, async () => {
      // Removed checkpoints whose time has ended would take the place of what this change removes.
      const committed = await this.#write(await change(), signal, () => deleteExpired(this.#context, signal))
      await deleteDropped(this.#context, committed)
      return committed
    })
  }

  /** Returns the time by the clock of the store, if a retention of this writer or of the store depends on time. */
  async timeForRetention(signal: AbortSignal | undefined): Promise<Date | undefined> {
    const { log, keeping } = this.#context
    await refuseWithoutCatalog(this.#context, signal)
    const recorded = keepingOf(keeping, await log.newest(signal)).retention
    const isRequired = usesTime(keeping.retention) || usesTime(recorded)
    return isRequired ? storeTime(this.#context, signal) : undefined
  }

  /** Commits a change after `preparation`, which runs once this writer may write. */
  async #write(
    change: Change,
    signal: AbortSignal | undefined,
    preparation: () => Promise<unknown>,
  ): Promise<Committed> {
    await this.#access.cleanedUp(signal)
    await refuseWithoutCatalog(this.#context, signal)
    await this.#access.ready(signal)
    await preparation()
    const committed = await this.#context.log.commit(change, signal)
    this.#afterwards()
    return committed
  }
}
