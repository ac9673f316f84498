import type { CheckpointChoice } from '../catalog/judging/choose.ts'
import type { StoreContext } from './context/context.ts'
import type { StoreMirror } from './mirror/mirror.ts'
import { countRestore } from './restore/count-restores.ts'
import { restoreCheckpoint } from './restore/restore.ts'
import type { Restored, RestoreOptions } from './restore/result.ts'
import type { RestoreUpkeep } from './restore/try-to-restore.ts'
import type { ChangeWriter } from './upkeep/change-writer.ts'
import { type PruneOptions, type PruneReport, pruneStore } from './upkeep/prune.ts'
import { repairStore } from './upkeep/repair/repair.ts'
import { type RewindOptions, type RewindReport, rewindStore } from './upkeep/rewind.ts'
import type { WriteAccess } from './upkeep/write-access.ts'

/** A process on its own or a rank of a job, with the calls that differ between the two. */
export interface ProcessRole {
  restore(choice: CheckpointChoice, options: RestoreOptions): Promise<Restored | undefined>
  rewind(step: number, options: RewindOptions): Promise<RewindReport>
  prune(options: PruneOptions): Promise<PruneReport>
}

/** A process that is not a rank of a job. */
export class SingleProcess implements ProcessRole {
  readonly #context: StoreContext
  readonly #access: WriteAccess
  readonly #writer: ChangeWriter
  readonly #mirror: StoreMirror | undefined

  constructor(
    context: StoreContext,
    access: WriteAccess,
    writer: ChangeWriter,
    mirror: StoreMirror | undefined,
  ) {
    this.#context = context
    this.#access = access
    this.#writer = writer
    this.#mirror = mirror
  }

  async restore(choice: CheckpointChoice, options: RestoreOptions): Promise<Restored | undefined> {
    const upkeep: RestoreUpkeep = {
      quarantine: (finding) => this.#access.findings.quarantine(finding),
      repair: (signal) => repairStore(this.#context, { signal }),
      takeOver: async () => {
        await this.#access.readyToSave(options.signal)
      },
      count: (entry, after) => countRestore(this.#context, entry, after, options.signal),
    }
    return this.#mirror === undefined
      ? restoreCheckpoint(this.#context, choice, options, upkeep)
      : this.#mirror.restore(choice, options, upkeep)
  }

  async rewind(step: number, options: RewindOptions): Promise<RewindReport> {
    return rewindStore(this.#context, this.#writer, step, options)
  }

  async prune(options: PruneOptions): Promise<PruneReport> {
    return pruneStore(this.#context, this.#writer, options)
  }
}
