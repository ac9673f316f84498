import type { Removed } from '../documents/index.ts'

/** The latest time that a catalog can record. */
const latestTime = Date.UTC(9999, 0)

/** Returns the end of a time for an undo that begins at `at`. */
export function undoUntil(at: string, milliseconds: number): string {
  return new Date(Math.min(Date.parse(at) + milliseconds, latestTime)).toISOString()
}

/**
 * Gives a removed checkpoint its whole time for an undo again. A repair does this, because a damaged version may have
 * contained an undo: the checkpoint is removed again then, and would be deleted at once if its first time is over.
 */
export function withTimeAgain(removed: Removed, at: string): Removed {
  const again = undoUntil(at, Date.parse(removed.until) - Date.parse(removed.at))
  return Date.parse(again) > Date.parse(removed.until) ? { ...removed, until: again } : removed
}
