import type { UnfinishedSaves } from '@holdfast/core'
import { expect, test } from 'vitest'
import { unfinishedJointText, unfinishedLines } from '../src/output/unfinished.ts'

const since = new Date('2026-11-30T10:00:00Z')
const now = new Date('2026-11-30T10:00:04Z')

test.each([
  [1, [], 'step 6: 1 of 1 part, not committed for 4.0 s'],
  [1, [0], 'step 6: 0 of 1 part, waiting for rank 0 for 4.0 s'],
  [8, [], 'step 6: 8 of 8 parts, not committed for 4.0 s'],
  [8, [2, 5], 'step 6: 6 of 8 parts, waiting for ranks 2 and 5 for 4.0 s'],
])('describes a joint save of %i ranks of which %j are missing', (size, missing, text) => {
  expect(unfinishedJointText({ step: 6, size, missing, since }, now)).toBe(text)
})

const none = { saves: 0, bytes: 0, isSizeKnown: true }

function linesOf(groups: Partial<UnfinishedSaves>): string {
  const nothing = { ...none, fileCount: 0, ended: none, copies: none, others: none, running: 0 }
  return unfinishedLines({ ...nothing, until: now, ...groups }, []).join('\n')
}

test('says that the same copy continues an unfinished one, and does not advise to delete it', () => {
  const text = linesOf({ copies: { saves: 1, bytes: 0, isSizeKnown: false } })
  expect(text).toBe(
    '1 unfinished copy · size unknown · kept until 2026-11-30T10:00:04.000Z. ' +
      'The same holdfast copy continues it, and so does a mirror',
  )
  expect(linesOf({ copies: { saves: 2, bytes: 5e6, isSizeKnown: true } })).toMatch(
    /^2 unfinished copies · 5\.0 MB · .* continues them, and so does a mirror$/,
  )
})

test('claims no size of an unfinished save that the store does not report', () => {
  expect(linesOf({ others: { saves: 1, bytes: 0, isSizeKnown: false } })).toMatch(
    /^1 unfinished save · size unknown · kept until .* holdfast sweep --now$/,
  )
  expect(linesOf({ others: { saves: 1, bytes: 5e6, isSizeKnown: false } })).toContain('· at least 5.0 MB ·')
})
