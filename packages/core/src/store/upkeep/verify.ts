import { HoldfastError, isHoldfastError, messageOf } from '../../errors.ts'
import type { StoreContext } from '../context.ts'
import {
  type CatalogEntry,
  catalogKey,
  decodeMarker,
  pageKey,
  markerKey,
} from '../../catalog/documents/index.ts'
import { PageReader, type WholeCatalog } from '../../catalog/pages/index.ts'
import { readIfThere } from '../../catalog/documents/read-document.ts'
import { isCatalogLost, lostCatalog } from '../../catalog/commit/lost-catalog.ts'
import { wasDroppedMeanwhile } from '../attempts/dropped-meanwhile.ts'
import { problem, problemsOf } from '../attempts/problems.ts'
import { withSecondLook } from '../../async/second-look.ts'

export interface VerifyOptions {
  /** Only these steps. Default: all that are listed. */
  readonly steps?: readonly number[] | undefined
  /**
   * Move no bytes where the store vouches for its objects: compare sizes, and the digests that the store
   * keeps. Finds what is missing or cut; a flipped bit only where the store's own digest was recorded.
   */
  readonly quick?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: { readonly bytes: number; readonly total: number }) => void) | undefined
}

export interface VerifiedCheckpoint {
  readonly step: number
  readonly bytes: number
  /** What is wrong; empty for a good one. */
  readonly problems: readonly string[]
}

export interface VerifyReport {
  readonly checkpoints: readonly VerifiedCheckpoint[]
  /** What is wrong with the store's own documents: the marker, and the catalog from its floor on, with its pages. */
  readonly problems: readonly string[]
  readonly good: boolean
}

/** Proves checkpoints against what was saved, and the store's own documents against themselves. Changes nothing. */
export async function verifyStore(context: StoreContext, options: VerifyOptions): Promise<VerifyReport> {
  if (await isCatalogLost(context, options.signal)) {
    return { checkpoints: [], problems: [lostCatalog(context.backend.url).message], good: false }
  }
  const newest = await context.log.whole(options.signal)
  const entries = chosen(newest, options.steps)
  const total = entries.reduce((sum, { bytes }) => sum + bytes, 0)
  const checkpoints: VerifiedCheckpoint[] = []
  let before = 0
  for (const entry of entries) {
    const problems = await problemsOf(context, entry, options, (bytes) => {
      options.onProgress?.({ bytes: before + bytes, total })
    })
    before += entry.bytes
    options.onProgress?.({ bytes: before, total })
    if (problems.length > 0 && (await wasDroppedMeanwhile(context, entry, options.signal))) continue
    checkpoints.push({ step: entry.step, bytes: entry.bytes, problems })
  }
  const problems = options.steps === undefined ? await documentProblems(context, newest, options.signal) : []
  const good = problems.length === 0 && checkpoints.every((checkpoint) => checkpoint.problems.length === 0)
  return { checkpoints, problems, good }
}

function chosen(newest: WholeCatalog, steps: readonly number[] | undefined): readonly CatalogEntry[] {
  if (steps === undefined) return newest.checkpoints.all
  return steps.map((step) => {
    const entry = newest.checkpoints.get(step)
    if (entry !== undefined) return entry
    throw new HoldfastError(
      'NOT_FOUND',
      `There is no checkpoint of step ${step}. See what there is: holdfast ls.`,
    )
  })
}

async function documentProblems(
  context: StoreContext,
  newest: WholeCatalog,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const { backend, log } = context
  const problems: string[] = []
  if (newest.version === 0) return problems
  await problem(problems, () =>
    withSecondLook(async () => {
      const marker = await readIfThere(backend, markerKey, signal)
      if (marker === undefined) problems.push(`${markerKey} is missing. Run holdfast repair.`)
      else decodeMarker(marker)
    }),
  )
  const pages = new PageReader(backend) // one that has read nothing yet
  const lostPages = new Map<string, string>()
  for await (const listed of log.versions(Math.max(1, newest.floor), signal)) {
    try {
      const version = await log.listed(listed, signal)
      if (version === undefined) continue
      const { lost } = await pages.salvage(version, signal)
      for (const { reference, reason } of lost) lostPages.set(pageKey(reference.page), reason.message)
    } catch (error) {
      if (!isHoldfastError(error, 'CORRUPT', 'UNSUPPORTED')) throw error
      problems.push(`${catalogKey(listed.version)}: ${messageOf(error)}`)
    }
  }
  return [...problems, ...[...lostPages].map(([key, reason]) => `${key}: ${reason}`)]
}
