import { isHoldfastError } from '../../errors.ts'
import { mayCommit } from '../../catalog/commit/rules.ts'
import type { StoreContext } from '../context.ts'
import { encodeMarker, markerKey, newMarker } from '../../catalog/documents/index.ts'
import { hasFields, keepingOf } from '../../catalog/judging/judgement.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { isCatalogLost } from '../../catalog/commit/lost-catalog.ts'
import { probeEnforcement } from './probe.ts'
import { readMarker, repairMarker, repairStore } from './repair.ts'

/**
 * Makes sure that the store is one, and fit to be one: proves that it enforces conditional creation before it
 * is trusted for the first time, and again wherever it was moved or copied to, and writes its marker.
 */
export async function ensureMarker(context: StoreContext, signal?: AbortSignal): Promise<void> {
  const { backend, environment } = context
  const found = await readMarker(backend, signal)
  if (found.kind === 'good' && found.marker.provedAt === backend.url) return
  await probeEnforcement(backend, environment.newId(), signal)
  if (found.kind === 'good' || (await repairMarker(context, signal))) return
  const marker = newMarker(environment.newId(), environment.now().toISOString(), backend.url)
  await backend.commit(markerKey, encodeMarker(marker), { signal })
}

/**
 * The newest version to write upon. A damaged or lost one is rebuilt first, so that no run waits for a person; and so
 * is one that lacks a page, if the run will need every line: to sweep, or to judge what it saves.
 */
export async function newestToWriteUpon(context: StoreContext): Promise<PagedCatalog> {
  const { log, keeping, writer, mayTakeOver } = context
  try {
    const newest = await log.newest()
    if (!mayTakeOver && !mayCommit(newest, writer)) return newest // rule 1 has the answer
    const { objectives, retention } = keepingOf(keeping, newest)
    if (mayTakeOver || hasFields(objectives) || hasFields(retention)) await log.wholeOf(newest)
    if (newest.version > 0) return newest
    if (!(await isCatalogLost(context))) return await log.newest()
  } catch (error) {
    if (!isHoldfastError(error, 'CORRUPT')) throw error
  }
  await repairStore(context, {})
  return log.newest()
}
