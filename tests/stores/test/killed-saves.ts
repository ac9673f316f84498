import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openAt } from './open.ts'
import { startWorker } from './start-worker.ts'
import type { KindOfStore } from './stores.ts'

/** Declares a test that kills a writer `kills` times while it saves large files. */
export function testKilledSaves(kind: KindOfStore, kills: number): void {
  test(
    `lists no partial checkpoint after ${kills} kills during large saves, and a sweep deletes all leftovers`,
    { timeout: 120_000 + kills * 5000 },
    async () => {
      const place = kind.place()
      const mebibytes = Math.ceil((3 * kind.partBytes) / 2 ** 20)
      const acknowledged = new Set<number>()
      let seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1e6)
      for (let kill = 0; kill < kills; kill += 1) {
        const child = startWorker(place, 'uploads', String(mebibytes))
        const started = new Promise((resolve) => {
          child.on('message', (message) => {
            if (message === 'starts') resolve(undefined)
            else acknowledged.add(Number(message))
          })
        })
        const exited = once(child, 'exit')
        await Promise.race([started, exited])
        seed = (seed * 16_807) % 2_147_483_647
        await setTimeout(seed % 400)
        child.kill('SIGKILL')
        expect((await exited)[1]).toBe('SIGKILL')
        await using store = await openAt(kind, place, { mode: 'shared' })
        const listed = (await store.list()).map(({ step }) => step)
        for (const step of acknowledged) expect(listed).toContain(step)
        const newest = listed.at(-1)
        if (newest !== undefined) expect((await store.verify({ steps: [newest] })).good).toBe(true)
      }
      await using last = await openAt(kind, place, { gracePeriod: 0 })
      await last.save({ step: 1_000_000, files: { last: Buffer.from('last') } })
      await last.sweep()
      expect((await last.verify()).good).toBe(true)
      expect((await last.backend.sweep({ olderThan: 0, dryRun: true })).discarded).toEqual([])
      expect(await last.sweep({ dryRun: true })).toMatchObject({ objects: 0, unfinished: 0 })
    },
  )
}
