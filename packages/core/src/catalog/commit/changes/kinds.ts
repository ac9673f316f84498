import {
  type AttemptId,
  type Drop,
  type MirrorRecord,
  mostUnmirrored,
  type RecordedMetrics,
  type Segments,
} from '../../documents/index.ts'
import type { Keeping } from '../../judging/judgement.ts'
import type { RetentionTerms } from '../../judging/keeping.ts'
import type { LineList, PagedCatalog } from '../../pages/index.ts'
import { type AbandonCopies, abandonCopies } from './abandon-copies.ts'
import { type AddMetrics, addMetrics } from './add-metrics.ts'
import { type Attach, attach } from './attach.ts'
import { type Begin, begin } from './begin.ts'
import type { Applied, ChangeTerms, KindOfChange } from './change.ts'
import { type CountRestore, countRestore } from './count-restore.ts'
import { type Delete, deletion } from './delete.ts'
import { type Discard, discard } from './discard.ts'
import { type ForgetObjective, forgetObjective } from './forget-objective.ts'
import { type ForgetMirror, forgetMirror } from './forget-mirror.ts'
import { type ForgetRemoved, forgetRemoved } from './forget-removed.ts'
import { type OpenSegments, openSegments } from './open-segments.ts'
import { type MarkGood, markGood } from './mark-good.ts'
import { type Pin, pin } from './pin.ts'
import { type Prune, prune } from './prune.ts'
import { type Quarantine, quarantine } from './quarantine.ts'
import { type RaiseFloor, raiseFloor } from './raise-floor.ts'
import { type Readmit, readmit } from './readmit.ts'
import { type Rebuild, rebuild } from './rebuild.ts'
import { type RecordMirror, recordMirror } from './record-mirror.ts'
import { type Release, release } from './release.ts'
import { type Rewind, rewind } from './rewind.ts'
import { type Save, save } from './save.ts'
import { type SaveAgain, saveAgain } from './save-again.ts'
import { type TakeOver, takeOver } from './take-over.ts'
import { type Undo, undo } from './undo.ts'
import { type Unpin, unpin } from './unpin.ts'
import { type UpdateCopies, updateCopies } from './update-copies.ts'

/** One change to the list of checkpoints, as one commit makes it. */
export type Change =
  | AbandonCopies
  | AddMetrics
  | Attach
  | Begin
  | CountRestore
  | Delete
  | Discard
  | ForgetMirror
  | ForgetObjective
  | ForgetRemoved
  | OpenSegments
  | MarkGood
  | Pin
  | Prune
  | Quarantine
  | RaiseFloor
  | Readmit
  | Rebuild
  | RecordMirror
  | Release
  | Rewind
  | Save
  | SaveAgain
  | TakeOver
  | Undo
  | Unpin
  | UpdateCopies

type ChangeKind = Change['kind']

/** Changes of some kinds. */
export type ChangeOf<Kind extends ChangeKind> = {
  [Each in Kind]: { readonly kind: Each } & Extract<Change, { kind: Each }>
}[Kind]

const kinds: { readonly [Kind in ChangeKind]: KindOfChange<ChangeOf<Kind>> } = {
  'abandon copies': abandonCopies,
  'add metrics': addMetrics,
  attach,
  begin,
  'count restore': countRestore,
  delete: deletion,
  discard,
  'forget mirror': forgetMirror,
  'forget objective': forgetObjective,
  'forget removed': forgetRemoved,
  'open segments': openSegments,
  'mark good': markGood,
  pin,
  prune,
  quarantine,
  'raise floor': raiseFloor,
  readmit,
  rebuild,
  'record mirror': recordMirror,
  release,
  rewind,
  save,
  'save again': saveAgain,
  'take over': takeOver,
  undo,
  unpin,
  'update copies': updateCopies,
}

/** Returns whether a change requires all lines of the newest version, because it may concern lines in pages. */
export function needsWhole<Kind extends ChangeKind>(
  newest: PagedCatalog,
  change: ChangeOf<Kind>,
  keeping: Keeping,
): boolean {
  return kinds[change.kind].needsWhole(newest, change, keeping)
}

/** Applies a change without the rules that decide who may commit. */
export function applyChange<Kind extends ChangeKind>(
  catalog: PagedCatalog,
  change: ChangeOf<Kind>,
  terms: ChangeTerms,
): Applied {
  return kinds[change.kind].apply(catalog, change, terms)
}

/** Returns the description of a change in the history. */
export function describeChange<Kind extends ChangeKind>(change: ChangeOf<Kind>): string {
  return kinds[change.kind].describe(change)
}

/** Returns the metrics of every step after a change. Metrics remain when their checkpoints are deleted. */
export function recordMetrics<Kind extends ChangeKind>(
  catalog: PagedCatalog,
  change: ChangeOf<Kind>,
): LineList<RecordedMetrics> {
  return kinds[change.kind].recordMetrics?.(catalog, change) ?? catalog.metrics
}

/** Returns the segments of copies after a change. */
export function segmentsAfter<Kind extends ChangeKind>(
  catalog: PagedCatalog,
  change: ChangeOf<Kind>,
): Segments | undefined {
  return kinds[change.kind].openSegments?.(catalog, change) ?? catalog.segments
}

/**
 * Returns the record of the mirror after a change. A checkpoint that is listed waits to be mirrored, and one that is dropped does
 * not wait any more.
 */
export function mirrorAfter<Kind extends ChangeKind>(
  catalog: PagedCatalog,
  change: ChangeOf<Kind>,
  dropped: readonly Drop[],
): MirrorRecord | undefined {
  const { mirror: record } = kinds[change.kind]
  const mirror = record === undefined ? catalog.mirror : record(catalog, change)
  if (mirror === undefined) return undefined
  const gone = new Set(dropped.map(({ attempt }) => attempt))
  const waiting = [...mirror.waiting, ...savedBy(change)].filter((attempt) => !gone.has(attempt))
  return { ...mirror, waiting: waiting.slice(-mostUnmirrored) }
}

function savedBy(change: Change): readonly AttemptId[] {
  return change.kind === 'save' ? [change.entry.attempt] : []
}

/** Returns how retention applies in the same commit; `undefined` if it does not apply. */
export function retentionTerms<Kind extends ChangeKind>(change: ChangeOf<Kind>): RetentionTerms | undefined {
  return kinds[change.kind].retain?.(change)
}
