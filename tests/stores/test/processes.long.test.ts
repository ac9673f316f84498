import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { testKilledSaves } from './support/killed-saves.ts'
import { openAt } from './support/open-at.ts'
import { startWriter } from './support/start-writer.ts'
import { kindsOfStore } from './support/kinds-of-store.ts'

const writers = 8
const savesEach = 6

const effort = Number(process.env['HOLDFAST_TEST_EFFORT'] ?? 1)
const kills = 6 * effort

describe.each(await kindsOfStore())('processes on $name', (kind) => {
  const title = `every acknowledged save of ${writers} concurrent writers in shared mode is listed and verified`

  test(title, { timeout: 600_000 }, async () => {
    const place = kind.place()
    const acknowledged: number[] = []
    const ends = Array.from({ length: writers }, async (_, writer) => {
      const child = startWriter(place, 'shared', String(writer), String(savesEach))
      child.on('message', (step) => acknowledged.push(Number(step)))
      return (await once(child, 'close'))[0] as number // after its last message
    })
    expect(new Set(await Promise.all(ends))).toEqual(new Set([0]))
    expect(acknowledged).toHaveLength(writers * savesEach)
    await using store = await openAt(kind, place, { mode: 'shared' })
    const listed = (await store.list()).map(({ step }) => step)
    expect(listed).toEqual(acknowledged.toSorted((one, other) => one - other))
    expect((await store.verify()).good).toBe(true)
  })

  testKilledSaves(kind, kills)
})
