import { describe, expect, test } from 'vitest'
import { MemoryBackend, type StoreOptions, type CheckpointStore } from '../../../src/index.ts'
import { flipBit, storeOn, tamper } from '../../stores.ts'
import { copied, dataKeys, filesOf, newStore, stepsOf, storeWith } from './copies.ts'

function keeping(options: StoreOptions): CheckpointStore {
  return storeOn(new MemoryBackend(), { mode: 'shared', ...options })
}

describe('the retention of the destination', () => {
  test('skips what it would drop, so that copying the oldest first sends nothing in vain', async () => {
    const from = await storeWith(1, 2, 3, 4)
    const store = keeping({ retention: { keepLast: 2 } })
    expect(await copied(from, store)).toEqual([
      'copied 3',
      'copied 4',
      'skipped 1: not among the last 2',
      'skipped 2: not among the last 2',
    ])
    expect(await stepsOf(store)).toEqual([3, 4])
  })

  test('copies the best, judged together with what is there', async () => {
    const objectives = { loss: { metric: 'loss', direction: 'min' } } as const
    const store = keeping({ objectives, retention: { keepLast: 1, keepBest: { loss: 1 } } })
    expect(await copied(await storeWith(5, 6, 7), store)).toEqual([
      'copied 5',
      'copied 7',
      expect.stringMatching(/^skipped 6: /),
    ])
    expect(await copied(await storeWith(9, 3, 8), store)).toEqual([
      'copied 3',
      'copied 8',
      expect.stringMatching(/^skipped 9: /),
    ])
    expect(await stepsOf(store)).toEqual([3, 8])
  })

  test('drops in the commit of the copy what the copy replaces', async () => {
    const store = keeping({ retention: { keepLast: 1 } })
    await copied(await storeWith(1), store)
    const from = await storeWith(2)
    const reports: unknown[] = []
    await copied(from, store, { onOutcome: (outcome) => reports.push(outcome) })
    expect(reports).toMatchObject([
      { kind: 'copied', dropped: [{ step: 1, because: 'not among the last 1' }] },
    ])
  })

  test('is that of the last save if the process that copies has none', async () => {
    const store = keeping({ retention: { keepLast: 2 } })
    await store.save({ step: 0, files: filesOf(0) })
    const plain = storeOn(store.backend, { mode: 'shared' })
    await copied(await storeWith(1, 2, 3), plain)
    expect(await stepsOf(plain)).toEqual([2, 3])
  })

  test('lets an older checkpoint take the place of one that is corrupt', async () => {
    const from = await storeWith(1, 2, 3)
    await tamper(from.backend, (await dataKeys(from, 3))[0] ?? '', flipBit)
    const store = keeping({ retention: { keepLast: 2 } })
    expect(await copied(from, store)).toEqual(['copied 2', 'failed 3: CORRUPT', 'copied 1'])
  })

  test('skips what the source dropped during the copy', async () => {
    const from = await storeWith(1, 2, 3)
    const store = newStore()
    const outcomes = await copied(from, store, {
      onOutcome: ({ step }) => {
        if (step === 1) void storeOn(from.backend, { mode: 'shared' }).delete([2])
      },
    })
    expect(outcomes[0]).toBe('copied 1')
    expect(['copied 2', 'skipped 2: the source dropped it during the copy']).toContain(outcomes[1])
    expect(outcomes[2]).toBe('copied 3')
  })
})
