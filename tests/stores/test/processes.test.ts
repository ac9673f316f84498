import { describe, expect, test } from 'vitest'
import { testKilledSaves } from './support/killed-saves.ts'
import { openAt } from './support/open-at.ts'
import { kindsOfStore } from './support/kinds-of-store.ts'

describe.each(await kindsOfStore())('processes on $name', (kind) => {
  test('an exclusive writer is FENCED after another writer has taken over, and changes nothing', async () => {
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

  testKilledSaves(kind, 3)
})
