import { describe, expect, test } from 'vitest'
import { turnsOf } from '../src/harness/turns.ts'

describe('turns', () => {
  test('of no contender are empty', () => {
    expect(turnsOf([], 0)).toEqual([])
  })

  test.each([1, 2, 3, 4, 5, 6])('give each of %i contenders each position equally often', (count) => {
    const items = Array.from({ length: count }, (_, index) => index)
    const orders = items.map((round) => turnsOf(items, round))
    for (const position of items) expect(orders.map((order) => order[position]).sort()).toEqual(items)
  })

  test.each([2, 3, 4, 5, 6])('let each of %i contenders follow each other one equally often', (count) => {
    const items = Array.from({ length: count }, (_, index) => index)
    const followed = new Map<string, number>()
    for (let round = 0; round < 2 * count; round += 1) {
      const order = turnsOf(items, round)
      for (const [position, item] of order.entries())
        if (position > 0) {
          const pair = `${order[position - 1]} ${item}`
          followed.set(pair, (followed.get(pair) ?? 0) + 1)
        }
    }
    expect(followed.size).toBe(count * (count - 1))
    expect(new Set(followed.values())).toEqual(new Set([2]))
  })
})
