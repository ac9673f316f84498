import { describe, expect, test } from 'vitest'
import {
  decodeCatalog,
  emptyCatalog,
  encodeCatalog,
  newAttemptId,
  newPageId,
  type CatalogEntry,
  type Segments,
} from '../../src/catalog/documents/index.ts'
import {
  nameOfSegment,
  type NamedSegment,
  numberOfSegment,
  ownSegment,
  recoveredSegments,
  segmentsOf,
  withSegments,
} from '../../src/catalog/commit/segments.ts'
import { encodePage } from '../../src/catalog/documents/page.ts'
import { noCatalog, wholeCatalog, paged } from '../../src/catalog/pages/index.ts'
import type { OrderKey } from '../../src/order-key.ts'
import { unsealSupported } from '../../src/catalog/documents/parse-document.ts'
import { asCommitted } from './as-committed.ts'
import { codeOf } from '../stores.ts'

const here = '00000000-0000-4000-8000-000000000000'
const nodeA = '00000000-0000-4000-8000-00000000000a'
const nodeB = '00000000-0000-4000-8000-00000000000b'

/** Returns the segments of a store after segments of other stores arrive, one call after another. */
function after(...arrivals: readonly (readonly NamedSegment[])[]): {
  readonly segments?: Segments | undefined
} {
  return arrivals.reduce<{ readonly segments?: Segments | undefined }>(
    (catalog, named) => ({ segments: withSegments(catalog, here, named) }),
    {},
  )
}

function of(store: string, segment = 0): NamedSegment {
  return { store, segment }
}

function entry(step: number, order: OrderKey): CatalogEntry {
  return {
    step,
    attempt: newAttemptId(step, 9, '0'.repeat(16)),
    manifest: { sha256: 'a'.repeat(64), size: 500 },
    fileCount: 1,
    bytes: 1,
    savedAt: '2026-01-01T00:00:00.000Z',
    order,
    metrics: {},
    tags: [],
  }
}

describe('the segments of a store', () => {
  test('gives saves segment 0 as long as nothing was copied into it', () => {
    expect(ownSegment({})).toBe(0)
    expect(numberOfSegment({}, here, of(here))).toBe(0)
  })

  test('puts a copy above the saves before it, and the saves that follow above the copy', () => {
    const catalog = after([of(nodeA)])
    const copied = numberOfSegment(catalog, here, of(nodeA)) ?? 0
    expect(copied).toBeGreaterThan(0)
    expect(ownSegment(catalog)).toBeGreaterThan(copied)
  })

  test('keeps the number of a known segment, so that a late backlog stays below what came after it', () => {
    const catalog = after([of(nodeA)], [of(nodeB)], [of(nodeA)])
    expect(catalog).toEqual(after([of(nodeA)], [of(nodeB)]))
    const [late = 0, live = 0] = [of(nodeA), of(nodeB)].map((each) => numberOfSegment(catalog, here, each))
    expect(late).toBeLessThan(live)
  })

  test('gives segments that arrive together numbers in their order', () => {
    const numbers = [of(nodeA, 3), of(nodeB, 1), of(nodeA, 4)]
    const catalog = after(numbers)
    const found = numbers.map((each) => numberOfSegment(catalog, here, each) ?? 0)
    expect(found).toEqual([...found].sort((one, other) => one - other))
    expect(new Set(found).size).toBe(3)
  })

  test('opens a segment above that of a rewind', () => {
    const rewound = { segment: 7, base: 3 }
    const segments = withSegments({ rewound }, here, [of(nodeA)])
    expect(numberOfSegment({ segments, rewound }, here, of(nodeA))).toBe(8)
    expect(ownSegment({ rewound })).toBe(7)
  })

  test('gives a checkpoint that comes back to its own store the segment that it had', () => {
    const catalog = after([of(nodeA)])
    expect(numberOfSegment(catalog, here, of(here, 0))).toBe(0)
    // The number belongs to the copies of another store.
    const taken = numberOfSegment(catalog, here, of(nodeA)) ?? 0
    expect(numberOfSegment(catalog, here, of(here, taken))).toBeUndefined()
  })

  test('are named by the store in which they were opened, also in a copy of a copy', () => {
    const catalog = after([of(nodeA, 5)])
    const number = numberOfSegment(catalog, here, of(nodeA, 5)) ?? 0
    expect(nameOfSegment(catalog, here, number)).toEqual(of(nodeA, 5))
    expect(nameOfSegment(catalog, here, 0)).toEqual(of(here, 0))
  })

  test('are listed with the earliest first', () => {
    const { segments } = after([of(nodeA, 5)])
    const document = {
      ...asCommitted(emptyCatalog, 9),
      segments,
      checkpoints: [entry(1, { segment: 2, base: 1 }), entry(2, { segment: 0, base: 1 })],
    }
    expect(segmentsOf(wholeCatalog(paged(document)), here)).toEqual([of(here, 0), of(nodeA, 5), of(here, 2)])
    expect(segmentsOf(noCatalog, here)).toEqual([])
  })
})

