import type { CheckpointBackend } from '../../backend/index.ts'
import { nextCatalog } from '../../catalog/commit/rules/index.ts'
import { ownSegment } from '../../catalog/commit/segments.ts'
import {
  type AttemptId,
  type CatalogEntry,
  type Manifest,
  newAttemptId,
  storedMetrics,
} from '../../catalog/documents/index.ts'
import type { PagedCatalog, WholeCatalog } from '../../catalog/pages/index.ts'
import { isHoldfastError } from '../../errors.ts'
import { compareSaves, type OrderKey } from '../../order-key.ts'
import type { PlannedFile } from '../attempts/content.ts'
import { planPacks } from '../attempts/packs/plan-packs.ts'
import { verifiedManifest } from '../attempts/read-verified.ts'
import { countSharing, mostSharing } from '../attempts/reuse/count-sharing.ts'
import { Reuse } from '../attempts/reuse/reuse.ts'
import type { StoreContext } from '../context/context.ts'
import { mostCompared } from '../context/recent-manifests.ts'
import type { ChosenCopies } from '../context/saves-that-share.ts'
import type { DecidedSave } from './decided-save.ts'

/** A smaller file is sent in any case, so that a small save needs no request for the manifest of the latest checkpoint. */
const sentBelow = 2 ** 20

/** The attempt that a save begins, its place in the order of saves, and the physical copies that it and others share. */
export interface Beginning {
  readonly attempt: AttemptId
  readonly order: OrderKey
  readonly chosen: ChosenCopies
}

/**
 * Returns the stored files that a save may use again; `undefined` if there are none or the save is to store all files. On an
 * object store these are the files of the latest checkpoint. On a disk they are the files of the checkpoints that stay after
 * the save, so that two physical copies of each file stay.
 */
export async function findReusable(
  context: StoreContext,
  newest: PagedCatalog,
  request: DecidedSave,
  files: readonly PlannedFile[],
  beginning: Beginning,
): Promise<Reuse | undefined> {
  const { unchanged: mode, signal } = request
  const how = context.backend.capabilities.reusesObjects
  if (how === undefined || mode === 'never' || newest.latest === undefined) return undefined
  if (how === 'copies') {
    if (!files.some(({ size = 0 }) => size >= sentBelow)) return undefined
    return new Reuse(context.backend, await manifestsOf(context, [newest.latest], signal))
  }
  return mode === 'link' ? findShareable(context, newest, request, files, beginning) : undefined
}

/**
 * Returns how many bytes a save is going to share with stored files instead of writing them, as far as that can be known before
 * the files are compared.
 */
export async function bytesToShare(
  context: StoreContext,
  newest: PagedCatalog,
  request: DecidedSave,
  files: readonly PlannedFile[],
): Promise<number> {
  const { environment, backend, sharing } = context
  using chosen = sharing.begin()
  const order = { segment: ownSegment(newest), base: newest.version }
  const attempt = newAttemptId(request.step, newest.version, environment.newToken())
  const reuse = await findReusable(context, newest, request, files, { attempt, order, chosen })
  if (reuse === undefined) return 0
  const { singles } = planPacks(files, request.packs, backend.capabilities)
  return singles.reduce((sum, file) => (reuse.of(file) === undefined ? sum : sum + (file.size ?? 0)), 0)
}

async function findShareable(
  context: StoreContext,
  newest: PagedCatalog,
  request: DecidedSave,
  files: readonly PlannedFile[],
  beginning: Beginning,
): Promise<Reuse | undefined> {
  // Saves that do not overlap with this one any more are listed in the newest version.
  const catalog = await catalogAfter(context, context.log.known ?? newest, request, files, beginning)
  if (catalog === undefined) return undefined
  const { attempt, chosen } = beginning
  const kept = catalog.checkpoints.all
    .filter((each) => each.attempt !== attempt)
    .toSorted((one, other) => compareSaves(other, one))
    .slice(0, mostCompared)
  const counts = countSharing(catalog)
  return new Reuse(context.backend, await manifestsOf(context, kept, request.signal), {
    isTaken: (name, writer) => (counts.get(writer) ?? 0) >= mostSharing || chosen.isTaken(name, writer),
    onChosen: (name, writer) => {
      chosen.choose(name, writer)
    },
  })
}

/** Returns the manifests of checkpoints that can be read. */
async function manifestsOf(
  { backend, manifests }: StoreContext,
  entries: readonly CatalogEntry[],
  signal: AbortSignal | undefined,
): Promise<readonly Manifest[]> {
  const found: Manifest[] = []
  for (const entry of entries) {
    const manifest = manifests.get(entry.attempt) ?? (await readableManifest(backend, entry, signal))
    if (manifest === undefined) continue
    manifests.add(manifest)
    found.push(manifest)
  }
  return found
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

/** Returns the catalog after the save, whose commit may drop checkpoints; `undefined` if the save cannot be committed. */
async function catalogAfter(
  { log, writer, keeping, environment }: StoreContext,
  newest: PagedCatalog,
  { step, metrics = {}, tags = [], onExisting, allowBest, signal }: DecidedSave,
  files: readonly PlannedFile[],
  { attempt, order }: Beginning,
): Promise<WholeCatalog | undefined> {
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
  return verdict.kind === 'next' ? verdict.catalog : undefined
}
