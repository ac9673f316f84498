import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Arrivals, type Row } from './arrivals.ts'

/** The first arrivals and their predecessors, by the text of the row. */
function firstArrivals(added: readonly Row[]): ReadonlyMap<string, { row: Row; parent: number }> {
  const arrivals = new Map<string, { row: Row; parent: number }>()
  for (const [parent, row] of added.entries()) {
    if (!arrivals.has(row.join())) arrivals.set(row.join(), { row, parent })
  }
  return arrivals
}

function expectTold(added: readonly Row[]): void {
  const arrivals = new Arrivals(added[0]?.length ?? 0)
  for (const [parent, row] of added.entries()) arrivals.add(row, parent)
  const told = Array.from({ length: arrivals.size }, (_, number) => ({
    row: arrivals.rowOf(number),
    parent: arrivals.parentOf(number),
  }))
  expect(told).toEqual([...firstArrivals(added).values()])
}

test('stores each state once, in the order of arrival, with its first predecessor', () => {
  const number = fc.oneof(fc.nat(3), fc.constantFrom(2 ** 16, 2 ** 31, 2 ** 32 - 1))
  fc.assert(fc.property(fc.array(fc.tuple(number, number, number), { minLength: 1 }), expectTold))
})

test('neither loses nor duplicates a state while the table grows', () => {
  const digit = (at: number, place: number): number => Math.floor(at / 45 ** place) % 45
  expectTold(Array.from({ length: 200_000 }, (_, at) => [digit(at, 0), digit(at, 1), digit(at, 2)]))
})

test('has no row for a state that was never reached', () => {
  expect(() => new Arrivals(2).rowOf(0)).toThrow(RangeError)
})
