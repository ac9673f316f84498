import { describe, expect, test } from 'vitest'
import { applyChange } from '../../../src/catalog/commit/changes/index.ts'
import { newAttemptId } from '../../../src/catalog/documents/index.ts'
import { noCatalog } from '../../../src/catalog/pages/index.ts'
import {
  completionStep,
  continuedBy,
  isCounted,
  isRewoundSince,
  joinStep,
  pollsBeforeCommit,
  roundStep,
  type SeenAtJoin,
  standingOf,
  triesBefore,
  waitStep,
} from '../../../src/store/ranks/rules.ts'

const one = newAttemptId(1, 4, '00000000000000aa')
const other = newAttemptId(2, 4, '00000000000000ab')

describe('joinStep', () => {
  const seen: SeenAtJoin = {
    newestTicket: 2,
    newestTerm: 3,
    catalogTerm: 2,
    slot: 'free',
    isSameSize: true,
    wasMember: false,
  }
  test.each<[string, Partial<SeenAtJoin>, object]>([
    ['occupies a free slot of the newest term', {}, { kind: 'occupy', term: 3 }],
    ['stays in its own slot', { slot: 'mine' }, { kind: 'member', term: 3 }],
    ['opens a term if its slot is taken', { slot: 'taken' }, { kind: 'open', term: 4 }],
    ['opens the first term', { newestTerm: 0, catalogTerm: 0 }, { kind: 'open', term: 1 }],
    ['opens a term above the catalog if agreements were lost', { catalogTerm: 7 }, { kind: 'open', term: 8 }],
    ['opens a term if the newest one lost its members', { catalogTerm: 3 }, { kind: 'open', term: 4 }],
    ['opens a term of another size when it starts', { isSameSize: false }, { kind: 'open', term: 4 }],
    [
      'is fenced by a term of another size if it was a member',
      { isSameSize: false, wasMember: true },
      { kind: 'fenced', why: 'other size' },
    ],
    ['is fenced by a later start', { newestTicket: 3 }, { kind: 'fenced', why: 'later start' }],
  ])('%s', (_, change, step) => {
    expect(joinStep(2, { ...seen, ...change })).toEqual(step)
  })
})

test('every wait ends with a later start, and with a newer term', () => {
  const own = { ticket: 2, term: 3 }
  expect(waitStep(own, { newestTicket: 2, newestTerm: 3 })).toBe('wait')
  expect(waitStep(own, { newestTicket: 2, newestTerm: 4 })).toBe('join again')
  expect(waitStep(own, { newestTicket: 3, newestTerm: 4 })).toBe('fenced')
})

test('a term owns the store, may take it over, is superseded or fenced', () => {
  const own = { term: 3, owner: 'term 3' }
  const owner = (id: string) => ({ id, name: id, since: '' })
  expect(standingOf({ owner: null }, own)).toBe('may take over')
  expect(standingOf({ owner: owner('x'), term: 2 }, own)).toBe('may take over')
  expect(standingOf({ owner: owner('term 3'), term: 3 }, own)).toBe('owner')
  expect(standingOf({ owner: owner('term 4'), term: 4 }, own)).toBe('superseded')
  expect(standingOf({ owner: null, term: 3 }, own)).toBe('fenced')
})

test('counts only verdicts on the agreed attempt', () => {
  const verdict = (rank: number, attempt: typeof one | null, isGood = true) => ({ rank, attempt, isGood })
  expect(roundStep([verdict(0, one)], one, 2)).toEqual({ kind: 'wait', missing: [1] })
  expect(roundStep([verdict(0, one), verdict(1, other)], one, 2)).toEqual({ kind: 'wait', missing: [1] })
  expect(roundStep([verdict(0, one), verdict(1, one)], one, 2)).toEqual({ kind: 'good' })
  expect(roundStep([verdict(0, one, false)], one, 2)).toEqual({ kind: 'bad', rank: 0 })
  expect(roundStep([verdict(0, other, false), verdict(1, null)], null, 2)).toEqual({
    kind: 'wait',
    missing: [0],
  })
})

test('lets the lowest rank that has read a corrupt checkpoint say why, and one that did not find it only if it is alone', () => {
  const bad = (rank: number, isUnlisted: boolean) => ({ rank, attempt: one, isGood: false, isUnlisted })
  expect(roundStep([bad(2, false), bad(1, false), bad(0, true)], one, 3)).toEqual({ kind: 'bad', rank: 1 })
  expect(roundStep([bad(2, true), bad(1, true)], one, 3)).toEqual({ kind: 'bad', rank: 1 })
})

