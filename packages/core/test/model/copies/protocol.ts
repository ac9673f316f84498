import { type CommitRequest, nextCatalog, type Verdict } from '../../../src/catalog/commit/rules/index.ts'
import type { WholeCatalog } from '../../../src/catalog/pages/index.ts'
import { canContinue } from '../../../src/store/agreements/copies.ts'

/** The product's rules, and how copiers use them. A broken variant changes one of these. */
export interface Protocol {
  readonly canContinue: typeof canContinue
  readonly nextCatalog: (newest: WholeCatalog, request: CommitRequest) => Verdict<WholeCatalog>
  /** Whether bytes that do not belong to the manifest of the source are refused. */
  readonly verifiesSource: boolean
  /** Whether the name of an agreement contains the checkpoint of the source. */
  readonly namesOrigin: boolean
  /** Whether a copier that finds a manifest reads it, and commits it instead of its own. */
  readonly readsManifestBack: boolean
}

export const product: Protocol = {
  canContinue,
  nextCatalog: (newest, request) => nextCatalog(newest, request),
  verifiesSource: true,
  namesOrigin: true,
  readsManifestBack: true,
}

export const brokenProtocols: Readonly<Record<string, Protocol>> = {
  'a takeover lets attempts continue, and does not list them': {
    ...product,
    canContinue: (newest, attempt) => canContinue({ ...newest, floor: 0 }, attempt),
    nextCatalog: (newest, request) => {
      if (request.change.kind !== 'save') return nextCatalog(newest, request)
      const verdict = nextCatalog({ ...newest, floor: 0 }, request)
      return verdict.kind === 'next'
        ? { ...verdict, catalog: { ...verdict.catalog, floor: newest.floor } }
        : verdict
    },
  },
  'a copy continues although its source has changed': { ...product, verifiesSource: false },
  'copies of two checkpoints of a step agree on one attempt': { ...product, namesOrigin: false },
  'a copier commits its own manifest, even if another one was first': {
    ...product,
    readsManifestBack: false,
  },
  'a copy whose attempt was discarded counts as committed': {
    ...product,
    nextCatalog: (newest, request) => {
      const { change } = request
      const isDropped =
        change.kind === 'save' &&
        newest.history.some(({ dropped }) => dropped.some((drop) => drop.attempt === change.entry.attempt))
      return isDropped ? { kind: 'committed' } : nextCatalog(newest, request)
    },
  },
  'an attempt is committed although it was discarded': {
    ...product,
    nextCatalog: (newest, request) => {
      if (request.change.kind !== 'save') return nextCatalog(newest, request)
      const history = newest.history.map((record) => ({
        ...record,
        dropped: record.dropped.filter(({ discarded }) => discarded !== true),
      }))
      return nextCatalog({ ...newest, history }, request)
    },
  },
  'an attempt is committed although the history does not reach back to its beginning': {
    ...product,
    nextCatalog: (newest, request) => {
      const { change } = request
      if (change.kind !== 'save') return nextCatalog(newest, request)
      const { origin: _, ...entry } = change.entry
      return nextCatalog(newest, { ...request, change: { ...change, entry } })
    },
  },
}
