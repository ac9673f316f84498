import type { Finding } from '../../catalog/commit/changes/index.ts'
import { mayChange } from '../../catalog/commit/rules/index.ts'
import type { CatalogEntry } from '../../catalog/documents/index.ts'
import { isHoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context/context.ts'
import { recorded, type Recording } from '../context/recorded-finding.ts'
import { ensureMarker } from '../marker/ensure-marker.ts'

/** Records in the catalog which checkpoints are corrupt, and which verify again. */
export class Findings {
  readonly #context: StoreContext
  /** The corrupt checkpoints that the first write records. */
  #pending: Finding[] = []

  constructor(context: StoreContext) {
    this.#context = context
  }

  /** Records a corrupt checkpoint, if this writer may write now. Otherwise its first write records it. */
  async quarantine(finding: Finding): Promise<Recording> {
    const { log, writer } = this.#context
    if (log.known !== undefined && mayChange(log.known, writer))
      return this.#recording(() => this.#commit([finding]))
    this.#pending.push(finding)
    const because =
      writer.mode === 'exclusive'
        ? "this writer's first save records it"
        : `the store belongs to ${log.known?.owner?.name ?? 'another writer'}`
    return { kind: 'not recorded', because }
  }

  /** Lists quarantined checkpoints again, or returns why it could not. */
  async readmit(entries: readonly CatalogEntry[]): Promise<Recording> {
    return this.#recording(async () => {
      await this.#context.log.commit({ kind: 'readmit', entries })
    })
  }

  /** Records what was found before this writer could write. */
  async recordPending(): Promise<void> {
    if (this.#pending.length === 0) return
    await this.#commit(this.#pending)
    this.#pending = []
  }

  async #commit(found: readonly Finding[]): Promise<void> {
    await this.#context.log.commit({ kind: 'quarantine', found })
    for (const { step, reason } of found) this.#context.events.emit('quarantined', { step, reason })
  }

  /** Returns why nothing is recorded if the store refuses the commit. */
  async #recording(commit: () => Promise<void>): Promise<Recording> {
    try {
      await ensureMarker(this.#context)
      await commit()
      return recorded
    } catch (error) {
      if (isHoldfastError(error, 'ABORTED', 'OUTCOME_UNKNOWN') || !isHoldfastError(error)) throw error
      return { kind: 'not recorded', because: error.reason, hint: error.hint }
    }
  }
}
