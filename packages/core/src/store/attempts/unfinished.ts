import { formatSize } from '../../space/index.ts'
import { continuableCopies } from '../agreements/copies.ts'
import type { StoreContext } from '../context/context.ts'
import { type AttemptId, attemptOfKey, dataPrefix, partsOfAttempt } from '../../catalog/documents/index.ts'
import type { Liveness } from '../../local-files/process-identity.ts'
import { notedWriters, type NotedWriter } from './writer-notes.ts'
import { attemptsOf, type WholeCatalog } from '../../catalog/pages/index.ts'

/** A number of unfinished saves, and the size of their files. */
export interface UnfinishedGroup {
  readonly saves: number
  /** The total size of their files, as far as the store reports sizes. */
  readonly bytes: number
  /** Whether the store reports all sizes. S3 does not report that of a multipart upload. */
  readonly isSizeKnown: boolean
}

/** Saves of other writers that were not committed. Each is in one of the three groups. */
export interface UnfinishedSaves extends UnfinishedGroup {
  /** The number of their files. */
  readonly fileCount: number
  /**
   * The time from which a sweep may remove all of them, by the clock of the store. `undefined` if no commit followed
   * them.
   */
  readonly until: Date | undefined
  /** Those of them whose processes ran on this machine and have ended. The next save or sweep here deletes them. */
  readonly ended: UnfinishedGroup
  /** Copies to this store, also of a mirror. The same copy continues them, and sends only what is missing. */
  readonly copies: UnfinishedGroup
  /** All others. Their writers may be running or dead. */
  readonly others: UnfinishedGroup
  /** The number of other saves that are running on this machine. They are not counted above. */
  readonly running: number
}

/**
 * Finds the unfinished saves of other writers next to a catalog. `ours` are the attempts of this process. After a takeover
 * there are none, because it declares them dead.
 */
export async function unfinishedSaves(
  context: StoreContext,
  catalog: WholeCatalog,
  ours: ReadonlySet<AttemptId>,
  signal: AbortSignal | undefined,
): Promise<UnfinishedSaves> {
  const { backend, log, gracePeriod } = context
  const writers = (await notedWriters(context, signal)).filter(({ attempt }) => !ours.has(attempt))
  const running = attemptsThat('running', writers)
  const known = new Set([
    ...attemptsOf(catalog),
    ...catalog.history.flatMap(({ dropped }) => dropped.map(({ attempt }) => attempt)),
    ...ours,
    ...running,
  ])
  const found = new Map<AttemptId, Found>()
  const note = (key: string, size: number | undefined): void => {
    const attempt = attemptOfKey(key)
    if (attempt === undefined || known.has(attempt) || partsOfAttempt(attempt).base < catalog.floor) return
    const { fileCount, bytes, isSizeKnown } = found.get(attempt) ?? nothingFound
    found.set(attempt, {
      fileCount: fileCount + 1,
      bytes: bytes + (size ?? 0),
      isSizeKnown: isSizeKnown && size !== undefined,
    })
  }
  for await (const { key, size } of backend.list(dataPrefix, { signal })) note(key, size)
  const { discarded } = await backend.sweep({
    olderThan: 0,
    prefix: dataPrefix,
    only: (key) => attemptOfKey(key) !== undefined,
    dryRun: true,
    signal,
  })
  for (const { key, size } of discarded) note(key, size)
  const attempts = new Set(found.keys())
  const ended = new Set(attemptsThat('ended', writers))
  const copies = attempts.size === 0 ? attempts : await continuableCopies(context, catalog, attempts, signal)
  const those = (isIn: (attempt: AttemptId) => boolean): UnfinishedGroup =>
    groupOf([...found].flatMap(([attempt, each]) => (isIn(attempt) ? [each] : [])))
  return {
    ...those(() => true),
    fileCount: [...found.values()].reduce((sum, { fileCount }) => sum + fileCount, 0),
    until: await firstAfter(log, attempts, gracePeriod, signal),
    ended: those((attempt) => ended.has(attempt)),
    copies: those((attempt) => copies.has(attempt) && !ended.has(attempt)),
    others: those((attempt) => !copies.has(attempt) && !ended.has(attempt)),
    running: running.length,
  }
}

interface Found {
  readonly fileCount: number
  readonly bytes: number
  readonly isSizeKnown: boolean
}

const nothingFound: Found = { fileCount: 0, bytes: 0, isSizeKnown: true }

function groupOf(found: readonly Found[]): UnfinishedGroup {
  return {
    saves: found.length,
    bytes: found.reduce((sum, { bytes }) => sum + bytes, 0),
    isSizeKnown: found.every(({ isSizeKnown }) => isSizeKnown),
  }
}

function attemptsThat(liveness: Liveness, writers: readonly NotedWriter[]): readonly AttemptId[] {
  return writers.flatMap((writer) => (writer.liveness === liveness ? [writer.attempt] : []))
}

/** An attempt is dead once the floor has passed its base, and the floor passes no version within the grace period. */
async function firstAfter(
  log: StoreContext['log'],
  attempts: ReadonlySet<AttemptId>,
  gracePeriod: number,
  signal: AbortSignal | undefined,
): Promise<Date | undefined> {
  if (attempts.size === 0) return undefined
  const newestBase = Math.max(...[...attempts].map((attempt) => partsOfAttempt(attempt).base))
  for await (const { storedAt } of log.versions(newestBase + 1, signal))
    return new Date(storedAt.getTime() + gracePeriod)
  return undefined
}

/** Whose the unfinished saves are. In a term of a job of many ranks, they are earlier saves of the job. */
export type UnfinishedOf = 'other writers' | 'this job'

/** Returns sentences with the size of the unfinished saves and how long they are kept. Empty if there are none. */
export function describeUnfinished(
  { ended, copies, others, until }: UnfinishedSaves,
  whose: UnfinishedOf = 'other writers',
): readonly string[] {
  const kept = until === undefined ? 'kept' : `kept until ${until.toISOString()}`
  const why =
    whose === 'this job' ? `other ranks may still finish ${themOf(others)}` : 'those writers may still run'
  return [
    ...(ended.saves === 0
      ? []
      : [
          `${takenBy(ended, 'save of ended processes', 'saves of ended processes')}. The next save or sweep deletes ${themOf(ended)}.`,
        ]),
    ...(copies.saves === 0
      ? []
      : [
          `${takenBy(copies, 'copy', 'copies')}, ${kept}. The same copy or mirror continues ${themOf(copies)}.`,
        ]),
    ...(others.saves === 0
      ? []
      : [`${takenBy(others, `save of ${whose}`, `saves of ${whose}`)}, ${kept} because ${why}.`]),
  ]
}

function takenBy({ saves, bytes, isSizeKnown }: UnfinishedGroup, one: string, several: string): string {
  const unknown = bytes > 0 ? `at least ${formatSize(bytes)}` : 'space that the store does not report'
  const size = isSizeKnown ? formatSize(bytes) : unknown
  return saves === 1 ? `1 unfinished ${one} takes ${size}` : `${saves} unfinished ${several} take ${size}`
}

function themOf({ saves }: UnfinishedGroup): string {
  return saves === 1 ? 'it' : 'them'
}