test('names the missing ranks of an attempt, and parts that do not belong together', () => {
  const part = (rank: number, term = 3, resumed: typeof one | null = one) => ({ rank, term, resumed })
  expect(completionStep([part(1)], 3)).toEqual({ kind: 'wait', missing: [0, 2] })
  expect(completionStep([part(0), part(1), part(2)], 3)).toEqual({ kind: 'complete' })
  expect(completionStep([part(0), part(1, 4)], 2)).toMatchObject({ kind: 'torn', other: { rank: 1 } })
  expect(completionStep([part(0), part(1, 3, null)], 2)).toMatchObject({ kind: 'torn', other: { rank: 1 } })
})

test('lets one rank commit at once, and the others after a few polls', () => {
  for (const size of [1, 2, 8, 512, 8000]) {
    const polls = Array.from({ length: size }, (_, rank) => pollsBeforeCommit(rank, one, size))
    expect(polls.filter((each) => each === 0)).toHaveLength(1)
    expect(Math.max(...polls)).toBeLessThan(20)
    expect(polls.filter((each) => each <= 6).length).toBeLessThanOrEqual(2)
    expect(polls.filter((each) => each > 0 && each < 6)).toEqual([])
  }
})

test('counts a restore once per term, and leaves the own term out of what it counted before', () => {
  let catalog = noCatalog
  const count = (term: number): void => {
    const change = { kind: 'count restore', step: 1, attempt: one, term } as const
    const applied = applyChange(catalog, change, { objectives: {}, at: '2026-01-01T00:00:00.000Z' })
    if (applied.kind === 'applied') catalog = { ...catalog, tries: [...applied.tries] }
  }
  expect(isCounted(catalog, one, 3)).toBe(false)
  expect(triesBefore(catalog, one, 3)).toBe(0)
  count(3)
  count(3)
  expect(isCounted(catalog, one, 3)).toBe(true)
  expect(isCounted(catalog, other, 3)).toBe(false)
  expect(triesBefore(catalog, one, 3)).toBe(0)
  expect(triesBefore(catalog, one, 4)).toBe(1)
  count(4)
  expect(triesBefore(catalog, one, 4)).toBe(1)
  expect(triesBefore(catalog, one, 5)).toBe(2)
})

test('a rewind is done once one was committed upon the version of the proposal or a later one', () => {
  const rewoundAt = (base: number) => ({ ...noCatalog, rewound: { segment: 1, base } })
  expect(isRewoundSince(noCatalog, 0)).toBe(false)
  expect(isRewoundSince(rewoundAt(6), 7)).toBe(false)
  expect(isRewoundSince(rewoundAt(7), 7)).toBe(true)
  expect(isRewoundSince(rewoundAt(8), 7)).toBe(true)
})

describe('continuedBy', () => {
  const attempt = (step: number, base = 4) => newAttemptId(step, base, '00000000000000aa')
  const resumed = attempt(1, 1)
  test.each<[string, Parameters<typeof continuedBy>[1], ReturnType<typeof continuedBy>]>([
    [
      'names nothing at first if the term began without a checkpoint',
      { begun: [], listed: undefined, resumed: null },
      undefined,
    ],
    ['names the checkpoint from which the term resumed', { begun: [], listed: undefined, resumed }, resumed],
    ['names the last save of the term', { begun: [], listed: attempt(5), resumed }, attempt(5)],
    [
      'names a save that still runs',
      { begun: [attempt(5), attempt(6)], listed: attempt(5), resumed },
      attempt(6),
    ],
    [
      'names the last try at a step',
      { begun: [attempt(6, 4), attempt(6, 5)], listed: undefined, resumed },
      attempt(6, 5),
    ],
    [
      'names the try that is listed',
      { begun: [attempt(6, 4)], listed: attempt(6, 5), resumed },
      attempt(6, 5),
    ],
    [
      'names no save of the same or a later step',
      { begun: [attempt(7), attempt(8)], listed: undefined, resumed },
      resumed,
    ],
  ])('%s', (_, saves, expected) => {
    expect(continuedBy(7, saves)).toBe(expected)
  })
})
