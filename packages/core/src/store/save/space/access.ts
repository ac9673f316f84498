import type { AttemptId } from '../../../catalog/documents/index.ts'
import type { UnfinishedOf, UnfinishedSaves } from '../../attempts/unfinished.ts'
import type { AttemptsUnderWay } from '../../context/context.ts'

/** The operations with which a save can free space. */
export interface SpaceAccess {
  readonly attempts: AttemptsUnderWay
  /** Whose the unfinished saves are that are not in `attempts`. */
  readonly unfinishedOf: UnfinishedOf
  /** Attempts whose saves failed and that could not be removed yet. */
  readonly toDiscard: Set<AttemptId>
  /** Deletes dead objects. Returns whether it deleted anything. */
  freeLeftovers(signal: AbortSignal | undefined): Promise<boolean>
  /** Ends the unfinished saves of other writers, deletes them, and reports that. */
  removeOtherSaves(found: UnfinishedSaves, signal: AbortSignal | undefined): Promise<void>
  /** Drops all removed checkpoints for good, and deletes their files. Returns whether there were any. */
  deleteRemoved(which: 'all', signal: AbortSignal | undefined): Promise<boolean>
  /** Starts work that the save does not wait for. */
  afterwards(work: () => Promise<void>): void
  /** Deletes leftovers of the run if it is time to do so. */
  tidyNowAndThen(): Promise<void>
  /** Runs a deletion, also on a full disk. */
  freeing<Result>(signal: AbortSignal | undefined, deletion: () => Promise<Result>): Promise<Result>
}
