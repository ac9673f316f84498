import { expect, test } from 'vitest'
import { MemoryBackend, parseDuration, parseSize, type StoreOptions } from '../../src/index.ts'
import { shown } from '../../src/input/shown.ts'
import { storeOn } from '../stores.ts'

test.each([
  ['5 "m"', '"5 \\"m\\""'],
  [Number.NaN, 'NaN'],
  [-Infinity, '-Infinity'],
  [5n, '5n'],
  [true, 'true'],
  [undefined, 'undefined'],
  [null, 'null'],
  [[1], 'an array'],
  [Object.create(null), 'an object'],
  [parseSize, 'a function'],
  [Symbol('x'), 'Symbol(x)'],
])('shows a value without failing', (value, text) => {
  expect(shown(value)).toBe(text)
})

test.each<[StoreOptions, string]>([
  [{ threads: Number.NaN }, 'threads must be a whole number from 1 to 64, not NaN.'],
  [{ threads: 4n as never }, 'threads must be a whole number from 1 to 64, not 4n.'],
  [{ limitUpload: Number.NaN }, 'not NaN.'],
  [{ limitUpload: 5n as never }, 'not 5n.'],
  [{ job: 7n as never }, 'job must be a string of 1 to 200 characters, not 7n.'],
])('an error about an option shows the value', (options, message) => {
  expect(() => storeOn(new MemoryBackend(), options)).toThrow(
    expect.objectContaining({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(message) as string,
    }),
  )
})

test('an error about a duration or a size shows the value', () => {
  expect(() => parseDuration(Number.NaN)).toThrow('NaN is not a duration.')
  expect(() => parseSize(Infinity)).toThrow('Infinity is not a size.')
})
