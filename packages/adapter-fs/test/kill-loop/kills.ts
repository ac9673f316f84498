import { expect, test } from 'vitest'
import { temporaryFolder } from '../folders.ts'
import { killLoop } from './kill-loop.ts'

/** Declares a test that kills a writer this many times. */
export function testKills(kills: number): void {
  test(`loses nothing that was acknowledged if a writer is killed at ${kills} random moments`, async () => {
    const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1e9)
    const cut = await killLoop({ folder: await temporaryFolder(), seed, kills })
    expect(cut.size, `seed ${seed}: no operation was cut short`).toBeGreaterThan(0)
  })
}
