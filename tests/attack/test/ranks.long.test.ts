import { describe, expect, test } from 'vitest'
import { openPlace, placeNames } from '../src/places.ts'
import { campaign } from '../src/ranks/campaign.ts'

describe.each(placeNames)('a job of 8 ranks on %s', (name) => {
  test(
    'resumes from the same whole checkpoint on all ranks, whichever were killed',
    { timeout: 900_000 },
    async () => {
      const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1e6)
      await using place = await openPlace(name)
      const { violations, kills } = await campaign(place, { seed, size: 8, kills: 40 })
      expect(violations, `seed ${seed}`).toEqual([])
      expect(kills).toBeGreaterThanOrEqual(40)
    },
  )
})
