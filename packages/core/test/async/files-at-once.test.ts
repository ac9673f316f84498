import { expect, test } from 'vitest'
import { filesAtOnce } from '../../src/async/files-at-once.ts'

test.each([
  ['no files', [], 16, 16],
  ['empty files', [0, 0], 16, 16],
  ['small files', [65_536, 1], 64, 64],
  ['small files that fill the memory', [2 ** 18, 1], 64, 16],
  ['a large file among small ones', [1, 2 ** 30], 64, 4],
  ['a file of unknown size', [1, undefined], 64, 4],
])('decides how many to transfer at once: %s', (_, sizes, most, atOnce) => {
  expect(filesAtOnce(sizes, most)).toBe(atOnce)
})
