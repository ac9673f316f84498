import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Permutation } from '../../src/data.ts'
import { shuffle } from './shuffle.ts'
import { vectors } from './vectors.ts'

describe('a permutation', () => {
  test('contains every number once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3000 }),
        fc.maxSafeNat(),
        fc.maxSafeNat(),
        (size, seed, epoch) => {
          const numbers = shuffle(size, seed, epoch).toSorted((one, other) => one - other)
          expect(numbers).toEqual(Array.from({ length: size }, (_, number) => number))
        },
      ),
    )
  })

  test.each(vectors.permutation)(
    'matches the test vector for size $size, seed $seed, epoch $epoch',
    ({ size, seed, epoch, positions, samples }) => {
      const permutation = new Permutation(size, seed, epoch)
      expect(positions.map((position) => permutation.at(position))).toEqual(samples)
    },
  )

  test('matches the table in the documentation', async () => {
    const text = await readFile(new URL('../../../../docs/data.md', import.meta.url), 'utf8')
    const rows = [...text.matchAll(/^\| (\d+) +\| (\d+) +\| (\d+) +\| ([\d, ]+?) +\|$/gm)].map((row) => ({
      size: Number(row[1]),
      seed: Number(row[2]),
      epoch: Number(row[3]),
      first: row[4]?.split(', ').map(Number),
    }))
    expect(rows.length).toBeGreaterThanOrEqual(4)
    for (const { size, seed, epoch, first } of rows) {
      const permutation = new Permutation(size, seed, epoch)
      expect(first).toEqual(first?.map((_, position) => permutation.at(position)))
    }
  })

  test('of 10^9 numbers has a different number at each position, without a table', () => {
    const size = 1_000_000_000
    const numbers = new Set<number>()
    for (let seed = 0; seed < 100; seed += 1) new Permutation(size, seed, 0).at(size - 1)
    const permutation = new Permutation(size, 7, 1)
    for (let position = 0; position < size; position += 9973) numbers.add(permutation.at(position))
    expect(numbers.size).toBe(Math.ceil(size / 9973))
    expect([...numbers].every((number) => number >= 0 && number < size)).toBe(true)
  })

  test('supports up to 2^53 - 1 numbers', () => {
    const size = Number.MAX_SAFE_INTEGER
    const permutation = new Permutation(size, 1, 1)
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (one, other) => {
        fc.pre(one < size && other < size && one !== other)
        expect(Number.isSafeInteger(permutation.at(one))).toBe(true)
        expect(permutation.at(one)).not.toBe(permutation.at(other))
      }),
    )
  })

  test.each([
    [0, 0, 0, 'size must be a whole number from 1 to 2^53 - 1, not 0.'],
    [2 ** 53, 0, 0, 'size must be'],
    [1.5, 0, 0, 'size must be'],
    [5, -1, 0, 'seed must be a whole number from 0'],
    [5, 0, Number.NaN, 'epoch must be'],
  ])('refuses size %d, seed %d, epoch %d', (size, seed, epoch, message) => {
    expect(() => new Permutation(size, seed, epoch)).toThrow(message)
  })

  test.each([-1, 5, 0.5])('refuses the position %d if its size is 5', (position) => {
    expect(() => new Permutation(5, 0, 0).at(position)).toThrow('position must be a whole number from 0 to 4')
  })
})
