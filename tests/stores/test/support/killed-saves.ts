import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { openAt } from './open-at.ts'
import { startWriter } from './start-writer.ts'
import type { KindOfStore, Place } from './kinds-of-store.ts'
import type { UploadMessage } from './upload-message.ts'

const firstSeed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1e6)

/** Declares a test that kills a writer `kills` times while it saves large files. */
export function testKilledSaves(kind: KindOfStore, kills: number): void {
  test(
    `lists no partial checkpoint after ${kills} kills during large saves, and a sweep deletes all leftovers (HOLDFAST_SEED=${firstSeed})`,
    { timeout: 600_000 + kills * 60_000 },
    async () => {
      const place = kind.place()
      const mebibytes = Math.ceil((3 * kind.partBytes) / 2 ** 20)
      const acknowledged = new Set<number>()
      let seed = firstSeed % 2_147_483_647 || 1
      for (let kill = 0; kill < kills; kill += 1) {
        seed = (seed * 16_807) % 2_147_483_647
        // The first process has time for one save. A share above 1 is never written, so the kill follows the save.
        const moment = { saves: kill === 0 ? 1 : 0, share: (1.1 * seed) / 2_147_483_647 }
        const saved = await saveUntilKilled(place, mebibytes, moment)
        for (const step of saved) acknowledged.add(step)
        await using store = await openAt(kind, place, { mode: 'shared' })
        const listed = (await store.list()).map(({ step }) => step)
        for (const step of acknowledged) expect(listed).toContain(step)
        const newest = listed.at(-1)
        if (newest !== undefined) expect((await store.verify({ steps: [newest] })).good).toBe(true)
      }
      expect(acknowledged.size).toBeGreaterThan(0)
      await using last = await openAt(kind, place, { gracePeriod: 0 })
      await last.save({ step: 1_000_000, files: { last: Buffer.from('last') } })
      await last.sweep()
      expect((await last.verify()).good).toBe(true)
      expect((await last.backend.sweep({ olderThan: 0, dryRun: true })).discarded).toEqual([])
      expect(await last.sweep({ dryRun: true })).toMatchObject({ objects: 0, unfinished: 0 })
    },
  )
}

/** A writer is killed after this number of saves, when this share of the next file is written. */
interface Moment {
  readonly saves: number
  readonly share: number
}

/** Runs a writer until it is killed. Returns the steps that it has acknowledged. */
async function saveUntilKilled(
  place: Place,
  mebibytes: number,
  { saves, share }: Moment,
): Promise<readonly number[]> {
  const child = startWriter(place, 'uploads', String(mebibytes))
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const acknowledged: number[] = []
  child.on('message', (message: UploadMessage) => {
    if (message.kind === 'saved') acknowledged.push(message.step)
    const isWritten = message.kind === 'written' && message.share >= share
    if (acknowledged.length > saves || (acknowledged.length === saves && isWritten)) child.kill('SIGKILL')
  })
  expect((await once(child, 'close'))[1]).toBe('SIGKILL')
  return acknowledged
}
