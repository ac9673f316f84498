import type { ErrorHint } from '../../errors.ts'
import type { Objectives } from '../../metrics/index.ts'
import type { RoomWanted } from '../../retention/index.ts'
import {
  type AttemptId,
  type Catalog,
  type CatalogEntry,
  type Drop,
  partsOfAttempt,
  type Pin,
  type Quarantined,
  type StoredMetric,
} from '../documents/index.ts'
import { bestNames, hasFields, judge } from '../judging/judgement.ts'
import { recordWithout } from '../judging/recorded-keeping.ts'
import type { PagedCatalog, PagedList, WholeCatalog } from '../pages/index.ts'

/** What one commit does to the list of checkpoints. */
export type Change =
  | {
      readonly kind: 'save'
      readonly entry: CatalogEntry
      readonly onExisting: 'fail' | 'replace'
      /** Whether it may replace the best of an objective. */
      readonly allowBest?: boolean | undefined
    }
  | {
      readonly kind: 'delete'
      readonly steps: readonly number[]
      readonly because: string
      /** Whether the best of an objective may go, too. */
      readonly allowBest?: boolean | undefined
    }
  /** Metrics that came after the save. */
  | {
      readonly kind: 'attach'
      readonly step: number
      readonly metrics: Readonly<Record<string, StoredMetric>>
      /** The present by the store's own clock, if the retention in force needs it. */
      readonly storeNow?: Date | undefined
    }
  /** Nothing but retention, which every save brings with it. */
  | {
      readonly kind: 'prune'
      readonly room?: RoomWanted | undefined
      /** The present by the store's own clock, if the retention in force needs it. */
      readonly storeNow?: Date | undefined
    }
  | { readonly kind: 'pin'; readonly step: number; readonly pin: Pin }
  | { readonly kind: 'unpin'; readonly step: number }
  /** Removes an objective from those that are recorded. */
  | { readonly kind: 'forget objective'; readonly name: string }
  | { readonly kind: 'quarantine'; readonly found: readonly Finding[] }
  /** Quarantined checkpoints that verify are listed again, unless their step was saved again since. */
  | { readonly kind: 'readmit'; readonly entries: readonly CatalogEntry[] }
  /** The first version of a new store, so that one without any has lost it. */
  | { readonly kind: 'begin' }
  | { readonly kind: 'take over' }
  | { readonly kind: 'release' }
  | { readonly kind: 'raise floor'; readonly floor: number }
  /** Declares an attempt dead whose save has failed, so that its files may be deleted. Lists and drops nothing. */
  | { readonly kind: 'abandon'; readonly attempt: AttemptId }
  | {
      readonly kind: 'rebuild'
      readonly checkpoints: readonly CatalogEntry[]
      readonly quarantined: readonly Quarantined[]
      readonly dropped: readonly Drop[]
    }

/** A checkpoint that was found corrupt. */
export interface Finding {
  readonly step: number
  readonly attempt: AttemptId
  readonly reason: string
}

/** Why a change cannot be made. */
export interface Refusal {
  readonly kind: 'refused'
  readonly code: 'ALREADY_EXISTS' | 'NOT_FOUND' | 'INVALID_ARGUMENT'
  readonly why: string
  readonly hint?: ErrorHint | undefined
}

/** The lists after a change, or why it cannot be made. */
export type Applied =
  | {
      readonly kind: 'applied'
      readonly checkpoints: PagedList<CatalogEntry>
      readonly quarantined: readonly Quarantined[]
      readonly dropped: readonly Drop[]
      readonly keeping: Catalog['keeping']
    }
  | Refusal

/**
 * The change itself, apart from every rule about who may commit it. `objectives` decide which checkpoints are the best
 * of this catalog. `at` is the writer's clock, for people.
 */
export function applyChange(
  catalog: PagedCatalog,
  change: Change,
  objectives: Objectives,
  at: string,
): Applied {
  switch (change.kind) {
    case 'save':
      return applySave(catalog, change, objectives)
    case 'delete':
      return applyDelete(catalog, change, objectives)
    case 'attach':
      return applyAttach(catalog, change)
    case 'pin':
      return applyPin(catalog, change.step, change.pin)
    case 'unpin':
      return applyPin(catalog, change.step, undefined)
    case 'forget objective':
      return applyForget(catalog, change.name)
    case 'quarantine':
      return applyQuarantine(catalog, change.found, at)
    case 'readmit':
      return applyReadmit(catalog, change.entries)
    case 'abandon':
      return {
        ...unchangedLists(catalog),
        dropped: [
          { step: partsOfAttempt(change.attempt).step, attempt: change.attempt, because: 'its save failed' },
        ],
      }
    case 'rebuild':
      return {
        ...unchangedLists(catalog),
        checkpoints: catalog.checkpoints.replacedBy(change.checkpoints),
        quarantined: change.quarantined,
        dropped: change.dropped,
      }
    case 'prune':
    case 'begin':
    case 'take over':
    case 'release':
    case 'raise floor':
      return unchangedLists(catalog)
  }
}

