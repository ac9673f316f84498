import { expect, test } from 'vitest'
import { unfinishedJointText } from '../src/output/unfinished.ts'

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
