import { expect, test } from 'vitest'
import { FreedSpace, type HeldSpace } from '../../src/space/index.ts'
import { Random } from '../simulator/random.ts'

test('counts what a checkpoint shares with no other one', () => {
  const held = [[{ writtenBy: 'a', bytes: 10, inodes: 3 }], [{ writtenBy: 'b', bytes: 5, inodes: 4 }]]
  const freed = new FreedSpace(held)
  for (const each of held) freed.delete(each)
  expect([freed.bytes, freed.inodes]).toEqual([15, 7])
})

test('counts shared space once its last user is deleted', () => {
  const writer = [{ writtenBy: 'a', bytes: 40, inodes: 4 }]
  const other = [
    { writtenBy: 'b', bytes: 1, inodes: 3 },
    { writtenBy: 'a', bytes: 39, inodes: 1 },
  ]
  const freed = new FreedSpace([writer, other])
  freed.delete(writer)
  expect([freed.bytes, freed.inodes]).toEqual([1, 3])
  freed.delete(other)
  expect([freed.bytes, freed.inodes]).toEqual([41, 7])
})

test('never counts more than a deletion frees, and counts all if everything is deleted', () => {
  const random = new Random(Number(process.env['HOLDFAST_SEED'] ?? 7))
  for (let round = 0; round < 300; round += 1) {
    // Each checkpoint writes some files, and shares some files of earlier ones.
    const files = new Map<string, number>()
    const users = Array.from({ length: 1 + random.below(6) }, (_, index) => {
      const own = Array.from({ length: 1 + random.below(3) }, (__, file) => `${index}/${file}`)
      for (const name of own) files.set(name, 1 + random.below(100))
      const earlier = [...files.keys()].filter((name) => !own.includes(name) && random.chance(0.4))
      return [...own, ...earlier]
    })
    const held = users.map((names): readonly HeldSpace[] =>
      [...Map.groupBy(names, (name) => name.split('/')[0] ?? '')].map(([writtenBy, of]) => ({
        writtenBy,
        bytes: of.reduce((sum, name) => sum + (files.get(name) ?? 0), 0),
        inodes: of.length,
      })),
    )
    const freed = new FreedSpace(held)
    const left = new Set(users.keys())
    for (const [index, each] of held.entries()) {
      if (round % 2 === 0 && random.chance(0.5)) continue
      freed.delete(each)
      left.delete(index)
      const kept = new Set([...left].flatMap((user) => users[user] ?? []))
      const gone = [...files].filter(([name]) => !kept.has(name))
      expect(freed.bytes).toBeLessThanOrEqual(gone.reduce((sum, [, bytes]) => sum + bytes, 0))
      expect(freed.inodes).toBeLessThanOrEqual(gone.length)
      expect(freed.bytes).toBeGreaterThanOrEqual(0)
    }
  }
})
