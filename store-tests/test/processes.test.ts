import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { environmentOf, openAt } from './open.ts'
import { kindsOfStore, type Place } from './stores.ts'

const workers = 8
const savesEach = 6

/** More by `HOLDFAST_TEST_KILLS`, and more time for them. */
const kills = Number(process.env['HOLDFAST_TEST_KILLS'] ?? 12)
const killsTimeout = 120_000 + kills * 5000

function start(place: Place, ...words: readonly string[]): ChildProcess {
  return fork(join(import.meta.dirname, 'worker.ts'), [place.url, ...words], {
    env: environmentOf(place),
    execArgv: [],
  })
}

describe.each(await kindsOfStore())('processes on $name', (kind) => {
  test(`of ${workers} at once in shared mode every acknowledged save is listed, and good`, async () => {
    const place = kind.place()
    const acknowledged: number[] = []
    const ends = Array.from({ length: workers }, async (_, worker) => {
      const child = start(place, 'shared', String(worker), String(savesEach))
      child.on('message', (step) => acknowledged.push(Number(step)))
      return (await once(child, 'exit'))[0] as number
    })
    expect(new Set(await Promise.all(ends))).toEqual(new Set([0]))
    expect(acknowledged).toHaveLength(workers * savesEach)
    await using store = await openAt(kind, place, { mode: 'shared' })
    const listed = (await store.list()).map(({ step }) => step)
    expect(listed).toEqual(acknowledged.toSorted((one, other) => one - other))
    expect((await store.verify()).good).toBe(true)
  })

  test('an exclusive writer that another superseded gets FENCED, and changed nothing', async () => {
    const place = kind.place()
    await using first = await openAt(kind, place)
    await first.save({ step: 1, files: { a: Buffer.from('first') } })
    await using second = await openAt(kind, place)
    await second.save({ step: 2, files: { a: Buffer.from('second') } })
    await expect(first.save({ step: 3, files: { a: Buffer.from('late') } })).rejects.toMatchObject({
      code: 'FENCED',
    })
    expect((await second.list()).map(({ step }) => step)).toEqual([1, 2])
  })

  test(
    `killed at ${kills} moments of large saves: it opens, nothing partial is listed, a sweep leaves nothing`,
    async () => {
      const place = kind.place()
      const mebibytes = Math.ceil((3 * kind.partBytes) / 2 ** 20)
      const acknowledged = new Set<number>()
      let seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1e6)
      for (let kill = 0; kill < kills; kill += 1) {
        const child = start(place, 'uploads', String(mebibytes))
        const begun = new Promise((resolve) => {
          child.on('message', (message) => {
            if (message === 'begins') resolve(undefined)
            else acknowledged.add(Number(message))
          })
        })
        const exited = once(child, 'exit')
        await Promise.race([begun, exited])
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
    killsTimeout,
  )
})
