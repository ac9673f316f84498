import { expect, test } from 'vitest'
import { Occupancy } from '../../../src/backend/direct/threads/occupancy.ts'

test('reports the share of the latest span of at least 50 ms', () => {
  const occupancy = new Occupancy({ idle: 1_000, active: 500 })
  expect(occupancy.at({ idle: 1_000, active: 549 })).toBe(0) // too short
  expect(occupancy.at({ idle: 1_010, active: 590 })).toBe(0.9)
  expect(occupancy.at({ idle: 1_059, active: 590 })).toBe(0.9) // too short
  expect(occupancy.at({ idle: 1_085, active: 615 })).toBe(0.25)
})

test('keeps its estimate if the times are gone because the thread has ended', () => {
  const occupancy = new Occupancy({ idle: 0, active: 0 })
  expect(occupancy.at({ idle: 0, active: 100 })).toBe(1)
  expect(occupancy.at({ idle: 0, active: 0 })).toBe(1)
})
