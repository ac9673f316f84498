import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatSize, parseSize } from '../../src/space/index.ts'

test.each([
  [0, 0],
  ['0', 0],
  ['512', 512],
  ['1 kB', 1000],
  ['1.5 GB', 1_500_000_000],
  ['200GB', 200_000_000_000],
  ['64 MiB', 67_108_864],
  [' 2 tib ', 2 * 2 ** 40],
])('%j is %i bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes)
})

test.each([-1, 1.5, Number.NaN, '', 'GB', '1 XB', '-5', '1e9', '9999999999 PB', '1,5 GB'])(
  '%j is not a size',
  (text) => {
    expect(() => parseSize(text)).toThrow('is not a size')
  },
)

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 KB'],
  [9_949_999, '9.9 MB'],
  [9_960_000, '10 MB'],
  [999_499_999, '999 MB'],
  [999_500_000, '1.0 GB'],
  [512_000_000, '512 MB'],
  [2_000_000_000, '2.0 GB'],
])('%i bytes are written %s', (bytes, text) => {
  expect(formatSize(bytes)).toBe(text)
})

test('parses every formatted size, to three digits', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e15 }), (bytes) => {
      expect(Math.abs(parseSize(formatSize(bytes)) - bytes)).toBeLessThanOrEqual(bytes * 0.051)
    }),
  )
})
