import { isHoldfastError, messageOf } from '../../errors.ts'
import { type LostPage, noCatalog, type WholeCatalog } from '../pages/index.ts'
import type { CatalogLog } from './catalog-log.ts'
import type { CatalogVersion } from './catalog-versions.ts'

/** The newest readable version, the lines of its readable pages, and the damaged versions from it on. */
export interface ReadableCatalog {
  readonly catalog: WholeCatalog
  /** The damaged or missing pages. Their lines are not in `catalog`. */
  readonly lost: readonly LostPage[]
  readonly newestVersion: number
  readonly damaged: readonly { readonly version: number; readonly reason: string }[]
}

/**
 * Reads versions from the newest downwards until one is readable. Returns an empty catalog if none is. Starts again if
 * another writer has committed in the meantime and swept a version that this read needs.
 */
export async function newestReadable(log: CatalogLog, signal?: AbortSignal): Promise<ReadableCatalog> {
  for (;;) {
    const versions = await Array.fromAsync(log.versions(1, signal))
    const { isMissing, ...readable } = await readDown(log, versions, signal)
    if (!isMissing) return readable
    const now = await Array.fromAsync(log.versions(readable.newestVersion, signal))
    if (now.at(-1)?.version === readable.newestVersion || now.length === 0) return readable
  }
}

async function readDown(
  log: CatalogLog,
  versions: readonly CatalogVersion[],
  signal: AbortSignal | undefined,
): Promise<ReadableCatalog & { readonly isMissing: boolean }> {
  const damaged: { readonly version: number; readonly reason: string }[] = []
  const newestVersion = versions.at(-1)?.version ?? 0
  let isMissing = false
  for (const listed of withoutSleepers(versions.toReversed())) {
    try {
      const found = await log.listed(listed, signal)
      if (found === undefined) {
        isMissing = true
        continue
      }
      const { catalog, lost } = await log.salvage(found, signal)
      damaged.push(...lost.map(({ reason }) => ({ version: listed.version, reason: reason.message })))
      isMissing ||= lost.some(({ reason }) => reason.code === 'NOT_FOUND')
      return { catalog, lost, newestVersion, damaged, isMissing }
    } catch (error) {
      if (!isHoldfastError(error, 'CORRUPT')) throw error
      damaged.push({ version: listed.version, reason: messageOf(error) })
    }
  }
  return { catalog: noCatalog, lost: [], newestVersion, damaged, isMissing }
}

/**
 * A delayed writer can create a swept number again (rule 6). No reader uses such a version while the newest one is
 * readable. If it is not, the store's clock shows that the lower number was stored after the higher one.
 */
function withoutSleepers(newestFirst: readonly CatalogVersion[]): readonly CatalogVersion[] {
  let earliestLater = Infinity
  return newestFirst.filter(({ storedAt }) => {
    if (storedAt.getTime() > earliestLater) return false
    earliestLater = storedAt.getTime()
    return true
  })
}
