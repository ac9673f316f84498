import type { CheckpointBackend } from '../../backend/index.ts'
import { nextCatalog } from '../../catalog/commit/rules/index.ts'
import {
  type AttemptId,
  type CatalogEntry,
  type Manifest,
  storedMetrics,
} from '../../catalog/documents/index.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { isHoldfastError } from '../../errors.ts'
import { compareSaves, type OrderKey } from '../../order-key.ts'
import type { PlannedFile } from '../attempts/content.ts'
import { verifiedManifest } from '../attempts/read-verified.ts'
import { Reuse } from '../attempts/reuse/reuse.ts'
import type { StoreContext } from '../context.ts'
import type { SaveRequest } from './request.ts'

/** As many checkpoints may share one physical copy of a file. */
const mostCompared = 8

/** A smaller file is sent in any case, so that a small save needs no request for the manifest of the latest checkpoint. */
const sentBelow = 2 ** 20

/** The attempt that a save begins, and its place in the order of saves. */
interface Beginning {
  readonly attempt: AttemptId
  readonly order: OrderKey
}

/**
 * Returns the stored files that a save may use again; `undefined` if there are none or the save is to store all files. On an
 * object store these are the files of the latest checkpoint. On a disk they are the files of the checkpoints that stay after
 * the save, so that two physical copies of each file stay.
 */
export async function findReusable(
  context: StoreContext,
  newest: PagedCatalog,
  request: SaveRequest,
  files: readonly PlannedFile[],
  beginning: Beginning,
): Promise<Reuse | undefined> {
  const { backend } = context
  const { unchanged: mode = 'auto' } = request
  const how = backend.capabilities.reusesObjects
  if (how === undefined || mode === 'never' || newest.latest === undefined) return undefined
  if (how === 'copies') {
    if (!files.some(({ size = 0 }) => size >= sentBelow)) return undefined
    return reuseOf(context, [newest.latest], request)
  }
  return mode === 'link'
    ? reuseOf(context, await keptAfter(context, newest, request, files, beginning), request)
    : undefined
}

async function reuseOf(
  { backend, manifests }: StoreContext,
  entries: readonly CatalogEntry[],
  { signal }: SaveRequest,
): Promise<Reuse> {
  const found: Manifest[] = []
  for (const entry of entries) {
    const manifest = manifests.get(entry.attempt) ?? (await readableManifest(backend, entry, signal))
    if (manifest === undefined) continue
    manifests.add(manifest)
    found.push(manifest)
  }
  return new Reuse(backend, found)
}

/** Returns the manifest of a checkpoint; `undefined` if it is missing, damaged, or of a newer version. */
async function readableManifest(
  backend: CheckpointBackend,
  entry: CatalogEntry,
  signal: AbortSignal | undefined,
): Promise<Manifest | undefined> {
  try {
    return await verifiedManifest(backend, entry, signal)
  } catch (error) {
    if (isHoldfastError(error, 'CORRUPT', 'NOT_FOUND', 'UNSUPPORTED')) return undefined
    throw error
  }
}

/** Returns the checkpoints that will be listed after the save, the latest first: its commit may drop others. */
async function keptAfter(
  { log, writer, keeping, environment }: StoreContext,
  newest: PagedCatalog,
  { step, metrics = {}, tags = [], onExisting = 'fail', allowBest, signal }: SaveRequest,
  files: readonly PlannedFile[],
  { attempt, order }: Beginning,
): Promise<readonly CatalogEntry[]> {
  const whole = await log.wholeOf(newest, signal)
  const at = environment.now().toISOString()
  const entry: CatalogEntry = {
    step,
    attempt,
    manifest: { sha256: '0'.repeat(64), size: 0 },
    fileCount: files.length,
    bytes: files.reduce((sum, { size = 0 }) => sum + size, 0),
    savedAt: at,
    order,
    metrics: storedMetrics(metrics),
    tags: [...tags],
  }
  const change = { kind: 'save', entry, onExisting, allowBest } as const
  const verdict = nextCatalog(whole, { writer, commitId: environment.newId(), change, keeping, at })
  if (verdict.kind !== 'next') return []
  return verdict.catalog.checkpoints.all
    .filter((each) => each.attempt !== attempt)
    .toSorted((one, other) => compareSaves(other, one))
    .slice(0, mostCompared)
}
