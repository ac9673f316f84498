import type { Removed } from '../documents/index.ts'

/** A checkpoint that was deleted and that `undo()` can list again. */
export interface RemovedCheckpoint {
  readonly step: number
  readonly bytes: number
  /** Why it was deleted. */
  readonly because: string
  readonly removedAt: Date
  /** The first save or sweep after this time deletes its files. A save that needs the space deletes them earlier. */
  readonly undoUntil: Date
  /** Whether a rewind left it behind. `undo()` abandons it again. */
  readonly isAbandoned: boolean
}

export function removedCheckpoint({
  entry,
  because,
  at,
  until,
  abandoned = false,
}: Removed): RemovedCheckpoint {
  return {
    step: entry.step,
    bytes: entry.bytes,
    because,
    removedAt: new Date(at),
    undoUntil: new Date(until),
    isAbandoned: abandoned,
  }
}
