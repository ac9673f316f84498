import { type Duration, parseDuration } from '../../input/duration.ts'

/** The options of a deletion that a person requests. */
export interface UndoableOptions {
  /**
   * How long `undo()` can list the deleted checkpoints again. Their files stay for this time, and at least for the grace period
   * of the retention, unless a save or `sweep({ now: true })` needs their space. 0 deletes for good. Default: the grace period.
   */
  readonly undoFor?: Duration | undefined
}

/** Returns milliseconds. Throws `INVALID_ARGUMENT` for an invalid duration. */
export function undoForIn({ undoFor }: UndoableOptions): number | undefined {
  return undoFor === undefined ? undefined : parseDuration(undoFor)
}
