import { keepsAll } from '../../src/catalog/judging/keeping.ts'
import { describe, expect, test } from 'vitest'
import {
  fateOf,
  isDeadIn,
  lookBack,
  nextCatalog,
  type CommitRequest,
  type Verdict,
  type Writer,
} from '../../src/catalog/commit/rules/index.ts'
import type { Change } from '../../src/catalog/commit/changes/index.ts'
import {
  attemptPrefix,
  type CatalogEntry,
  catalogKey,
  newAttemptId,
} from '../../src/catalog/documents/index.ts'
import { documentOf, noCatalog, paged, type WholeCatalog } from '../../src/catalog/pages/index.ts'

const at = '2026-01-01T00:00:00.000Z'
let names = 0

function writer(mode: Writer['mode']): Writer {
  names += 1
  return { id: `writer-${names}`, name: `writer ${names}`, mode }
}

function request(by: Writer, change: Change): CommitRequest {
  names += 1
  return { writer: by, commitId: `commit-${names}`, change, keeping: keepsAll, at }
}

function entry(step: number, base: number): CatalogEntry {
  names += 1
  return {
    step,
    attempt: newAttemptId(step, base, names.toString(16).padStart(16, '0')),
    manifest: { sha256: '0'.repeat(64), size: 1 },
    fileCount: 1,
    bytes: 1,
    savedAt: at,
    order: { segment: 0, base },
    metrics: {},
    tags: [],
  }
}

function save(step: number, base: number): Extract<Change, { kind: 'save' }> {
  return { kind: 'save', entry: entry(step, base), onExisting: 'fail' }
}

function committed(newest: WholeCatalog, by: CommitRequest): WholeCatalog {
  const verdict = nextCatalog(newest, by)
  if (verdict.kind !== 'next') throw new Error(`not committed: ${verdict.kind}`)
  return verdict.catalog
}

/** Returns the catalog of one owner with this number of saved steps. */
function owned(by: Writer, steps: number): WholeCatalog {
  let catalog = committed(noCatalog, request(by, { kind: 'take over' }))
  for (let step = 0; step < steps; step += 1) {
    catalog = committed(catalog, request(by, save(step, catalog.version)))
  }
  return catalog
}

function kindOf(verdict: Verdict): string {
  return verdict.kind
}

describe('rule 1: where the catalog names an owner, only that one may commit', () => {
  const owner = writer('exclusive')
  const catalog = owned(owner, 2)

  test.each<[string, Writer]>([
    ['another exclusive writer', writer('exclusive')],
    ['a shared writer', writer('shared')],
  ])('%s is fenced, whatever it wants to change', (_, stranger) => {
    const changes: readonly Change[] = [
      save(9, catalog.version),
      { kind: 'delete', steps: [0], because: 'test' },
      { kind: 'pin', steps: [0], pin: { at } },
      { kind: 'unpin', steps: [0] },
      { kind: 'quarantine', found: [] },
      { kind: 'raise floor', floor: catalog.version },
      { kind: 'release' },
    ]
    for (const change of changes)
      expect(kindOf(nextCatalog(catalog, request(stranger, change)))).toBe('fenced')
  })

  test('the owner commits', () => {
    expect(committed(catalog, request(owner, save(2, catalog.version))).checkpoints.all).toHaveLength(3)
  })

  test('is taken over from a named owner only while that one owns the store', () => {
    const [first, second, late] = [writer('exclusive'), writer('exclusive'), writer('exclusive')]
    const catalog = owned(first, 1)
    const fromFirst = { kind: 'take over', from: first.id } as const
    expect(committed(catalog, request(late, fromFirst)).owner?.id).toBe(late.id)
    const taken = committed(catalog, request(second, { kind: 'take over' }))
    expect(kindOf(nextCatalog(taken, request(late, fromFirst)))).toBe('fenced')
    expect(committed(taken, request(second, fromFirst)).owner?.id).toBe(second.id)
  })

  test('an exclusive writer that lost its ownership stays fenced after the next owner has released it', () => {
    const second = writer('exclusive')
    const taken = committed(catalog, request(second, { kind: 'take over' }))
    const released = committed(taken, request(second, { kind: 'release' }))
    expect(released.owner).toBeNull()
    expect(kindOf(nextCatalog(released, request(owner, save(9, released.version))))).toBe('fenced')
    expect(kindOf(nextCatalog(released, request(writer('shared'), save(9, released.version))))).toBe('next')
  })
})

