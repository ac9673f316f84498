import type { StoreContext } from '../context/context.ts'

/** A commit that the catalog remembers. */
export interface RecordedCommit {
  /** The version of the catalog that it created. */
  readonly version: number
  /** The time by the clock of its writer; `undefined` in older stores. */
  readonly at: Date | undefined
  /** What it did, for people, such as `save 42`, `pin 12` or `take over`. */
  readonly did: string
  readonly dropped: readonly { readonly step: number; readonly because: string }[]
}

/** Returns the commits that the newest catalog remembers, the oldest first. */
export async function recordedCommits(
  { log }: StoreContext,
  signal: AbortSignal | undefined,
): Promise<readonly RecordedCommit[]> {
  const { history, removed = [] } = await log.newest(signal)
  return history.map(({ version, at, did, dropped }) => ({
    version,
    at: at === undefined ? undefined : new Date(at),
    did,
    dropped: [
      ...dropped.map(({ step, because }) => ({ step, because })),
      ...removed
        .filter((each) => each.version === version)
        .map(({ entry, because }) => ({ step: entry.step, because })),
    ],
  }))
}
