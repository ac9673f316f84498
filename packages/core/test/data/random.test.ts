import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { randomOfSample } from '../../src/data/random.ts'
import { SeededRandom } from '../../src/data.ts'
import { Tally } from './uniformity.ts'
import { vectors } from './vectors.ts'

function draw(random: SeededRandom, count: number): readonly number[] {
  return Array.from({ length: count }, () => random.uint32())
}

describe('a seeded generator', () => {
  test('is xoshiro128**', () => {
    const random = new SeededRandom()
    random.loadStateDict([1, 2, 3, 4])
    expect(draw(random, 4)).toEqual([11520, 0, 5927040, 70819200])
  })

  test.each(vectors.random)(
    'matches the test vector for the seeds $seeds',
    ({ seeds, state, uint32, after, next }) => {
      const random = new SeededRandom(...seeds)
      expect(random.stateDict()).toEqual(state)
      expect(draw(random, uint32.length)).toEqual(uint32)
      expect(random.stateDict()).toEqual(after)
      const again = new SeededRandom(...seeds)
      expect(next.map(() => again.next())).toEqual(next)
    },
  )

  test.each(vectors.randomOfSample)(
    'of a sample matches the test vector for seed $seed, epoch $epoch, position $position',
    ({ seed, epoch, position, state, uint32, next }) => {
      const random = randomOfSample(seed, epoch, position)
      expect(random.stateDict()).toEqual(state)
      expect(draw(random, uint32.length)).toEqual(uint32)
      const again = randomOfSample(seed, epoch, position)
      expect(next.map(() => again.next())).toEqual(next)
    },
  )

  test('continues its sequence from a saved state', () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeNat()), fc.nat(50), (seeds, before) => {
        const random = new SeededRandom(...seeds)
        draw(random, before)
        const resumed = new SeededRandom()
        resumed.loadStateDict(
          JSON.parse(JSON.stringify(random.stateDict())) as [number, number, number, number],
        )
        expect(draw(resumed, 20)).toEqual(draw(random, 20))
      }),
    )
  })

  test('draws fractions and integers below a limit with equal probability', () => {
    const random = new SeededRandom(3)
    const tenths = new Tally<number>()
    const sevenths = new Tally<number>()
    for (let turn = 0; turn < 50_000; turn += 1) {
      tenths.add(Math.floor(random.next() * 10))
      sevenths.add(random.below(7))
    }
    expect(tenths.unevennessOver(10)).toBeLessThan(4)
    expect(sevenths.unevennessOver(7)).toBeLessThan(4)
    expect(new SeededRandom(1).below(1)).toBe(0)
  })

  test('draws without bias below a limit that does not divide 2^32', () => {
    const random = new SeededRandom(4)
    const limit = 3 * 2 ** 30
    const thirds = new Tally<number>()
    for (let turn = 0; turn < 30_000; turn += 1) thirds.add(Math.floor(random.below(limit) / 2 ** 30))
    expect(thirds.unevennessOver(3)).toBeLessThan(4)
  })

  test('refuses invalid seeds, limits and states', () => {
    expect(() => new SeededRandom(1, -1)).toThrow('A seed must be a whole number from 0')
    expect(() => new SeededRandom(0.5)).toThrow('A seed')
    expect(() => new SeededRandom().below(0)).toThrow('limit must be a whole number from 1 to 4294967296')
    expect(() => new SeededRandom().below(2 ** 32 + 1)).toThrow('limit must be')
    expect(() => {
      new SeededRandom().loadStateDict([0, 0, 0, 0])
    }).toThrow('A random state must have a word other than 0')
    expect(() => {
      new SeededRandom().loadStateDict([1, 2, 3, 2 ** 32])
    }).toThrow('A word of a random state')
  })
})
