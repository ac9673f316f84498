import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { mirrorLoop } from './mirror-loop.ts'
import { environmentOf } from './open-at.ts'
import type { KindOfStore } from './kinds-of-store.ts'

/** Declares a test that kills a job with a mirror this many times, and deletes its disk at random. */
export function testMirrorLoop(kind: KindOfStore, rounds: number): void {
  test(
    `brings a job back that is killed ${rounds} times and loses its disk at random`,
    { timeout: 600_000 + rounds * 60_000 },
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'holdfast-mirror-'))
      const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1e6)
      const place = kind.place()
      const mirror = { url: place.url, env: environmentOf(place) }
      expect((await mirrorLoop({ folder, mirror, seed, rounds })).mirrored).toBeGreaterThan(0)
      await rm(folder, { recursive: true })
    },
  )
}
