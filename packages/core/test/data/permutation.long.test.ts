import { describe, expect, test } from 'vitest'
import { shuffle } from './shuffle.ts'
import { unevennessOf } from './uniformity.ts'

describe('over seeds, and over the epochs of one seed', () => {
  const shuffles = 10_000

  test.each([2, 3, 4, 5, 6, 7, 8, 9, 13])(
    'each of %i numbers is equally often at each position, and each pair at each pair of positions',
    (size) => {
      const bySeed = Array.from({ length: shuffles }, (_, seed) => shuffle(size, seed, 0))
      const byEpoch = Array.from({ length: shuffles }, (_, epoch) => shuffle(size, 42, epoch))
      for (const { positions, pairs } of [unevennessOf(size, bySeed), unevennessOf(size, byEpoch)]) {
        expect(positions).toBeLessThan(4)
        expect(pairs).toBeLessThan(4)
      }
    },
  )

  test('the order of one epoch does not predict the order of the next', () => {
    const size = 7
    const together = Array.from({ length: shuffles }, (_, seed) => {
      const [first, second] = [shuffle(size, seed, 0), shuffle(size, seed, 1)]
      return first.map((number, position) => number * size + (second[position] ?? 0))
    })
    const { positions } = unevennessOf(size * size, together)
    expect(positions).toBeLessThan(4)
  })

  test('a mere rotation of the numbers fails the check of pairs, though not that of positions', () => {
    const size = 7
    const turned = shuffle(size, 1, 1)
    const turns = Array.from({ length: shuffles }, (_, seed) => {
      const turn = shuffle(size, seed, 0)[0] ?? 0
      return turned.map((number) => (number + turn) % size)
    })
    const { positions, pairs } = unevennessOf(size, turns)
    expect(positions).toBeLessThan(4)
    expect(pairs).toBeGreaterThan(100)
  })
})
