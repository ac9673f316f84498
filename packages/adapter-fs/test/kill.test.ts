import { expect, test } from 'vitest'
import { killLoop } from './kill-loop/kill-loop.ts'

test(
  'a writer that is killed at random moments loses nothing that was acknowledged',
  { timeout: 120_000 },
  async () => {
    const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1e9)
    const cut = await killLoop({ seed, kills: 15 })
    expect(cut.size, `seed ${seed}: no operation was cut short`).toBeGreaterThan(0)
  },
)