describe('an attempt whose save has failed', () => {
  const owner = writer('exclusive')
  const catalog = owned(owner, 2)
  const saved = entry(9, catalog.version)
  const { attempt } = saved
  const discarded = committed(catalog, request(writer('shared'), { kind: 'discard', attempt }))

  test('is discarded by any writer, and is dead from then on', () => {
    expect(fateOf(catalog, attempt)).toBe('open')
    expect(fateOf(discarded, attempt)).toBe('dead')
    expect(isDeadIn(discarded)(`${attemptPrefix(attempt)}file`)).toBe(true)
    expect(discarded.owner).toEqual(catalog.owner)
    expect(discarded.checkpoints.all).toEqual(catalog.checkpoints.all)
  })

  test('is never committed, and does not count as committed', () => {
    const own = request(owner, { kind: 'save', entry: saved, onExisting: 'fail' })
    expect(kindOf(nextCatalog(discarded, own))).toBe('fenced')
    expect(lookBack(own, catalog.version + 1, { ...discarded, floor: discarded.version + 1 })).toBe('fenced')
  })

  test('requires no commit if it is dead already', () => {
    const taken = committed(catalog, request(writer('exclusive'), { kind: 'take over' }))
    for (const newest of [discarded, taken])
      expect(kindOf(nextCatalog(newest, request(owner, { kind: 'discard', attempt })))).toBe('committed')
  })

  test.each(['checkpoints', 'quarantined'] as const)('stays if a repair put it among the %s', (list) => {
    const recovered: CatalogEntry = { ...entry(9, catalog.version), recovered: true }
    const rebuilt = committed(
      catalog,
      request(owner, {
        kind: 'rebuild',
        checkpoints: [...catalog.checkpoints.all, ...(list === 'checkpoints' ? [recovered] : [])],
        quarantined: list === 'quarantined' ? [{ entry: recovered, reason: 'test', at }] : [],
        dropped: [],
      }),
    )
    const discard: Change = { kind: 'discard', attempt: recovered.attempt }
    expect(kindOf(nextCatalog(rebuilt, request(owner, discard)))).toBe('committed')
    expect(fateOf(rebuilt, recovered.attempt)).toBe('listed')
  })
})

describe('rule 2: an attempt whose base is below the floor can never be committed', () => {
  test('is fenced, unless it began at the floor', () => {
    const shared = writer('shared')
    let catalog: WholeCatalog = noCatalog
    for (let step = 0; step < 5; step += 1)
      catalog = committed(catalog, request(shared, save(step, catalog.version)))
    const raised = committed(catalog, request(shared, { kind: 'raise floor', floor: 3 }))
    expect(kindOf(nextCatalog(raised, request(shared, save(9, 2))))).toBe('fenced')
    expect(kindOf(nextCatalog(raised, request(shared, save(9, 3))))).toBe('next')
  })
})

describe('rule 3: the floor only grows, and never passes the version that carries it', () => {
  test.each([
    [0, 4],
    [4, 4],
    [5, 5],
    [7, 7],
    [8, 7],
    [1000, 7],
  ])('raised to %i it is %i', (asked, floor) => {
    const shared = writer('shared')
    const catalog = { ...noCatalog, version: 6, floor: 4 }
    expect(committed(catalog, request(shared, { kind: 'raise floor', floor: asked })).floor).toBe(floor)
  })
})

describe('rule 4: only what is below the floor of a committed version is dead', () => {
  const shared = writer('shared')
  const listed = save(1, 1)
  const catalog = { ...committed({ ...noCatalog, version: 8 }, request(shared, listed)), floor: 5 }

  test('catalog versions below the floor', () => {
    expect(isDeadIn(catalog)(catalogKey(4))).toBe(true)
    expect(isDeadIn(catalog)(catalogKey(5))).toBe(false)
    expect(isDeadIn(catalog)(catalogKey(9))).toBe(false)
  })

  test('attempts below the floor that are not listed', () => {
    const token = 'f'.repeat(16)
    expect(isDeadIn(catalog)(`${attemptPrefix(newAttemptId(2, 4, token))}model.pth`)).toBe(true)
    expect(isDeadIn(catalog)(`${attemptPrefix(newAttemptId(2, 5, token))}model.pth`)).toBe(false)
    expect(isDeadIn(catalog)(`data/${listed.entry.attempt}/model.pth`)).toBe(false)
  })

  test('foreign objects are never dead', () => {
    for (const key of [
      'notes.txt',
      'data/readme',
      'data/1-1-zz/x',
      'catalog/7.json',
      'holdfast.json',
      'data/',
    ]) {
      expect(isDeadIn(catalog)(key)).toBe(false)
    }
  })

  test('an attempt that a commit dropped, wherever its base is', () => {
    const dropped = committed(
      committed(catalog, request(shared, save(2, catalog.version))),
      request(shared, { kind: 'delete', steps: [1], because: 'test' }),
    )
    expect(isDeadIn(dropped)(`data/${listed.entry.attempt}/model.pth`)).toBe(true)
  })
})

