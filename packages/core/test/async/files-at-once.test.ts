import { expect, test } from 'vitest'
import { filesAtOnce } from '../../src/async/files-at-once.ts'

test.each([
  ['no files', [], 16, 16],
  ['empty ones', [0, 0], 16, 16],
  ['small ones', [65_536, 1], 64, 64],
  ['small ones that fill the memory', [2 ** 18, 1], 64, 16],
  ['a large one among small ones', [1, 2 ** 30], 64, 4],
  ['one whose size is not known', [1, undefined], 64, 4],
])('%s', (_, sizes, most, atOnce) => {
  expect(filesAtOnce(sizes, most)).toBe(atOnce)
})