describe('a rebuilt catalog', () => {
  const copied = (step: number, segment: number, from: NamedSegment): CatalogEntry => ({
    ...entry(step, { segment, base: 1 }),
    origin: { ...from, attempt: newAttemptId(step, 1, '0'.repeat(16)), manifest: 'b'.repeat(64) },
  })

  test('has the segments that its copies name, and saves above them', () => {
    const found = recoveredSegments({}, [
      copied(1, 3, of(nodeB)),
      copied(2, 1, of(nodeA)),
      entry(3, { segment: 2, base: 1 }),
    ])
    expect(found).toEqual({
      own: 4,
      foreign: [
        { ...of(nodeA), here: 1 },
        { ...of(nodeB), here: 3 },
      ],
    })
  })

  test('continues the segment of its own saves if they are later than all copies', () => {
    expect(recoveredSegments({}, [copied(1, 1, of(nodeA)), entry(2, { segment: 5, base: 1 })])?.own).toBe(5)
  })

  test('keeps the segments that it knows, and has none without copies', () => {
    const known = after([of(nodeA)], [of(nodeB)])
    expect(recoveredSegments(known, [copied(1, 9, of(nodeA))])?.foreign).toEqual(known.segments?.foreign)
    expect(recoveredSegments(known, [])).toEqual(known.segments)
    expect(recoveredSegments({}, [entry(1, { segment: 0, base: 1 })])).toBeUndefined()
  })
})

describe('a document with copies', () => {
  const committed = asCommitted(emptyCatalog, 9)
  const { segments = { own: 0, foreign: [] } } = after([of(nodeA)], [of(nodeB)])

  test('requires the feature, so that an older version refuses it', () => {
    const required = (bytes: Uint8Array, kind: 'catalog' | 'page'): unknown =>
      unsealSupported(kind, bytes, 'x')
    expect(required(encodeCatalog({ ...committed, segments }), 'catalog')).toMatchObject({
      requires: ['copies'],
    })
    const lines = [entry(1, { segment: 1, base: 1 })]
    expect(required(encodeCatalog({ ...committed, checkpoints: lines }), 'catalog')).toMatchObject({
      requires: ['copies'],
    })
    const page = encodePage(newPageId(9, '0'.repeat(16)), { holds: 'checkpoints', content: lines })
    expect(required(page, 'page')).toMatchObject({ requires: ['copies'] })
    expect(required(encodeCatalog(committed), 'catalog')).toMatchObject({ requires: [] })
  })

  test.each<readonly [string, Segments]>([
    ['gives saves a segment that is not above all copies', { ...segments, own: 1 }],
    [
      'gives two segments one number',
      { ...segments, foreign: segments.foreign.map((each) => ({ ...each, here: 1 })) },
    ],
    [
      'gives a segment two numbers',
      { ...segments, foreign: segments.foreign.map((each) => ({ ...each, store: nodeA })) },
    ],
  ])('is damaged if it %s', async (_, wrong) => {
    const decode = async (given: Segments): Promise<unknown> =>
      decodeCatalog(encodeCatalog({ ...committed, segments: given }), 9)
    expect(await codeOf(decode(segments))).toBe('no error')
    expect(await codeOf(decode(wrong))).toBe('CORRUPT')
  })
})
