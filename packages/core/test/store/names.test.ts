import { expect, test } from 'vitest'
import {
  MemoryBackend,
  type Objectives,
  openStore,
  type RetentionOptions,
  type SaveRequest,
  type StoreOptions,
} from '../../src/index.ts'
import { codeOf, foldingEarly, keysOf, storeOn } from '../stores.ts'

/** Names that every object inherits, or that libraries treat specially. */
const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf']

test.each(names)(
  'keeps the best of a metric and an objective named %s, and everything else of that name',
  async (name) => {
    const backend = new MemoryBackend()
    const objectives: Objectives = {
      [name]: { metric: name, direction: 'min', smoothing: { average: 1 } },
      both: { weights: { [name]: 1 }, normalisation: { ranges: { [name]: [0, 9] } } },
      front: { pareto: [name, name] },
    }
    const options: StoreOptions = { objectives, retention: { keepLast: 1, keepBest: { [name]: 1 } } }
    const nested = { [name]: { [name]: [1] } }
    const trainer = storeOn(backend, options, foldingEarly)
    for (const [step, value] of [3, 1, 2, 5, 4, 6].entries()) {
      await trainer.save({
        step,
        files: { [name]: Buffer.from(name) },
        metrics: { [name]: value },
        metadata: nested,
        dataState: nested,
        tags: [name],
      })
    }
    await trainer.close()
    const reader = storeOn(backend, { mode: 'shared' }, foldingEarly)
    expect((await reader.list()).map(({ step }) => step)).toEqual([1, 5])
    const best = await reader.get(`best:${name}`)
    expect(best?.step).toBe(1)
    expect(best?.bestOf).toEqual([name, 'both', 'front'])
    expect(Object.entries(best?.metrics ?? {})).toEqual([[name, 1]])
    expect(Object.entries(best?.scores ?? {})).toContainEqual([name, 1])
    expect(best?.files.map((file) => file.name)).toEqual([name])
    expect(JSON.stringify([best?.metadata, best?.dataState])).toBe(JSON.stringify([nested, nested]))
    expect((await reader.metrics()).map(({ metrics }) => Object.entries(metrics)[0]?.[1])).toEqual([
      3, 1, 2, 5, 4, 6,
    ])
    expect(await reader.plateau(name)).toMatchObject({ best: { step: 1 }, valuesSince: 4 })
    await reader.attach(5, { [name]: 0 })
    expect((await reader.best(name))?.step).toBe(5)
    expect((await reader.verify()).good).toBe(true)
    await reader.forgetObjective('both')
    await reader.forgetObjective('front')
    await reader.forgetObjective(name)
    expect(await codeOf(reader.best(name))).toBe('INVALID_ARGUMENT')
  },
)

test.each(names)('does not take %s for an option, an objective or a metric that is there', async (name) => {
  const backend = new MemoryBackend()
  const open = (options: object) =>
    codeOf(openStore('mem:', JSON.parse(JSON.stringify(options)) as StoreOptions))
  const rejected = [
    { [name]: true },
    { retention: { [name]: 1 } },
    { retention: { keepBest: { [name]: 1 } } },
    { objectives: { loss: { metric: 'loss', direction: 'min', [name]: 1 } } },
    { objectives: { both: { weights: { [name]: 1 } } } },
    { objectives: { both: { pareto: [name, name] } } },
    { space: { [name]: 1 } },
    { background: { [name]: 1 } },
  ]
  for (const options of rejected)
    expect([options, await open(options)]).toEqual([options, 'INVALID_ARGUMENT'])
  const retention: RetentionOptions = { keepLast: 1, keepUnscored: '1 h' }
  const objectives: Objectives = { [name]: { metric: name, direction: 'min' } }
  const store = storeOn(backend, { mode: 'shared', objectives, retention })
  await store.save({ step: 0, files: { a: Buffer.from('a') }, metrics: { [name]: 1 } })
  for (let step = 1; step < 3; step += 1) await store.save({ step, files: { a: Buffer.from('a') } })
  expect((await store.list()).map(({ keptBecause }) => keptBecause.at(0))).toEqual([
    `best ${name}`,
    `waits for ${name}`,
    'last 1',
  ])
  const plain = storeOn(backend, { mode: 'shared' })
  expect(await codeOf(plain.best(`${name}s`))).toBe('INVALID_ARGUMENT')
  expect(await codeOf(storeOn(new MemoryBackend(), {}).plateau(name))).toBe('INVALID_ARGUMENT')
})

test('refuses records that inherit members, which would be lost', async () => {
  const backend = new MemoryBackend()
  const store = storeOn(backend)
  const bytes = Buffer.from('a')
  const requests: readonly object[] = [
    { step: 1, files: { a: bytes, __proto__: { b: bytes } } },
    { step: 1, files: { a: bytes }, metrics: { __proto__: { loss: 1 } } },
    { step: 1, files: { a: bytes }, metadata: { __proto__: { loss: 1 } } },
    { step: 1, files: new Map([['a', bytes]]) },
  ]
  for (const request of requests)
    expect(await codeOf(store.save(request as SaveRequest))).toBe('INVALID_ARGUMENT')
  const metrics: object = { __proto__: { loss: 1 } }
  expect(await codeOf(store.attach(1, metrics as Record<string, number>))).toBe('INVALID_ARGUMENT')
  expect((await keysOf(backend)).filter((key) => key.startsWith('data/'))).toEqual([])
})
