import { expect, test } from 'vitest'
import { countStarts } from '../src/joint-requests/count-starts.ts'

const size = 8
const timeout = 600_000

test('a start and a save by a process of its own send what docs/stores.md states', { timeout }, async () => {
  const { first, next, saves } = await countStarts(size)
  // A rank that joins waits twice, and looks at once each time. A poll of the barrier or of verdicts sends 2 requests.
  for (const { requests, polls } of next) expect(requests - 2 * polls).toBeLessThanOrEqual(size + 49)
  for (const { requests, polls } of first) expect(requests - 2 * polls).toBeLessThanOrEqual(size + 65)
  const committing = saves.filter(({ isCommitting }) => isCommitting)
  expect(committing).toHaveLength(1)
  for (const { requests, polls } of committing) expect(requests - 3 * polls).toBeLessThanOrEqual(size + 18)
  for (const { isCommitting, requests, polls } of saves)
    if (!isCommitting) expect(requests - 3 * polls).toBeLessThanOrEqual(14)
})
