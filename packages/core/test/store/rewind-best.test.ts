import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CheckpointStore, MemoryBackend, type Objectives } from '../../src/index.ts'
import { storeOn } from '../stores.ts'

type Values = readonly [step: number, loss: number][]

const low = { metric: 'loss', direction: 'min' } as const

function storeWith(objectives: Objectives): CheckpointStore {
  return storeOn(new MemoryBackend(), { mode: 'shared', objectives, retention: { keepLast: 1000 } })
}

async function saveAll(store: CheckpointStore, values: Values): Promise<void> {
  for (const [step, loss] of values)
    await store.save({ step, files: { a: Buffer.from(`${step}`) }, metrics: { loss } })
}

describe('a rewind', () => {
  test.each<[string, Objectives, Values]>([
    ['equal values', { it: low }, [[1, 5], [2, 5]]], // prettier-ignore
    ['a value that is not better by minDelta', { it: { ...low, minDelta: 1 } }, [[1, 5], [2, 4.5]]], // prettier-ignore
    ['smoothed values', { it: { ...low, smoothing: { average: 2 } } }, [[1, 9], [2, 10], [3, 9]]], // prettier-ignore
    ['a warm-up', { it: { ...low, warmUp: { values: 2 } } }, [[1, 9], [2, 8], [3, 10]]], // prettier-ignore
  ])('does not change the best among %s', async (_, objectives, values) => {
    const store = storeWith(objectives)
    await saveAll(store, values)
    const before = await store.best()
    await store.rewind(1)
    expect((await store.best())?.step).toBe(before?.step)
    expect((await store.best())?.scores).toEqual(before?.scores)
  })

  test('makes no abandoned checkpoint the best that is only as good as a listed one', async () => {
    const store = storeWith({ it: { ...low, ties: 'later' } })
    await saveAll(store, [[1, 5], [2, 5]]) // prettier-ignore
    expect((await store.best())?.step).toBe(2)
    await store.rewind(1)
    expect((await store.best())?.step).toBe(1)
    expect((await store.save({ step: 3, files: { a: Buffer.from('3') } })).dropped).toMatchObject([
      { step: 2 },
    ])
  })

  test('compares later values with the best that is not abandoned', async () => {
    const store = storeWith({ it: { ...low, minDelta: 10 } })
    await saveAll(store, [[1, 50], [2, 38]]) // prettier-ignore
    await store.rewind(1)
    await saveAll(store, [[3, 35], [4, 27]]) // prettier-ignore
    expect((await store.best())?.step).toBe(3)
  })

  test('does not let an abandoned best displace the best listed checkpoint', async () => {
    const objectives = { it: low }
    const retention = { keepLast: 2, keepBest: { it: 1 } }
    const store = storeOn(new MemoryBackend(), { mode: 'shared', objectives, retention })
    await saveAll(store, [[1, 5], [2, 1]]) // prettier-ignore
    await store.rewind(1)
    await saveAll(store, [[3, 3], [4, 4], [5, 4], [6, 4]]) // prettier-ignore
    expect((await store.best())?.step).toBe(2)
    expect((await store.list()).map(({ step }) => step)).toEqual([3, 5, 6])
  })

  test('counts a plateau as if the abandoned values had not been recorded', async () => {
    const store = storeWith({ it: { ...low, patience: 2 } })
    await saveAll(store, [[1, 5], [2, 6], [3, 6], [4, 1]]) // prettier-ignore
    await store.rewind(2)
    expect(await store.plateau('it')).toMatchObject({ best: { step: 1 }, valuesSince: 1, stepsSince: 1 })
    await saveAll(store, [[7, 6]]) // prettier-ignore
    expect(await store.plateau('it')).toMatchObject({ valuesSince: 2, stepsSince: 6, reached: true })
    await saveAll(store, [[8, 2]]) // prettier-ignore
    expect(await store.plateau('it')).toMatchObject({ best: { step: 8 }, valuesSince: 0 })
  })
})

test('after rewinds, the best listed checkpoint is that of a store without the abandoned saves', async () => {
  const scoring = fc.record(
    {
      minDelta: fc.constantFrom<number | { relative: number }>(0, 1, { relative: 0.3 }),
      ties: fc.constantFrom('earlier', 'later'),
      warmUp: fc.constant({ values: 2 }),
    },
    { requiredKeys: [] },
  )
  const smoothing = fc.constantFrom({ average: 2 }, { median: 3 }, { exponential: 0.5 }, undefined)
  const normalisation = fc.constantFrom('minmax', 'zscore', 'rank')
  const objectivesOf = fc
    .tuple(scoring, smoothing, scoring, normalisation)
    .map(([ofMetric, smoothed, ofSum, scale]): Objectives => {
      return {
        it: { ...low, ...ofMetric, smoothing: smoothed },
        acc: { metric: 'acc', direction: 'max' },
        sum: { weights: { it: 1, acc: 2 }, normalisation: scale, ...ofSum },
        front: { pareto: ['it', 'acc'] },
      }
    })
  const value = fc.option(fc.nat(4), { nil: undefined, freq: 6 })
  const act = fc.oneof(
    { weight: 4, arbitrary: fc.record({ ahead: fc.integer({ min: 1, max: 3 }), loss: value, acc: value }) },
    { weight: 1, arbitrary: fc.record({ back: fc.nat(9) }) },
  )
  await fc.assert(
    fc.asyncProperty(
      objectivesOf,
      fc.array(act, { minLength: 2, maxLength: 12 }),
      async (objectives, acts) => {
        const store = storeWith(objectives)
        let live: { step: number; metrics: Record<string, number> }[] = []
        for (const each of acts) {
          if ('back' in each) {
            const target = live.at(-1 - (each.back % Math.max(1, live.length)))
            if (target === undefined) continue
            await store.rewind(target.step)
            live = live.slice(0, live.indexOf(target) + 1)
            continue
          }
          const { ahead, ...given } = each
          const step = (live.at(-1)?.step ?? 0) + ahead
          const metrics: Record<string, number> = {}
          for (const [name, number] of Object.entries(given)) if (number !== undefined) metrics[name] = number
          await store.save({ step, files: { a: Buffer.from(`${step}`) }, metrics })
          live.push({ step, metrics })
        }
        const expected = storeWith(objectives)
        for (const { step, metrics } of live)
          await expected.save({ step, files: { a: Buffer.from(`${step}`) }, metrics })
        expect(await judgedBy(store)).toEqual(await judgedBy(expected))
      },
    ),
    { numRuns: 50 },
  )
})

/** Returns of which objectives each listed checkpoint is kept as the best, with its scores. */
async function judgedBy(store: CheckpointStore): Promise<unknown> {
  return (await store.list()).map(({ step, keptBecause, scores }) => {
    return { step, best: keptBecause.filter((reason) => reason.startsWith('best ')), scores }
  })
}
