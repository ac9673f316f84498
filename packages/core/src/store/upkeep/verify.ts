import { HoldfastError, isHoldfastError, messageOf } from '../../errors.ts'
import type { ErrorHint } from '../../hints.ts'
import { recorded, type Recording } from '../context/recorded-finding.ts'
import type { StoreContext } from '../context/context.ts'
import {
  type CatalogEntry,
  catalogKey,
  decodeMarker,
  pageKey,
  markerKey,
} from '../../catalog/documents/index.ts'
import { abandonedAt, PageReader, type WholeCatalog } from '../../catalog/pages/index.ts'
import { readIfThere } from '../../catalog/documents/read-document.ts'
import { noCheckpointOfStep } from '../../catalog/judging/choose.ts'
import { isCatalogLost, lostCatalog } from '../../catalog/commit/lost-catalog.ts'
import { wasDroppedMeanwhile } from '../attempts/dropped-meanwhile.ts'
import { problem, problemsOf } from '../attempts/problems.ts'
import { withSecondLook } from '../../async/second-look.ts'

/** The options of `store.verify()`. */
export interface VerifyOptions {
  /** The steps to verify. Default: all listed and abandoned steps. */
  readonly steps?: readonly number[] | undefined
  /**
   * Reads no bytes of objects whose sizes and digests the store keeps, and compares those. It finds missing and
   * truncated files. It finds a flipped bit only if the digest of the store was recorded.
   */
  readonly quick?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: { readonly bytes: number; readonly total: number }) => void) | undefined
}

/** What `store.verify()` found in one checkpoint. */
export interface VerifiedCheckpoint {
  readonly step: number
  readonly bytes: number
  /** The faults of the checkpoint. Empty if it is good. */
  readonly problems: readonly string[]
}

/** What `store.verify()` found. */
export interface VerifyReport {
  readonly checkpoints: readonly VerifiedCheckpoint[]
  /** The faults of the store's own documents: the marker, and the catalog from its floor on, with its pages. */
  readonly problems: readonly string[]
  readonly good: boolean
  /**
   * Quarantined steps that verify, and are listed again. `quick` never lists a step again, because it reads no bytes.
   */
  readonly released: readonly number[]
  /** Quarantined steps that verify, and why they could not be listed again now. */
  readonly releasable: readonly Releasable[]
}

/** A quarantined step that verifies and is not listed again yet. */
export interface Releasable {
  readonly step: number
  readonly reason: string
  readonly hint?: ErrorHint | undefined
}

/** Lists quarantined checkpoints again, or returns why it could not. */
export type Readmit = (entries: readonly CatalogEntry[]) => Promise<Recording>

/**
 * Verifies checkpoints against what was saved, and the store's own documents against themselves. Changes nothing, except
 * that a quarantined checkpoint that verifies is listed again.
 */
export async function verifyStore(
  context: StoreContext,
  options: VerifyOptions,
  readmit: Readmit,
): Promise<VerifyReport> {
  if (await isCatalogLost(context, options.signal)) {
    const problems = [lostCatalog(context.backend.url).message]
    return { checkpoints: [], problems, good: false, released: [], releasable: [] }
  }
  const newest = await context.log.whole(options.signal)
  const entries = chosen(newest, options.steps)
  const total = entries.reduce((sum, { bytes }) => sum + bytes, 0)
  const checkpoints: VerifiedCheckpoint[] = []
  const others = chosen(newest, undefined)
  let before = 0
  for (const entry of entries) {
    const examination = { ...options, comparesDocuments: true, others }
    const problems = await problemsOf(context, entry, examination, (bytes) => {
      options.onProgress?.({ bytes: before + bytes, total })
    })
    before += entry.bytes
    options.onProgress?.({ bytes: before, total })
    if (problems.length > 0 && (await wasDroppedMeanwhile(context, entry, options.signal))) continue
    checkpoints.push({ step: entry.step, bytes: entry.bytes, problems })
  }
  const problems = options.steps === undefined ? await documentProblems(context, newest, options.signal) : []
  const { released, releasable, ...quarantined } = await release(context, newest, options, readmit)
  const all = [...checkpoints, ...quarantined.checkpoints].sort((one, other) => one.step - other.step)
  const good = problems.length === 0 && all.every((checkpoint) => checkpoint.problems.length === 0)
  return { checkpoints: all, problems, good, released, releasable }
}

/** Reads the quarantined checkpoints, and lists those again that verify. */
async function release(
  context: StoreContext,
  { checkpoints, quarantined }: WholeCatalog,
  { steps, quick = false, signal }: VerifyOptions,
  readmit: Readmit,
): Promise<Pick<VerifyReport, 'checkpoints' | 'released' | 'releasable'>> {
  const read: VerifiedCheckpoint[] = []
  const good: CatalogEntry[] = []
  for (const { entry } of quarantined) {
    const { step, bytes } = entry
    const isNamed = steps?.includes(step) === true
    if (checkpoints.get(step) !== undefined || (steps === undefined ? quick : !isNamed)) continue
    const problems = await problemsOf(context, entry, { quick, signal })
    if (problems.length === 0 && !quick) good.push(entry)
    // Known corrupt checkpoints are not reported again, unless the caller named them.
    if (problems.length === 0 || isNamed) read.push({ step, bytes, problems })
  }
  const found = good.map(({ step }) => step)
  const outcome = good.length === 0 ? recorded : await readmit(good)
  if (outcome.kind === 'recorded') return { checkpoints: read, released: found, releasable: [] }
  return {
    checkpoints: read,
    released: [],
    releasable: found.map((step) => ({ step, reason: outcome.because, hint: outcome.hint })),
  }
}

function chosen(newest: WholeCatalog, steps: readonly number[] | undefined): readonly CatalogEntry[] {
  if (steps === undefined) return [...newest.checkpoints.all, ...(newest.abandoned ?? [])]
  return steps.flatMap((step) => {
    const entry = newest.checkpoints.get(step) ?? abandonedAt(newest, step)
    if (entry !== undefined) return [entry]
    if (newest.quarantined.some((aside) => aside.entry.step === step)) return []
    throw new HoldfastError('NOT_FOUND', noCheckpointOfStep(step), { hint: { kind: 'list' } })
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
    withSecondLook(async (look) => {
      const marker = await readIfThere(backend, markerKey, signal, look)
      if (marker === undefined) problems.push(`${markerKey} is missing.`)
      else decodeMarker(marker)
    }),
  )
  const pages = new PageReader(backend) // a quarantined checkpoint of which nothing was read yet
  const lostPages = new Map<string, string>()
  for await (const listed of log.versions(Math.max(1, newest.floor), signal)) {
    try {
      const version = await log.listed(listed, signal)
      if (version === undefined) continue
      const { lost } = await pages.salvage(version, signal)
      for (const { reference, reason } of lost) lostPages.set(pageKey(reference.page), reason.message)
    } catch (error) {
      if (!isHoldfastError(error, 'CORRUPT')) throw error
      problems.push(`${catalogKey(listed.version)}: ${messageOf(error)}`)
    }
  }
  return [...problems, ...[...lostPages].map(([key, reason]) => `${key}: ${reason}`)]
}