/** What is done, for people and for the history: `save 42`, `pin 12`. */
export function describeChange(change: Change): string {
  switch (change.kind) {
    case 'save':
      return `save ${change.entry.step}`
    case 'delete':
      return `delete ${fewOf(change.steps)}`
    case 'attach':
    case 'pin':
    case 'unpin':
      return `${change.kind} ${change.step}`
    case 'quarantine':
      return `quarantine ${fewOf(change.found.map(({ step }) => step))}`
    case 'forget objective':
      return `forget objective ${change.name}`
    case 'readmit':
      return `readmit ${fewOf(change.entries.map(({ step }) => step))}`
    case 'abandon':
      return `abandon ${partsOfAttempt(change.attempt).step}`
    case 'raise floor':
      return `raise floor to ${change.floor}`
    case 'prune':
    case 'begin':
    case 'take over':
    case 'release':
    case 'rebuild':
      return change.kind
  }
}

/** The history is kept in every version: it names some steps, and counts the others. */
function fewOf(steps: readonly number[]): string {
  const named = steps.slice(0, 10).join(' ')
  return steps.length <= 10 ? named : `${named} and ${steps.length - 10} more`
}

function applySave(
  catalog: PagedCatalog,
  change: Extract<Change, { kind: 'save' }>,
  objectives: Objectives,
): Applied {
  const { entry } = change
  const refused = refusalOfSave(catalog, { ...change, step: entry.step }, objectives)
  if (refused !== undefined) return refused
  const existing = catalog.checkpoints.get(entry.step)
  return {
    ...unchangedLists(catalog),
    checkpoints: catalog.checkpoints.with(entry.step, entry),
    dropped: existing === undefined ? [] : [drop(existing, 'replaced')],
  }
}

/** Why a step cannot be saved, where the catalog lists it already; `undefined` if it can. */
export function refusalOfSave(
  catalog: PagedCatalog,
  {
    step,
    onExisting,
    allowBest = false,
  }: Pick<Extract<Change, { kind: 'save' }>, 'onExisting' | 'allowBest'> & {
    readonly step: number
  },
  objectives: Objectives,
): Refusal | undefined {
  const existing = catalog.checkpoints.get(step)
  if (existing === undefined) return undefined
  if (onExisting === 'replace') return protection(catalog, [existing], allowBest, objectives, 'replace')
  return {
    kind: 'refused',
    code: 'ALREADY_EXISTS',
    why: `Step ${step} is already saved. Choose another step, or replace it with onExisting: 'replace'.`,
    hint: { kind: 'replace' },
  }
}

/** Why none of these checkpoints may lose its bytes: one is pinned, or is the best of an objective. */
function protection(
  catalog: PagedCatalog,
  going: readonly CatalogEntry[],
  allowBest: boolean,
  objectives: Objectives,
  verb: 'delete' | 'replace',
): Refusal | undefined {
  const pinned = going.find((entry) => entry.pinned !== undefined)
  if (pinned !== undefined) return invalid(`Step ${pinned.step} is pinned. Unpin it first.`)
  if (allowBest || going.length === 0 || !hasFields(objectives)) return undefined
  const judgement = judge(catalog, objectives)
  for (const { step } of going) {
    const names = bestNames(judgement, step)
    if (names.length === 0) continue
    return invalid(
      `Step ${step} is the best ${names.join(' and ')}. To ${verb} it all the same, pass allowBest: true.`,
      { kind: 'allow-best' },
    )
  }
  return undefined
}

