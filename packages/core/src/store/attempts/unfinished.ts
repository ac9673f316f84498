import { formatSize } from '../../space/index.ts'
import type { StoreContext } from '../context/context.ts'
import { type AttemptId, attemptOfKey, dataPrefix, partsOfAttempt } from '../../catalog/documents/index.ts'
import type { Liveness } from '../../local-files/process-identity.ts'
import { notedWriters, type NotedWriter } from './writer-notes.ts'
import { attemptsOf, type WholeCatalog } from '../../catalog/pages/index.ts'

/** Saves of other writers that were not committed. Those writers may be running or dead. */
export interface UnfinishedSaves {
  readonly saves: number
  /** The number and total size of their files, as far as the store reports sizes. */
  readonly fileCount: number
  readonly bytes: number
  /**
   * The time from which a sweep may remove all of them, by the clock of the store. `undefined` if no commit followed
   * them.
   */
  readonly until: Date | undefined
  /** Those of them whose processes ran on this machine and have ended. The next save or sweep here deletes them. */
  readonly ended: { readonly saves: number; readonly bytes: number }
  /** The number of other saves that are running on this machine. They are not counted above. */
  readonly running: number
}

const noUnfinishedSaves: UnfinishedSaves = {
  saves: 0,
  fileCount: 0,
  bytes: 0,
  until: undefined,
  ended: { saves: 0, bytes: 0 },
  running: 0,
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
  const note = (key: string, size: number): void => {
    const attempt = attemptOfKey(key)
    if (attempt === undefined || known.has(attempt) || partsOfAttempt(attempt).base < catalog.floor) return
    const { fileCount, bytes } = found.get(attempt) ?? { fileCount: 0, bytes: 0 }
    found.set(attempt, { fileCount: fileCount + 1, bytes: bytes + size })
  }
  for await (const { key, size } of backend.list(dataPrefix, { signal })) note(key, size)
  const { discarded } = await backend.sweep({
    olderThan: 0,
    prefix: dataPrefix,
    only: (key) => attemptOfKey(key) !== undefined,
    dryRun: true,
    signal,
  })
  for (const { key, size = 0 } of discarded) note(key, size)
  if (found.size === 0) return { ...noUnfinishedSaves, running: running.length }
  const newestBase = Math.max(...[...found.keys()].map((attempt) => partsOfAttempt(attempt).base))
  const each = [...found.values()]
  const ended = attemptsThat('ended', writers).flatMap((attempt) => found.get(attempt) ?? [])
  return {
    saves: found.size,
    fileCount: each.reduce((sum, { fileCount }) => sum + fileCount, 0),
    bytes: bytesOf(each),
    until: await firstAfter(log, newestBase, gracePeriod, signal),
    ended: { saves: ended.length, bytes: bytesOf(ended) },
    running: running.length,
  }
}

interface Found {
  readonly fileCount: number
  readonly bytes: number
}

function bytesOf(found: readonly Found[]): number {
  return found.reduce((sum, { bytes }) => sum + bytes, 0)
}

function attemptsThat(liveness: Liveness, writers: readonly NotedWriter[]): readonly AttemptId[] {
  return writers.flatMap((writer) => (writer.liveness === liveness ? [writer.attempt] : []))
}

/** An attempt is dead once the floor has passed its base, and the floor passes no version within the grace period. */
async function firstAfter(
  log: StoreContext['log'],
  base: number,
  gracePeriod: number,
  signal: AbortSignal | undefined,
): Promise<Date | undefined> {
  for await (const { storedAt } of log.versions(base + 1, signal))
    return new Date(storedAt.getTime() + gracePeriod)
  return undefined
}

/** Whose the unfinished saves are. In a term of a job of many ranks, they are earlier saves of the job. */
export type UnfinishedOf = 'other writers' | 'this job'

/** Returns sentences with the size of the unfinished saves and how long they are kept. Empty if there are none. */
export function describeUnfinished(
  unfinished: UnfinishedSaves,
  whose: UnfinishedOf = 'other writers',
): readonly string[] {
  const { ended, until } = unfinished
  const saves = unfinished.saves - ended.saves
  const when = until === undefined ? '' : ` until ${until.toISOString()}`
  const them = saves === 1 ? 'it' : 'them'
  const why = whose === 'this job' ? `other ranks may still finish ${them}` : 'those writers may still run'
  return [
    ...(ended.saves === 0
      ? []
      : [
          `${unfinishedText(ended.saves, 'of ended processes', ended.bytes)}. The next save or sweep deletes ${ended.saves === 1 ? 'it' : 'them'}.`,
        ]),
    ...(saves === 0
      ? []
      : [
          `${unfinishedText(saves, `of ${whose}`, unfinished.bytes - ended.bytes)}, kept${when} because ${why}.`,
        ]),
  ]
}

function unfinishedText(saves: number, whose: string, bytes: number): string {
  return `${saves} unfinished ${saves === 1 ? 'save' : 'saves'} ${whose} ${saves === 1 ? 'takes' : 'take'} ${formatSize(bytes)}`
}
