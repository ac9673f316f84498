import type { Objectives } from '../../../metrics/index.ts'
import type { AttemptId, CatalogEntry } from '../../documents/index.ts'
import { hasFields } from '../../judging/judgement.ts'
import { hasRules, keepingOf } from '../../judging/recorded-keeping.ts'
import { lastPagedStep, type PagedCatalog } from '../../pages/index.ts'
import { compareOrders, compareSaves } from '../../../order-key.ts'
import { drop, inOrderOfSaves, type KindOfChange, type Refusal, unchangedLists } from './change.ts'
import { recordOf, withRecord } from './record.ts'
import { protection } from './refusals.ts'

/** Lists a checkpoint whose files are durable. */
export interface Save {
  readonly kind: 'save'
  readonly entry: CatalogEntry
  readonly onExisting: 'fail' | 'replace'
  /** The attempt that the step had when the save began. Another one is not replaced. Default: any is replaced. */
  readonly replaces?: AttemptId | 'nothing' | undefined
  /** Whether the save may replace the best checkpoint of an objective. */
  readonly allowBest?: boolean | undefined
}

export const save: KindOfChange<Save> = {
  // A save of a later step needs all lines only to judge checkpoints.
  needsWhole: (newest, { entry }, keeping) =>
    hasRules(keepingOf(keeping, newest)) ||
    entry.step <= lastPagedStep(newest) ||
    hasAbandoned(newest) ||
    replacesLatestBySaveBefore(newest, entry),
  apply: (catalog, { entry: saved, onExisting, allowBest, replaces }, { objectives }) => {
    const entry = withKeptMetrics(catalog, saved)
    if (beganBeforeRewind(catalog, entry)) {
      const lists = unchangedLists(catalog)
      return { ...lists, abandoned: inOrderOfSaves([...lists.abandoned, entry]) }
    }
    const refused = refusalOfSave(catalog, { step: entry.step, onExisting, allowBest }, objectives)
    if (refused !== undefined) return refused
    const existing = catalog.checkpoints.get(entry.step)
    if (existing !== undefined && replaces !== undefined && existing.attempt !== replaces)
      return savedMeanwhile(entry.step)
    return {
      ...unchangedLists(catalog),
      checkpoints: catalog.checkpoints.with(entry.step, entry),
      ...(isCopy(entry) ? {} : { tries: [] }),
      dropped: existing === undefined ? [] : [drop(existing, 'replaced')],
    }
  },
  describe: ({ entry }) => `save ${entry.step}`,
  recordMetrics: (catalog, { entry: saved }) => {
    const entry = withKeptMetrics(catalog, saved)
    const { metrics } = catalog
    if (!beganBeforeRewind(catalog, entry)) return withRecord(metrics, entry, entry.metrics)
    const isFree = catalog.checkpoints.get(entry.step) === undefined && metrics.get(entry.step) === undefined
    if (!isFree || !hasFields(entry.metrics)) return metrics
    return metrics.with(entry.step, { ...recordOf(entry, entry.metrics), abandoned: true })
  },
  retain: ({ entry }) => ({
    dropsBy: isCopy(entry) ? 'retention in force' : 'own retention',
    records: 'objectives and retention',
    // A copy may be older than what the store has. The same rules apply to it.
    saved: isCopy(entry) ? undefined : entry.attempt,
    // The save requested the time at which the store stored the manifest.
    storeNow: entry.storedAt === undefined ? undefined : new Date(entry.storedAt),
  }),
}

function isCopy({ origin }: CatalogEntry): boolean {
  return origin !== undefined
}

/** A save without metrics keeps those of the checkpoint that it replaces. */
function withKeptMetrics(catalog: PagedCatalog, entry: CatalogEntry): CatalogEntry {
  if (hasFields(entry.metrics) || beganBeforeRewind(catalog, entry)) return entry
  const existing = catalog.checkpoints.get(entry.step)
  return existing === undefined ? entry : { ...entry, metrics: existing.metrics }
}

/** The error for a step that another writer saved after the save that wants to replace it had begun. */
export function savedMeanwhile(step: number): Refusal {
  return {
    kind: 'refused',
    code: 'ALREADY_EXISTS',
    why:
      `Step ${step} was saved by another writer after this save began, and was not replaced. ` +
      'If several processes save parts of one checkpoint, they must save it together.',
    hint: { kind: 'save-together' },
  }
}

/** Whether a rewind came after the save had begun. Then its checkpoint is abandoned, whatever its step. */
function beganBeforeRewind(
  { rewound }: PagedCatalog,
  { order, origin }: Pick<CatalogEntry, 'order' | 'origin'>,
): boolean {
  return rewound !== undefined && origin === undefined && compareOrders(order, rewound) < 0
}

/** Then retention decides which of the abandoned checkpoints stay, and needs all lines for it. */
function hasAbandoned({ abandoned = [] }: PagedCatalog): boolean {
  return abandoned.length > 0
}

/** Another checkpoint then becomes the latest. Its line may be in a page. */
function replacesLatestBySaveBefore({ latest }: PagedCatalog, entry: CatalogEntry): boolean {
  return latest?.step === entry.step && compareSaves(entry, latest) < 0
}

/** Returns why a step that the catalog lists cannot be saved; `undefined` if it can. */
export function refusalOfSave(
  catalog: PagedCatalog,
  { step, onExisting, allowBest }: Pick<Save, 'onExisting' | 'allowBest'> & { readonly step: number },
  objectives: Objectives,
): Refusal | undefined {
  const existing = catalog.checkpoints.get(step)
  if (existing === undefined) return undefined
  if (onExisting === 'replace') return protection(catalog, [existing], { allowBest, objectives })
  return {
    kind: 'refused',
    code: 'ALREADY_EXISTS',
    why: `Step ${step} is already saved.`,
    hint: { kind: 'replace' },
  }
}