function applyDelete(
  catalog: PagedCatalog,
  change: Extract<Change, { kind: 'delete' }>,
  objectives: Objectives,
): Applied {
  const steps = new Set(change.steps)
  const quarantined = catalog.quarantined.filter(({ entry }) => steps.has(entry.step))
  // A step that was saved again after it was set aside: the one set aside goes first.
  const setAside = new Set(quarantined.map(({ entry }) => entry.step))
  const listed = catalog.checkpoints.all.filter(({ step }) => steps.has(step) && !setAside.has(step))
  const going = new Set([...listed.map(({ step }) => step), ...setAside])
  const missing = change.steps.find((step) => !going.has(step))
  if (missing !== undefined) return notThere(missing)
  const refused = protection(catalog, listed, change.allowBest ?? false, objectives, 'delete')
  if (refused !== undefined) return refused
  if (listed.length > 0 && listed.length === catalog.checkpoints.length) {
    return invalid(
      'The last good checkpoint is never deleted, and this would leave none. To be rid of all, delete the store itself.',
    )
  }
  return {
    ...unchangedLists(catalog),
    checkpoints: catalog.checkpoints.filter(({ step }) => !steps.has(step) || setAside.has(step)),
    quarantined: catalog.quarantined.filter(({ entry }) => !steps.has(entry.step)),
    dropped: [
      ...listed.map((entry) => drop(entry, change.because)),
      ...quarantined.map(({ entry }) => drop(entry, `${change.because}, the quarantined one`)),
    ],
  }
}

function applyPin(catalog: PagedCatalog, step: number, pin: Pin | undefined): Applied {
  const entry = catalog.checkpoints.get(step)
  if (entry === undefined) return notThere(step)
  const { pinned: _, ...unpinned } = entry
  const changed: CatalogEntry = pin === undefined ? unpinned : { ...entry, pinned: pin }
  return {
    ...unchangedLists(catalog),
    checkpoints: catalog.checkpoints.with(step, changed),
  }
}

function applyAttach(catalog: PagedCatalog, { step, metrics }: Extract<Change, { kind: 'attach' }>): Applied {
  const entry = catalog.checkpoints.get(step)
  if (entry === undefined) return notThere(step)
  const changed: CatalogEntry = { ...entry, metrics: { ...entry.metrics, ...metrics } }
  return {
    ...unchangedLists(catalog),
    checkpoints: catalog.checkpoints.with(step, changed),
  }
}

function applyForget(catalog: PagedCatalog, name: string): Applied {
  const record = recordWithout(name, catalog.keeping)
  return record.kind === 'refused' ? record : { ...unchangedLists(catalog), keeping: record.keeping }
}

function applyQuarantine(catalog: PagedCatalog, found: readonly Finding[], at: string): Applied {
  const reasons = new Map(found.map(({ attempt, reason }) => [attempt, reason]))
  const aside = catalog.checkpoints.all.flatMap((entry) => {
    const reason = reasons.get(entry.attempt)
    return reason === undefined ? [] : [{ entry, reason, at }]
  })
  return {
    ...unchangedLists(catalog),
    checkpoints: catalog.checkpoints.filter(({ attempt }) => !reasons.has(attempt)),
    quarantined: [...catalog.quarantined, ...aside],
  }
}

function applyReadmit(catalog: PagedCatalog, entries: readonly CatalogEntry[]): Applied {
  const attempts = new Set(entries.map(({ attempt }) => attempt))
  const listed = new Map<number, CatalogEntry>()
  for (const { entry } of catalog.quarantined) {
    if (attempts.has(entry.attempt) && catalog.checkpoints.get(entry.step) === undefined)
      listed.set(entry.step, entry)
  }
  const readmitted = new Set([...listed.values()].map(({ attempt }) => attempt))
  return {
    ...unchangedLists(catalog),
    checkpoints: [...listed.values()].reduce(
      (list, entry) => list.with(entry.step, entry),
      catalog.checkpoints,
    ),
    quarantined: catalog.quarantined.filter(({ entry }) => !readmitted.has(entry.attempt)),
  }
}

function unchangedLists(catalog: PagedCatalog): Extract<Applied, { kind: 'applied' }> {
  const { checkpoints, quarantined, keeping } = catalog
  return { kind: 'applied', checkpoints, quarantined, dropped: [], keeping }
}

function invalid(why: string, hint?: ErrorHint): Refusal {
  return { kind: 'refused', code: 'INVALID_ARGUMENT', why, hint }
}

function notThere(step: number): Refusal {
  return {
    kind: 'refused',
    code: 'NOT_FOUND',
    why: `There is no checkpoint of step ${step}. See what there is: holdfast ls.`,
  }
}

function drop(entry: CatalogEntry, because: string): Drop {
  return { step: entry.step, attempt: entry.attempt, because }
}

/** The attempts that a catalog lists, as good or as quarantined. */
export function attemptsOf({ checkpoints, quarantined }: WholeCatalog): ReadonlySet<AttemptId> {
  return new Set([...checkpoints.all, ...quarantined.map(({ entry }) => entry)].map(({ attempt }) => attempt))
}
