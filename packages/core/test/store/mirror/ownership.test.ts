import { describe, expect, test } from 'vitest'
import type { CatalogEntry, MirrorRecord, Owner } from '../../../src/catalog/documents/index.ts'
import { newAttemptId } from '../../../src/catalog/documents/index.ts'
import { noCatalog, type WholeCatalog } from '../../../src/catalog/pages/index.ts'
import { chooseSide, type LocalState, type MirrorState } from '../../../src/store/mirror/choose-side.ts'
import { continuationOf, type Side } from '../../../src/store/mirror/continuation.ts'
import { ownershipOf } from '../../../src/store/mirror/ownership.ts'

const [ours, others, mirrorId] = ['a', 'b', 'c'].map((each) => `00000000-0000-4000-8000-00000000000${each}`)
const at = '2026-01-01T00:00:00.000Z'
const manifest = { sha256: '0'.repeat(64), size: 1 }

function entry(step: number, segment = 0, origin?: CatalogEntry['origin']): CatalogEntry {
  const attempt = newAttemptId(step, 0, step.toString(16).padStart(16, '0'))
  const facts = { manifest, fileCount: 1, bytes: 1, savedAt: at, metrics: {}, tags: [] }
  return {
    step,
    attempt,
    ...facts,
    order: { segment, base: step },
    ...(origin === undefined ? {} : { origin }),
  }
}

/** A copy of a step of a store, from version `version` of its catalog. */
function copy(step: number, segment: number, store = ours, version = 1, commitId = 'x'): CatalogEntry {
  const { attempt } = entry(step)
  const origin = { store: store ?? '', attempt, manifest: manifest.sha256, segment: 0 }
  return entry(step, segment, { ...origin, catalog: { version, commitId } })
}

function catalogOf(entries: readonly CatalogEntry[], more: Partial<WholeCatalog> = {}): WholeCatalog {
  const checkpoints = noCatalog.checkpoints.replacedBy(entries)
  return { ...noCatalog, version: 10, checkpoints, latest: entries.at(-1), ...more }
}

function local(entries: readonly CatalogEntry[], more: Partial<WholeCatalog> = {}): Side {
  return { id: ours, catalog: catalogOf(entries, more) }
}

/** A mirror. Segment 1 is that of our saves, and 2 that of the other store. */
function mirror(entries: readonly CatalogEntry[], owner: Owner | null = null): Side {
  const foreign = [ours, others].map((store, index) => ({ store: store ?? '', segment: 0, here: index + 1 }))
  return { id: mirrorId, catalog: catalogOf(entries, { owner, segments: { own: 3, foreign } }) }
}

function ownerOf(id: string | undefined): Owner {
  return { id: id ?? '', name: `store ${id}`, since: at }
}

const knowsOthers = { segments: { own: 2, foreign: [{ store: others ?? '', segment: 0, here: 1 }] } }

describe('the continuation of a run', () => {
  test.each<[string, Side, Side]>([
    ['mirror is empty', local([entry(1)]), mirror([])],
    ['store is empty', { id: undefined, catalog: noCatalog }, mirror([copy(1, 1)])],
    ['store is empty', local([]), mirror([copy(1, 1)])],
    ['store continued', local([entry(1), entry(2)]), mirror([copy(1, 1)])],
    ['another store continued', local([entry(1)]), mirror([copy(1, 1), copy(5, 2, others)])],
    ['another store continued', local([entry(1)], knowsOthers), mirror([copy(1, 1), copy(5, 2, others)])],
    ['store continued', local([entry(1), entry(6, 2)], knowsOthers), mirror([copy(5, 2, others)])],
    ['store was rolled back', local([entry(1)]), mirror([copy(1, 1), copy(2, 1, ours, 11)])],
    [
      'store was rolled back',
      local([entry(1)], { history: [{ version: 5, commitId: 'mine', did: 'save 2', dropped: [] }] }),
      mirror([copy(2, 1, ours, 5, 'theirs')]),
    ],
    [
      'latest is corrupt',
      local([entry(1)], { quarantined: [{ entry: entry(2), reason: 'a flipped bit', at }] }),
      mirror([copy(1, 1), copy(2, 1)]),
    ],
  ])('is "%s"', (expected, store, other) => {
    expect(continuationOf(store, other)).toBe(expected)
  })
})

