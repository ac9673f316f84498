import { nameOfSegment, numberOfSegment, segmentsOf, withSegments } from '../../catalog/commit/segments.ts'
import type { CopyUpdate } from '../../catalog/commit/changes/index.ts'
import { withRecord } from '../../catalog/commit/changes/record.ts'
import type { CatalogEntry, Origin, RecordedMetrics } from '../../catalog/documents/index.ts'
import { hasFields, judge, retain } from '../../catalog/judging/judgement.ts'
import type { WriterKeeping } from '../../catalog/judging/keeping.ts'
import { keepingInForce } from '../../catalog/judging/recorded-keeping.ts'
import { allRead, type LineList, type WholeCatalog } from '../../catalog/pages/index.ts'
import type { Present } from '../../retention/index.ts'
import { updateOf } from './copy-update.ts'
import { isSameOrigin, originOf } from './identity.ts'

/** One store of a copy: its id and its newest catalog. */
export interface CopySide {
  /** The id of the store. */
  readonly id: string
  readonly catalog: WholeCatalog
}

/** A checkpoint to copy, and the step that its copy gets. */
export interface WantedCopy {
  readonly entry: CatalogEntry
  readonly step: number
}

/** The line of a copy, apart from its attempt and its manifest. */
export type LineOfCopy = CatalogEntry & { readonly origin: Origin }

export type PlannedCopy = WantedCopy &
  (
    | {
        readonly kind: 'copy'
        readonly line: LineOfCopy
        /** A different checkpoint at this step. */
        readonly existing: CatalogEntry | undefined
      }
    | {
        readonly kind: 'there'
        readonly existing: CatalogEntry
        /** What the copy lacks of its original. */
        readonly update: CopyUpdate | undefined
      }
    | { readonly kind: 'skipped'; readonly because: string }
  )

/** What copies depend on besides the two catalogs. */
export interface CopyTerms {
  /** That of the writer at the destination. */
  readonly keeping: WriterKeeping
  readonly present: Present
  /** Whether pins are copied. */
  readonly pins: boolean
}

/**
 * Decides for each wanted checkpoint whether it is copied. One that the destination has is not copied again. One that the
 * retention of the destination would drop is skipped: the decision is about all wanted checkpoints together with those of
 * the destination, so that copying the oldest first copies nothing that the newer ones replace.
 */
export function planCopies(
  source: CopySide,
  destination: CopySide,
  wanted: readonly WantedCopy[],
  { keeping, present, pins }: CopyTerms,
): readonly PlannedCopy[] {
  const segments = withSegments(destination.catalog, destination.id, segmentsOf(source.catalog, source.id))
  const lineOf = ({ entry, step }: WantedCopy): LineOfCopy => {
    const named = nameOfSegment(source.catalog, source.id, entry.order.segment)
    const catalog = { segments, rewound: destination.catalog.rewound }
    const segment = numberOfSegment(catalog, destination.id, named) ?? entry.order.segment
    const { pinned, storedAt: _, recovered: __, objects: ___, shared: ____, ...line } = entry
    const { version, commitId } = source.catalog
    const isOriginal = entry.origin === undefined
    const origin = {
      ...originOf(entry, source.id),
      ...(isOriginal ? { catalog: { version, commitId } } : {}),
    }
    const pin = pinned === undefined || !pins ? {} : { pinned }
    return { ...line, ...pin, step, order: { ...entry.order, segment }, origin }
  }
  const plan = wanted.map((each): Exclude<PlannedCopy, { kind: 'skipped' }> => {
    const existing = destination.catalog.checkpoints.get(each.step)
    const isThere =
      existing !== undefined &&
      isSameOrigin(originOf(existing, destination.id), originOf(each.entry, source.id))
    if (!isThere) return { ...each, kind: 'copy', line: lineOf(each), existing }
    const isOriginal = each.entry.origin === undefined
    return { ...each, kind: 'there', existing, update: updateOf(existing, lineOf(each), isOriginal) }
  })
  const dropped = droppedReasons(destination.catalog, plan, keeping, present)
  return plan.map((each) => {
    const because = dropped.get(each.step)
    return each.kind === 'there' || because === undefined
      ? each
      : { entry: each.entry, step: each.step, kind: 'skipped', because }
  })
}

/** Returns why the retention of the destination would drop copies, by step. */
function droppedReasons(
  destination: WholeCatalog,
  plan: readonly PlannedCopy[],
  keeping: WriterKeeping,
  present: Present,
): ReadonlyMap<number, string> {
  const { objectives, retention } = keepingInForce(keeping, destination)
  if (!hasFields(retention)) return new Map()
  const copies = plan.flatMap((each) => (each.kind === 'copy' ? [each.line] : []))
  const lines = {
    checkpoints: copies.reduce((list, line) => list.with(line.step, line), destination.checkpoints),
    metrics: allRead(
      copies.reduce<LineList<RecordedMetrics>>(
        (list, line) => withRecord(list, line, line.metrics),
        destination.metrics,
      ),
    ),
  }
  const decisions = retain(lines, judge(lines, objectives), retention, present, () => undefined)
  return new Map(decisions.flatMap(({ step, kept, because }) => (kept ? [] : [[step, because.join(', ')]])))
}
