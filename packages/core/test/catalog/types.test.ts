import * as v from 'valibot'
import { expect, test } from 'vitest'
import {
  type CatalogEntry,
  emptyCatalog,
  newAttemptId,
  newPageId,
  type PageReference,
} from '../../src/catalog/documents/index.ts'
import { noCatalog, paged, type PagedCatalog, wholeCatalog } from '../../src/catalog/pages/index.ts'
import { recordedRetentionSchema, type RetentionPlan } from '../../src/retention/index.ts'
import type { Recording } from '../../src/store/context/recorded-finding.ts'

/** The compiler checks these tests: the build fails if a line after `@ts-expect-error` compiles. */

const line: CatalogEntry = {
  step: 1,
  attempt: newAttemptId(1, 1, '0'.repeat(16)),
  manifest: { sha256: 'a'.repeat(64), size: 500 },
  fileCount: 1,
  bytes: 1,
  savedAt: '2026-01-01T00:00:00.000Z',
  order: { segment: 0, base: 1 },
  metrics: {},
  tags: [],
}

const page: PageReference = {
  page: newPageId(1, '0'.repeat(16)),
  sha256: 'a'.repeat(64),
  depth: 0,
  from: 1,
  to: 1,
  count: 1,
}

test('preserves a member that a newer writer added, and does not compile a misspelt one', () => {
  const pin = (entry: CatalogEntry): CatalogEntry => ({
    ...entry,
    pinned: { at: '2026-01-01T00:00:00.000Z' },
  })
  const misspelt = (entry: CatalogEntry): CatalogEntry => {
    // @ts-expect-error an entry has no member `pined`
    return { ...entry, pined: { at: '2026-01-01T00:00:00.000Z' } }
  }
  const unnamed = (entry: CatalogEntry): unknown => {
    // @ts-expect-error an entry has no member `comingSoon`
    return entry.comingSoon
  }
  const newer = { ...line, comingSoon: 'a member of a newer writer' }
  expect(pin(newer)).toMatchObject({ comingSoon: 'a member of a newer writer' })
  expect(unnamed(newer)).toBe('a member of a newer writer')
  expect(misspelt(newer)).toMatchObject({ comingSoon: 'a member of a newer writer' })
})

test('reads all lines only of a catalog whose pages were read', () => {
  const unread = ({ checkpoints }: PagedCatalog): unknown => {
    // @ts-expect-error some lines may be in pages that were not read
    return checkpoints.all
  }
  expect(unread(noCatalog)).toEqual([])
  expect(wholeCatalog(noCatalog).checkpoints.all).toEqual([])
  const inPages = paged({ ...emptyCatalog, older: { checkpoints: [page], metrics: [], retired: [] } })
  expect(() => wholeCatalog(inPages)).toThrow('were not read')
})

test('takes a recorded retention as a plan without a cast, and does not compile one with a misspelt policy', () => {
  const planOf = (recorded: unknown): RetentionPlan => v.parse(recordedRetentionSchema, recorded)
  const misspelt = (): RetentionPlan => {
    // @ts-expect-error a plan has no policy `keepLst`
    return { keepLst: 3 }
  }
  expect(planOf({ keepLast: 3 })).toEqual({ keepLast: 3 })
  expect(() => planOf(misspelt())).toThrow('keepLst')
})

test('does not compile a program that takes every quarantine for a recorded one', () => {
  const reasonOf = (recording: Recording): unknown => {
    // @ts-expect-error only a quarantine that was not recorded has a reason
    return recording.because
  }
  const notRecorded: Recording = { kind: 'not recorded', because: 'the store is read-only' }
  expect(reasonOf(notRecorded)).toBe('the store is read-only')
})