describe('the place to restore from', () => {
  const readable = (side: Side): LocalState & MirrorState => ({ kind: 'readable', side })
  const damaged = (side: Side): LocalState => ({ kind: 'damaged', readable: side, why: 'a flipped bit' })
  const unusable: MirrorState = { kind: 'unusable', why: 'no answer' }
  test.each<[string, LocalState, MirrorState, 'store' | 'mirror', boolean]>([
    ['an unusable mirror', readable(local([])), unusable, 'store', false],
    ['an unusable mirror and a damaged store', damaged(local([])), unusable, 'store', false],
    ['an empty mirror and a damaged store', damaged(local([])), readable(mirror([])), 'store', false],
    ['a fresh disk', readable(local([])), readable(mirror([copy(1, 1)])), 'mirror', false],
    ['a store that is ahead', readable(local([entry(2)])), readable(mirror([copy(1, 1)])), 'store', false],
    ['a damaged store', damaged(local([entry(1)])), readable(mirror([copy(1, 1)])), 'mirror', false],
    [
      'a damaged store that is ahead',
      damaged(local([entry(2)])),
      readable(mirror([copy(1, 1)])),
      'store',
      false,
    ],
    ['a clone', readable(local([entry(1)])), readable(mirror([copy(2, 1, ours, 99)])), 'mirror', true],
  ])('with %s', (_, store, other, from, needsNewId) => {
    expect(chooseSide(store, other)).toMatchObject({ from, needsNewId })
  })
})

describe('the owner of a mirror', () => {
  const record = (more: Partial<MirrorRecord>): MirrorRecord => ({
    place: 's3://b/a',
    maxBehind: 1,
    waiting: [],
    ...more,
  })
  const continued = local([entry(1), entry(6, 2)], knowsOthers)
  const ofOthers = mirror([copy(5, 2, others)], ownerOf(others))
  test.each<[string, Side, MirrorRecord | undefined, boolean, string]>([
    ['a new mirror', mirror([]), undefined, false, 'may take over'],
    ['its own mirror', mirror([copy(1, 1)], ownerOf(ours)), record({}), false, 'owner'],
    ['that of a run that it continued', ofOthers, record({}), false, 'may take over'],
    ['one that it lost', ofOthers, record({ owner: ours }), false, 'fenced'],
    ['one that it lost, if it is told to', ofOthers, record({ owner: ours }), true, 'may take over'],
    [
      'one that it began to take over',
      ofOthers,
      record({ owner: ours, takingFrom: others }),
      false,
      'may take over',
    ],
    [
      'one that another store took over since',
      mirror([copy(5, 2, others)], ownerOf(mirrorId)),
      record({ owner: ours, takingFrom: others }),
      false,
      'fenced',
    ],
  ])('is decided for %s', (_, other, recorded, takeOver, kind) => {
    const id = ours ?? ''
    expect(ownershipOf({ local: { ...continued, id }, mirror: other, recorded, takeOver }).kind).toBe(kind)
  })

  const unrelated = { ...local([entry(1)]), id: '00000000-0000-4000-8000-00000000000d' }
  const stale = { ...local([entry(6)]), id: ours ?? '' }
  const rolledBack = mirror([copy(5, 2, others), copy(9, 1, ours, 99)], ownerOf(ours))
  const ofUnrelated = mirror([copy(5, 2, others)], ownerOf(unrelated.id))
  test.each<[string, Side & { readonly id: string }, Side, boolean, string, string | undefined]>([
    ['whose saves come before those of the mirror', stale, ofOthers, false, 'fenced', undefined],
    ['whose saves come before, though it is told to', stale, ofOthers, true, 'fenced', undefined],
    ['that is a clone, though it is told to', stale, rolledBack, true, 'fenced', undefined],
    ['whose saves the mirror does not know', unrelated, ofOthers, false, 'fenced', 'own-mirror'],
    [
      'whose saves the mirror does not know, if told to',
      unrelated,
      ofOthers,
      true,
      'may take over',
      undefined,
    ],
    ['that took it over, and copied nothing yet', unrelated, ofUnrelated, false, 'fenced', 'own-mirror'],
    [
      'that took it over, and copied nothing yet, if told to',
      unrelated,
      ofUnrelated,
      true,
      'owner',
      undefined,
    ],
  ])('is decided for a store %s', (_, store, other, takeOver, kind, hint) => {
    const decided = ownershipOf({ local: store, mirror: other, recorded: undefined, takeOver })
    expect(decided.kind).toBe(kind)
    expect(decided.kind === 'fenced' ? decided.hint?.kind : undefined).toBe(hint)
  })
})