describe('rule 5: a takeover names the new owner and kills every older attempt', () => {
  test('raises the floor to the takeover itself', () => {
    const first = writer('exclusive')
    const catalog = owned(first, 3)
    const second = writer('exclusive')
    const taken = committed(catalog, request(second, { kind: 'take over' }))
    expect(taken.owner?.id).toBe(second.id)
    expect(taken.floor).toBe(taken.version)
    expect(taken.checkpoints.all).toEqual(catalog.checkpoints.all)
    expect(kindOf(nextCatalog(taken, request(second, save(9, catalog.version))))).toBe('fenced')
    expect(kindOf(nextCatalog(taken, request(second, save(9, taken.version))))).toBe('next')
  })
})

describe('rule 6: the newest version decides whether a delayed commit happened', () => {
  const shared = writer('shared')

  function after(newest: WholeCatalog, commits: number): WholeCatalog {
    let catalog = newest
    for (let step = 100; step < 100 + commits; step += 1) {
      catalog = committed(catalog, request(shared, save(step + catalog.version, catalog.version)))
    }
    return catalog
  }

  test('is committed while the floor has not passed its number', () => {
    const ours = request(shared, save(1, 0))
    const newest = after(committed(noCatalog, ours), 3)
    expect(lookBack(ours, 1, newest)).toBe('committed')
  })

  test('is included if the newest version lists its attempt, whatever the floor', () => {
    const ours = request(shared, save(1, 0))
    const newest = after(committed(noCatalog, ours), 3)
    expect(lookBack(ours, 1, committed(newest, request(shared, { kind: 'raise floor', floor: 3 })))).toBe(
      'included',
    )
  })

  test('is fenced if others committed without it and its number was swept', () => {
    const newest = after(noCatalog, 4)
    const raised = committed(newest, request(shared, { kind: 'raise floor', floor: 3 }))
    expect(lookBack(request(shared, save(1, 0)), 1, raised)).toBe('fenced')
    expect(lookBack(request(shared, { kind: 'unpin', steps: [1] }), 1, raised)).toBe('fenced')
  })

  test('is unknown if the history no longer reaches back to it', () => {
    const newest = after(noCatalog, 80)
    const raised = committed(newest, request(shared, { kind: 'raise floor', floor: 70 }))
    expect(lookBack(request(shared, { kind: 'unpin', steps: [1] }), 1, raised)).toBe('unknown')
    expect(lookBack(request(shared, save(1, 0)), 1, raised)).toBe('fenced')
  })
})

describe('a commit', () => {
  const shared = writer('shared')

  test('commits the same request once', () => {
    const ours = request(shared, save(1, 0))
    const catalog = committed(noCatalog, ours)
    expect(nextCatalog(catalog, ours)).toEqual({ kind: 'committed' })
    const replaced = committed(catalog, request(shared, { ...save(1, 1), onExisting: 'replace' }))
    expect(nextCatalog(replaced, ours)).toEqual({ kind: 'committed' })
  })

  test('replaces a step in one version, and reports the dropped attempt', () => {
    const first = save(1, 0)
    const catalog = committed(noCatalog, request(shared, first))
    const second = save(1, catalog.version)
    expect(nextCatalog(catalog, request(shared, second))).toMatchObject({
      kind: 'refused',
      code: 'ALREADY_EXISTS',
    })
    const replaced = committed(catalog, request(shared, { ...second, onExisting: 'replace' }))
    expect(replaced.checkpoints.all.map(({ attempt }) => attempt)).toEqual([second.entry.attempt])
    expect(replaced.history.at(-1)?.dropped.map(({ attempt }) => attempt)).toEqual([first.entry.attempt])
  })

  test('refuses to replace a pinned checkpoint', () => {
    const catalog = committed(noCatalog, request(shared, save(1, 0)))
    const pinned = committed(catalog, request(shared, { kind: 'pin', steps: [1], pin: { at } }))
    for (const allowBest of [false, true]) {
      const replace = { ...save(1, pinned.version), onExisting: 'replace', allowBest } as const
      expect(nextCatalog(pinned, request(shared, replace))).toMatchObject({
        kind: 'refused',
        code: 'INVALID_ARGUMENT',
        why: 'Step 1 is pinned. Unpin it first.',
      })
    }
  })

  test('decides the best by the version that it follows, not by an older one', () => {
    const keeping = { ...keepsAll, objectives: { loss: { metric: 'loss', direction: 'min' } } } as const
    const withLoss = (step: number, loss: number): Change => {
      const change = save(step, 0)
      return { ...change, entry: { ...change.entry, metrics: { loss } } }
    }
    const older = [withLoss(1, 3), withLoss(2, 2)].reduce<WholeCatalog>(
      (newest, change) => committed(newest, { ...request(shared, change), keeping }),
      noCatalog,
    )
    const removals: readonly Change[] = [
      { kind: 'delete', steps: [1], because: 'test' },
      { ...save(1, older.version), onExisting: 'replace' },
    ]
    const attached = committed(older, {
      ...request(shared, { kind: 'attach', step: 1, metrics: { loss: 1 } }),
      keeping,
    })
    for (const removal of removals) {
      const removing = { ...request(shared, removal), keeping }
      expect(kindOf(nextCatalog(older, removing))).toBe('next')
      expect(nextCatalog(attached, removing)).toMatchObject({
        kind: 'refused',
        why: 'Step 1 is the best loss.',
        hint: { kind: 'allow-best' },
      })
      const allowed = { ...removing, change: { ...removal, allowBest: true } as Change }
      expect(kindOf(nextCatalog(attached, allowed))).toBe('next')
    }
  })

  test('refuses to delete a pinned checkpoint and the last one', () => {
    const catalog = [1, 2].reduce<WholeCatalog>(
      (newest, step) => committed(newest, request(shared, save(step, 0))),
      noCatalog,
    )
    const pinned = committed(catalog, request(shared, { kind: 'pin', steps: [1], pin: { at } }))
    const refused = { kind: 'refused', code: 'INVALID_ARGUMENT' }
    expect(nextCatalog(pinned, request(shared, { kind: 'delete', steps: [1], because: '' }))).toMatchObject(
      refused,
    )
    expect(
      nextCatalog(catalog, request(shared, { kind: 'delete', steps: [1, 2], because: '' })),
    ).toMatchObject(refused)
    const missing = nextCatalog(catalog, request(shared, { kind: 'delete', steps: [1, 7], because: '' }))
    expect(missing).toMatchObject({ kind: 'refused', code: 'NOT_FOUND' })
  })

  test('preserves unknown members of a newer minor version', () => {
    const document = documentOf(committed(noCatalog, request(shared, save(1, 0))))
    const extended = { ...document, comingSoon: { kept: true } }
    const verdict = nextCatalog(paged(extended), request(shared, save(2, 1)))
    expect(verdict.kind === 'next' && documentOf(verdict.catalog)).toMatchObject({
      comingSoon: { kept: true },
    })
  })
})

