import type { ReadableCatalog } from '../../../catalog/commit/newest-readable.ts'
import type { ChangeOf } from '../../../catalog/commit/changes/index.ts'
import type { CatalogEntry } from '../../../catalog/documents/index.ts'
import type { FoundMarker } from '../../marker/read-marker.ts'
import { asRival, onePerStep } from './one-per-step.ts'
import { reasonsToPin } from './pins.ts'
import type { RebuiltLists } from './rewinds.ts'
import type { Separated } from './verified-entries.ts'

/** What `store.repair()` found and changed. */
export interface RepairReport {
  /** The versions of the catalog that are damaged or lack pages, newest first. */
  readonly damagedCatalogs: readonly { readonly version: number; readonly reason: string }[]
  /** Whether the newest version of the catalog was lost, or all versions. */
  readonly isCatalogLost: boolean
  /** Steps of complete checkpoints that are listed again. */
  readonly recovered: readonly number[]
  /** Steps of complete checkpoints that a rewind had abandoned. They are abandoned again. */
  readonly abandoned: readonly number[]
  /** Steps that are incomplete and were quarantined. */
  readonly quarantined: readonly { readonly step: number; readonly reason: string }[]
  /** Quarantined steps that verify and are listed again. */
  readonly released: readonly number[]
  /** Steps that a damaged or lost document may have pinned. They are pinned until they are unpinned. */
  readonly pinned: readonly number[]
  /** Whether the marker at the root was written again. */
  readonly markerRewritten: boolean
  /** The new version of the catalog; `undefined` if nothing was changed. */
  readonly version: number | undefined
}

/** What a repair has read from a store. */
export interface Survey extends ReadableCatalog {
  /** The fences that this repair has created, because it found that versions are lost. */
  readonly ownFences: ReadonlySet<number>
  /** The time of the repair. */
  readonly at: string
  /** The highest term of a job of many ranks that the store shows, if any. */
  readonly term: number | undefined
  readonly marker: FoundMarker['kind']
  /** The complete attempts that the catalog neither lists nor declares dead. */
  readonly unlisted: readonly CatalogEntry[]
  readonly lists: RebuiltLists
  /** The listed and recovered entries. */
  readonly listable: Separated
  /** The entries that rewinds abandoned. */
  readonly abandoned: Separated
  /** The quarantined entries that verify now. */
  readonly verifiedNow: readonly CatalogEntry[]
}

/** What a repair commits; `change` is `undefined` if the catalog is as it should be. */
interface RebuildPlan {
  readonly change: ChangeOf<'rebuild'> | undefined
  readonly report: Omit<RepairReport, 'version'>
  /** The steps of `report.pinned` with several pinned checkpoints. Each unpin releases one of them. */
  readonly pinnedSeveralTimes: readonly number[]
}

/** Decides what a repair lists and quarantines. */
export function planRebuild(survey: Survey): RebuildPlan {
  const { damaged, ownFences, at, term, unlisted, lists, listable, abandoned, verifiedNow } = survey
  const isDamaged = damaged.length > 0
  const { chosen, rivals } = onePerStep(lists.listed, [...listable.whole, ...verifiedNow], isDamaged)
  const listed = new Set(chosen)
  const released = verifiedNow.filter((entry) => listed.has(entry))
  const wereSetAside = new Set(verifiedNow)
  // An undamaged catalog knows which of two attempts was committed. The other one failed, or is still being saved.
  const doubtful = isDamaged ? rivals.filter((entry) => !wereSetAside.has(entry)) : []
  const setAside = [
    ...listable.incomplete,
    ...doubtful.map(asRival),
    ...abandoned.incomplete.map((aside) => ({ ...aside, abandoned: true })),
  ]
  const reasonToPin = reasonsToPin(survey)
  const pinned = (entry: CatalogEntry): CatalogEntry => {
    const reason = reasonToPin(entry)
    return reason === undefined ? entry : { ...entry, pinned: { reason, at } }
  }
  const kept = [...chosen, ...abandoned.whole]
  const isStore = survey.newestVersion > 0 || unlisted.length > 0
  const report = {
    damagedCatalogs: damaged.filter(({ version }) => !ownFences.has(version)),
    isCatalogLost: ownFences.size > 0,
    recovered: stepsOf(lists.recovered.filter((entry) => listed.has(entry))),
    abandoned: stepsOf(abandoned.whole.filter((entry) => unlisted.includes(entry))),
    quarantined: setAside.map(({ entry, reason }) => ({ step: entry.step, reason })),
    released: stepsOf(released),
    pinned: [...new Set(stepsOf(kept.filter((entry) => reasonToPin(entry) !== undefined)))],
    markerRewritten: survey.marker === 'damaged' || (survey.marker === 'missing' && isStore),
  }
  const pins = stepsOf(kept.map(pinned).filter((entry) => entry.pinned !== undefined))
  const pinnedSeveralTimes = report.pinned.filter((step) => pins.indexOf(step) !== pins.lastIndexOf(step))
  const changes = [damaged, report.recovered, report.abandoned, setAside, released]
  if (changes.every(({ length }) => length === 0)) return { change: undefined, report, pinnedSeveralTimes }
  const change = {
    kind: 'rebuild',
    checkpoints: chosen.map(pinned),
    quarantined: [
      ...lists.quarantined.filter(({ entry }) => !released.includes(entry)),
      ...setAside.map((aside) => ({ ...aside, entry: pinned(aside.entry), at })),
    ],
    dropped: [],
    abandoned: abandoned.whole.map(pinned),
    removed: lists.removed,
    rewound: lists.rewound,
    term,
  } as const
  return { change, report, pinnedSeveralTimes }
}

function stepsOf(entries: readonly CatalogEntry[]): readonly number[] {
  return entries.map(({ step }) => step)
}
