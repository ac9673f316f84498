import { expect, test } from 'vitest'
import { countJointSave } from '../src/joint-requests/count-joint-save.ts'

/** Declares a test of the requests that docs/stores.md states. */
export function testRequests(size: number): void {
  test(
    `a joint save of ${size} ranks sends at most 8 requests and 3 per poll for each rank, and ${size + 12} for the one that commits`,
    { timeout: 1_800_000 },
    async () => {
      const { ranks } = await countJointSave(size)
      const committing = ranks.filter(({ isCommitting }) => isCommitting)
      expect(committing).toHaveLength(1)
      // The first look of the rank that commits is within its bound.
      for (const { requests, polls } of committing)
        expect(requests - 3 * (polls - 1)).toBeLessThanOrEqual(size + 12)
      for (const { isCommitting, requests, polls } of ranks)
        if (!isCommitting) expect(requests - 3 * polls).toBeLessThanOrEqual(8)
    },
  )
}
