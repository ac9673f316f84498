import { describe, expect, test } from 'vitest'
import { type CatalogEntry, newAttemptId } from '../../src/catalog/documents/index.ts'
import { noCatalog } from '../../src/catalog/pages/index.ts'
import { planRebuild, type Survey } from '../../src/store/upkeep/repair/plan-rebuild.ts'

/** An entry of a step whose save knew version `base` of the catalog. */
function entryOf(step: number, base: number): CatalogEntry {
  return {
    step,
    attempt: newAttemptId(step, base, 'a'.repeat(16)),
    manifest: { sha256: '0'.repeat(64), size: 1 },
    fileCount: 1,
    bytes: 1,
    savedAt: '2026-01-01T00:00:00.000Z',
    order: { segment: 0, base },
    metrics: {},
    tags: [],
  }
}

interface Found {
  readonly listed?: readonly CatalogEntry[]
  readonly recovered?: readonly CatalogEntry[]
  readonly incomplete?: readonly CatalogEntry[]
  readonly isDamaged?: boolean
}

/** A survey of a store in which all entries are whole, except those of `incomplete`. */
function survey({ listed = [], recovered = [], incomplete = [], isDamaged = false }: Found): Survey {
  return {
    catalog: noCatalog,
    lost: [],
    newestVersion: 9,
    ownFences: new Set(),
    damaged: isDamaged ? [{ version: 9, reason: 'not JSON' }] : [],
    at: '2026-01-02T00:00:00.000Z',
    term: undefined,
    marker: 'good',
    unlisted: recovered,
    lists: { listed, recovered, abandoned: [], quarantined: [], removed: [], rewound: undefined },
    listable: {
      whole: [...listed, ...recovered].filter((entry) => !incomplete.includes(entry)),
      incomplete: incomplete.map((entry) => ({ entry, reason: 'a file is missing' })),
    },
    abandoned: { whole: [], incomplete: [] },
    verifiedNow: [],
  }
}

const [one, two, newerTwo] = [entryOf(1, 1), entryOf(2, 2), entryOf(2, 5)]

describe('the plan of a rebuild', () => {
  test('changes nothing if every listed checkpoint is whole', () => {
    const { change, report } = planRebuild(survey({ listed: [one, two] }))
    expect(change).toBeUndefined()
    expect(report).toMatchObject({ recovered: [], quarantined: [], markerRewritten: false })
  })

  test('lists attempts that the catalog does not know', () => {
    const { change, report } = planRebuild(survey({ listed: [one], recovered: [two] }))
    expect(change?.checkpoints).toEqual([one, two])
    expect(report.recovered).toEqual([2])
  })

  test('quarantines an incomplete checkpoint', () => {
    const { change, report } = planRebuild(survey({ listed: [one, two], incomplete: [two] }))
    expect(change?.checkpoints).toEqual([one])
    expect(change?.quarantined).toMatchObject([{ entry: two, at: '2026-01-02T00:00:00.000Z' }])
    expect(report.quarantined).toEqual([{ step: 2, reason: 'a file is missing' }])
  })

  test('keeps the listed attempt of a step, and quarantines no other one, if no version is damaged', () => {
    const { change } = planRebuild(survey({ listed: [one, two], recovered: [newerTwo] }))
    expect(change).toBeUndefined()
  })

  test('lists the later attempt of a step, and quarantines the other one, if a version is damaged', () => {
    const { change } = planRebuild(survey({ listed: [one, two], recovered: [newerTwo], isDamaged: true }))
    expect(change?.checkpoints).toMatchObject([one, newerTwo])
    expect(change?.quarantined).toMatchObject([{ entry: two }])
  })

  test('pins what it lists and quarantines if the newest version is damaged', () => {
    const found = { listed: [one, two], recovered: [newerTwo], isDamaged: true }
    const { change, report } = planRebuild(survey(found))
    const entries = [...(change?.checkpoints ?? []), ...(change?.quarantined ?? []).map(({ entry }) => entry)]
    expect(entries).toHaveLength(3)
    for (const { pinned } of entries) expect(pinned).toMatchObject({ at: '2026-01-02T00:00:00.000Z' })
    expect(report.pinned).toEqual([1, 2])
  })
})