describe('terms of a job of many ranks', () => {
  const rank = (term: number): Writer => ({ id: `term ${term}`, name: `term ${term}`, mode: 'exclusive' })
  const takeOver = (term: number): CommitRequest => request(rank(term), { kind: 'take over', term })

  test('take over once, whichever rank commits', () => {
    const catalog = committed(noCatalog, takeOver(2))
    expect(catalog).toMatchObject({ term: 2, floor: 1, owner: { id: 'term 2' } })
    expect(nextCatalog(catalog, takeOver(2)).kind).toBe('committed')
  })

  test('never take over from a later term, also if that term does not own the store any more', () => {
    const later = committed(noCatalog, takeOver(2))
    const released = committed(later, request(rank(2), { kind: 'release' }))
    const foreign = committed(released, request(writer('exclusive'), { kind: 'take over' }))
    for (const catalog of [later, released, foreign]) {
      expect(catalog.term).toBe(2)
      expect(nextCatalog(catalog, takeOver(1)).kind).toBe('fenced')
    }
    for (const catalog of [released, foreign]) expect(nextCatalog(catalog, takeOver(2)).kind).toBe('fenced')
    expect(committed(foreign, takeOver(3))).toMatchObject({ term: 3, floor: 4 })
  })

  test('let only agreements of earlier terms be swept', () => {
    const isDead = isDeadIn(committed(noCatalog, takeOver(2)))
    expect(isDead('agreements/terms/0000000001/open.json')).toBe(true)
    expect(isDead('agreements/terms/0000000002/open.json')).toBe(false)
    expect(isDead('agreements/terms/0000000003/open.json')).toBe(false)
    expect(isDead('agreements/copies/x.json')).toBe(false)
  })

  test('raise the floor before the history forgets a dropped attempt', () => {
    let catalog = committed(noCatalog, takeOver(1))
    const [saved, pinned] = [save(1, catalog.version), save(2, catalog.version)]
    catalog = committed(catalog, request(rank(1), saved))
    catalog = committed(catalog, request(rank(1), pinned))
    catalog = committed(catalog, request(rank(1), { kind: 'delete', steps: [1], because: 'test' }))
    for (let commits = 0; commits < 70; commits += 1) {
      const isRemembered = catalog.history.some(({ dropped }) => dropped.length > 0)
      expect(isRemembered || catalog.floor > 1).toBe(true)
      expect(fateOf(catalog, saved.entry.attempt)).toBe('dead')
      catalog = committed(catalog, request(rank(1), { kind: 'pin', steps: [2], pin: { at } }))
    }
    expect(catalog.floor).toBe(2)
    expect(fateOf(catalog, pinned.entry.attempt)).toBe('listed')
  })
})
