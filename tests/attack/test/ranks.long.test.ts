import { describe, expect, test } from 'vitest'
import { openPlace, placeNames } from '../src/places.ts'
import { campaign } from '../src/ranks/campaign.ts'

const effort = Number(process.env['HOLDFAST_TEST_EFFORT'] ?? 1)
const kills = 10 * effort

describe.each(placeNames)('a job of 8 ranks on %s', (name) => {
  test(
    'resumes from the same whole checkpoint on all ranks, whichever were killed',
    { timeout: 1_200_000 * effort },
    async () => {
      const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1e6)
      await using place = await openPlace(name)
      const result = await campaign(place, { seed, size: 8, kills })
      expect(result.violations, `seed ${seed}`).toEqual([])
      expect(result.kills).toBeGreaterThanOrEqual(kills)
    },
  )
})
