import { expect, test } from 'vitest'
import { temporaryFolder } from '../folders.ts'
import { killLoop } from './kill-loop.ts'

/** Declares the test that kills a writer so many times. */
export function testKills(kills: number): void {
  test(`a writer that is killed at ${kills} random moments loses nothing that was acknowledged`, async () => {
    const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1e9)
    const cut = await killLoop({ folder: await temporaryFolder(), seed, kills })
    expect(cut.size, `seed ${seed}: no operation was cut short`).toBeGreaterThan(0)
  })
}
