import { HoldfastError, isHoldfastError, messageOf } from '../../errors.ts'
import type { StoreContext } from '../context.ts'
import {
  type CatalogEntry,
  catalogKey,
  decodeMarker,
  fileKey,
  pageKey,
  type ManifestFile,
  markerKey,
} from '../documents/index.ts'
import { lastPagedStep, PageReader, type WholeCatalog } from '../pages/index.ts'
import { readIfThere } from '../read-object.ts'
import { withSecondLook } from '../second-look.ts'
import { isCatalogLost, lostCatalog } from './lost-catalog.ts'
import { provedChunks, provedManifest } from '../restore/proved.ts'

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
export async function verifyStore(
  context: StoreContext,
  newest: WholeCatalog,
  options: VerifyOptions,
): Promise<VerifyReport> {
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

/** A retention or a delete of another process may have taken it between our look at the list and its files. */
export async function wasDroppedMeanwhile(
  { log }: StoreContext,
  entry: CatalogEntry,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const newest = await log.newest(signal)
  const { checkpoints } = entry.step > lastPagedStep(newest) ? newest : await log.wholeOf(newest, signal)
  return checkpoints.get(entry.step)?.attempt !== entry.attempt
}

/** What is wrong with one checkpoint: the faults of the bytes, not those of the way to them, which reject. */
export async function problemsOf(
  context: StoreContext,
  entry: CatalogEntry,
  { quick = false, signal }: VerifyOptions,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<readonly string[]> {
  const { backend } = context
  const problems: string[] = []
  let before = 0
  let reported = 0
  const manifest = await problem(problems, () => provedManifest(backend, entry, signal))
  for (const file of manifest?.files ?? []) {
    await problem(problems, () =>
      withSecondLook(async () => {
        if (quick) {
          await proveByStore(context, entry, file, signal)
          return
        }
        let read = before
        for await (const chunk of await provedChunks(backend, entry.attempt, file, signal)) {
          read += chunk.byteLength
          reported = Math.max(reported, read)
          onBytes(reported)
        }
      }),
    )
    before += file.size
  }
  return problems
}

async function problem<T>(problems: string[], prove: () => Promise<T>): Promise<T | undefined> {
  try {
    return await prove()
  } catch (error) {
    if (!isHoldfastError(error, 'CORRUPT')) throw error
    problems.push(error.message)
    return undefined
  }
}

/** By size, and by the store's word where one was recorded. */
async function proveByStore(
  { backend }: StoreContext,
  entry: CatalogEntry,
  file: ManifestFile,
  signal: AbortSignal | undefined,
): Promise<void> {
  const key = fileKey(entry.attempt, file.name)
  const stat = await backend.stat(key, { signal })
  const fault = (what: string): HoldfastError =>
    new HoldfastError('CORRUPT', `${file.name} ${what}`, { key, url: backend.url })
  if (stat === undefined) throw fault('is missing')
  if (stat.size !== file.size) throw fault(`has ${stat.size} bytes, not the ${file.size} that were saved`)
  if (file.vouched?.origin !== 'store') return
  const now = await backend.hash(key, { signal })
  if (now.algorithm === file.vouched.algorithm && now.value !== file.vouched.value) {
    throw fault('differs from what was saved, by the digest that the store keeps')
  }
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
  if (newest.version === 0) {
    if (await isCatalogLost(context, signal)) problems.push(lostCatalog)
    return problems
  }
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
